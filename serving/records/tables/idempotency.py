"""What was answered to requests that carried an Idempotency-Key."""

import sqlalchemy as sa

from serving.records.metadata import METADATA

IDEMPOTENCY = sa.Table(
    "idempotency",
    METADATA,
    sa.Column("scope", sa.Text, primary_key=True, comment="id of the API key; another caller's keys are others"),
    sa.Column("key", sa.Text, primary_key=True, comment="the header's value"),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False, comment="sha256 of method, path and body"),
    sa.Column("request_id", sa.Text, nullable=False, index=True, comment="as in the records that it made"),
    sa.Column("expires_at", sa.Text, nullable=False, index=True),
    sa.Column("body", sa.LargeBinary, comment="the answer's bytes; null once a record in them was erased"),
)
