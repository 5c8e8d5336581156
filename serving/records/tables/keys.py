"""The API keys; none of them can be read back from here."""

import sqlalchemy as sa

from serving.records.metadata import METADATA

API_KEYS = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("key_id", sa.Text, primary_key=True, comment="the part of the key that is no secret"),
    sa.Column("name", sa.Text, nullable=False, comment="who holds it"),
    sa.Column("roles", sa.Text, nullable=False, comment="score, read, review, admin; separated by a space"),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 of the whole key under the secret"),
    sa.Column("rate", sa.Float, comment="requests a second; null: as the setting says"),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, comment="null: never"),
    sa.Column("revoked_at", sa.Text, comment="null: it holds"),
    sa.Column("used_at", sa.Text, comment="its last use, to the minute; null: never"),
)
