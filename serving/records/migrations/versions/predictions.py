"""Predictions, and the layouts of their vectors."""

import sqlalchemy as sa
from alembic import op

revision = "predictions"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "layouts",
        sa.Column("digest", sa.Text(), nullable=False, comment="sha256 of the names"),
        sa.Column("names", sa.Text(), nullable=False, comment="JSON list: the columns of a feature vector, in order"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_layouts")),
    )
    op.create_table(
        "predictions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("logged_at", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Text(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column(
            "vector", sa.LargeBinary(), nullable=False, comment="little-endian float64, one per name of the layout"
        ),
        sa.Column("attributes", sa.Text(), nullable=False, comment="JSON: category, region, peer group, ..."),
        sa.Column("offsets", sa.Text(), nullable=False, comment="JSON: the roll-forward's log-odds by risk"),
        sa.Column("answer", sa.LargeBinary(), nullable=False, comment="the bytes of the result as answered"),
        sa.ForeignKeyConstraint(["layout"], ["layouts.digest"], name=op.f("fk_predictions_layout")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_predictions")),
    )
    op.create_index(op.f("ix_predictions_logged_at"), "predictions", ["logged_at"])
    op.create_index(op.f("ix_predictions_seller_id"), "predictions", ["seller_id"])
