"""The first tables: predictions, outcomes, jobs, their chain, and what is needed to answer the same twice."""

import sqlalchemy as sa
from alembic import op

revision = "predictions"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "chain",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="1, 2, 3, ... without a gap"),
        sa.Column("subject", sa.Text(), nullable=False, comment="the record's table"),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("kept", sa.LargeBinary(), nullable=False, comment="sha256 of what stays"),
        sa.Column("payload", sa.LargeBinary(), nullable=False, comment="salted sha256 of what may be erased"),
        sa.Column("link", sa.LargeBinary(), nullable=False, comment="sha256 of this entry and the link before it"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_chain")),
        sa.UniqueConstraint("subject", "record_id", name=op.f("uq_chain_subject_record_id")),
    )
    op.create_table(
        "chain_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="1: there is one chain"),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="of the last entry; 0: there is none"),
        sa.Column("link", sa.LargeBinary(), nullable=False, comment="of the last entry"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_head")),
    )
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.Column("done_at", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="the table of the record whose payload was erased"),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True, comment="begins the digest of the payload; erased with it"),
        sa.Column("erased_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasures")),
    )
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text(), nullable=False, comment="id of the API key; another caller's keys are others"),
        sa.Column("key", sa.Text(), nullable=False, comment="the header's value"),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False, comment="sha256 of method, path and body"),
        sa.Column("request_id", sa.Text(), nullable=False, comment="as in the records that it made"),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column(
            "body", sa.LargeBinary(), nullable=True, comment="the answer's bytes; null once a record in them was erased"
        ),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_expires_at"), "idempotency", ["expires_at"])
    op.create_index(op.f("ix_idempotency_request_id"), "idempotency", ["request_id"])

    op.create_table(
        "jobs",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False, comment="id of the API key that asked"),
        sa.Column("request_id", sa.Text(), nullable=True, comment="as in the idempotency record that it came with"),
        sa.Column("submitted_at", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True, comment="JSON: which sellers, and how; null once it is over"),
        sa.Column("state", sa.Text(), nullable=False, comment="queued, running, done, failed, expired"),
        sa.Column("sellers", sa.Integer(), nullable=True, comment="how many there are to score, once it has begun"),
        sa.Column("scored", sa.Integer(), nullable=False, comment="how many of them are"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often a process has taken it up"),
        sa.Column("basis", sa.Text(), nullable=True, comment="JSON: the model and the store that it began with"),
        sa.Column("problem", sa.Text(), nullable=True, comment="why it failed"),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True, comment="sha256 of the result"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_state"), "jobs", ["state"])

    op.create_table(
        "layouts",
        sa.Column("digest", sa.Text(), nullable=False, comment="sha256 of the names"),
        sa.Column("names", sa.Text(), nullable=False, comment="JSON list: the columns of a feature vector, in order"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_layouts")),
    )
    op.create_table(
        "outcomes",
        sa.Column("outcome_id", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="the system that says so"),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.Column("observed_on", sa.Text(), nullable=False, comment="the day at whose close it was so"),
        sa.Column("decision_id", sa.Text(), nullable=True, comment="the prediction that it belongs to, if it is known"),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("seller_id", sa.Text(), nullable=True),
        sa.Column("in_breach", sa.Integer(), nullable=True, comment="1 or 0"),
        sa.Column("salt", sa.LargeBinary(), nullable=True, comment="begins the digest of the payload; erased with it"),
        sa.Column("erased_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("outcome_id", name=op.f("pk_outcomes")),
    )
    op.create_index(op.f("ix_outcomes_decision_id"), "outcomes", ["decision_id"])
    op.create_index(op.f("ix_outcomes_recorded_at"), "outcomes", ["recorded_at"])
    op.create_index(op.f("ix_outcomes_seller_id"), "outcomes", ["seller_id"])

    op.create_table(
        "removals",
        sa.Column("removal_id", sa.Text(), nullable=False),
        sa.Column("done_at", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="the table whose records were removed"),
        sa.Column(
            "through_seq", sa.BigInteger(), nullable=False, comment="all of its records up to this entry are gone"
        ),
        sa.Column("older_than", sa.Text(), nullable=False, comment="what retention asked for"),
        sa.Column("records", sa.BigInteger(), nullable=False, comment="how many were there"),
        sa.Column("salt", sa.LargeBinary(), nullable=True, comment="begins the digest of the payload; erased with it"),
        sa.Column("erased_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("removal_id", name=op.f("pk_removals")),
    )
    op.create_table(
        "predictions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("logged_at", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True, comment="of the call that asked"),
        sa.Column("as_of", sa.Text(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=True),
        sa.Column(
            "vector", sa.LargeBinary(), nullable=True, comment="little-endian float64, one per name of the layout"
        ),
        sa.Column("attributes", sa.Text(), nullable=True, comment="JSON: category, region, peer group, ..."),
        sa.Column("offsets", sa.Text(), nullable=True, comment="JSON: the roll-forward's log-odds by risk"),
        sa.Column("answer", sa.LargeBinary(), nullable=True, comment="the bytes of the result as answered"),
        sa.Column("salt", sa.LargeBinary(), nullable=True, comment="begins the digest of the payload; erased with it"),
        sa.Column("erased_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["layout"], ["layouts.digest"], name=op.f("fk_predictions_layout")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_predictions")),
    )
    op.create_index(op.f("ix_predictions_logged_at"), "predictions", ["logged_at"])
    op.create_index(op.f("ix_predictions_seller_id"), "predictions", ["seller_id"])
    op.execute(
        sa.table("chain_head", *map(sa.column, ("id", "seq", "link"))).insert().values(id=1, seq=0, link=bytes(32))
    )
