"""What was answered, and from what."""

import sqlalchemy as sa

from serving.records.metadata import METADATA

LAYOUTS = sa.Table(
    "layouts",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True, comment="sha256 of the names"),
    sa.Column("names", sa.Text, nullable=False, comment="JSON list: the columns of a feature vector, in order"),
)
PREDICTIONS = sa.Table(
    "predictions",
    METADATA,
    sa.Column("decision_id", sa.Text, primary_key=True),
    sa.Column("logged_at", sa.Text, nullable=False, index=True),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("as_of", sa.Text, nullable=False),
    sa.Column("horizon_days", sa.Integer, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("model_digest", sa.Text, nullable=False),
    sa.Column("layout", sa.Text, sa.ForeignKey("layouts.digest"), nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False, comment="little-endian float64, one per name of the layout"),
    sa.Column("attributes", sa.Text, nullable=False, comment="JSON: category, region, peer group, ..."),
    sa.Column("offsets", sa.Text, nullable=False, comment="JSON: the roll-forward's log-odds by risk"),
    sa.Column("answer", sa.LargeBinary, nullable=False, comment="the bytes of the result as answered"),
)
