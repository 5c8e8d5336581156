"""Batch jobs: what was asked for, how far it is, and what came of it."""

import sqlalchemy as sa

from serving.records.metadata import METADATA

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
