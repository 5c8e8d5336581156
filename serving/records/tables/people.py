"""Tables of logins and their sessions."""

import sqlalchemy as sa

from serving.records.metadata import METADATA

PEOPLE = sa.Table(
    "people",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False, comment="reviewer, manager or seller"),
    sa.Column("seller_id", sa.Text, nullable=False, comment="the seller that the role seller speaks for, else empty"),
    sa.Column("password", sa.Text, nullable=False, comment="argon2 hash"),
    sa.Column("created_at", sa.Text, nullable=False, comment="UTC"),
)
SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True, comment="sha256 of the cookie's token"),
    sa.Column("name", sa.Text, nullable=False, index=True, comment="whose login; ends with it"),
    sa.Column("csrf", sa.Text, nullable=False, comment="the token that this session's forms carry"),
    sa.Column("seen_at", sa.Text, nullable=False, comment="UTC, of the last request, to the minute"),
    sa.Column("ends_at", sa.Text, nullable=False, comment="UTC"),
)
