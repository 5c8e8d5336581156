"""Who may ask (API keys, logins, sessions), stored answers of Idempotency-Keys, and batch jobs.

No key or password can be read back from here.
"""

import sqlalchemy as sa

from serving.database.metadata import METADATA

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
JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, nullable=False, comment="id of the API key that asked"),
    sa.Column("request_id", sa.Text, comment="as in the idempotency record that it came with"),
    sa.Column("submitted_at", sa.Text, nullable=False),
    sa.Column("request", sa.Text, comment="JSON: which sellers, and how; null once it is over"),
    sa.Column("state", sa.Text, nullable=False, index=True, comment="queued, running, done, failed, expired"),
    sa.Column("sellers", sa.Integer, comment="how many there are to score, once it has begun"),
    sa.Column("scored", sa.Integer, nullable=False, comment="how many of them are"),
    sa.Column("attempts", sa.Integer, nullable=False, comment="how often a process has taken it up"),
    sa.Column("basis", sa.Text, comment="JSON: the model and the store that it began with"),
    sa.Column("problem", sa.Text, comment="why it failed"),
    sa.Column("finished_at", sa.Text),
    sa.Column("digest", sa.Text, comment="sha256 of the result"),
)
