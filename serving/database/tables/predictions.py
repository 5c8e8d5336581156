"""What was answered and from what, and what other systems say came true."""

import sqlalchemy as sa

from serving.database.chained_table import chained, payload
from serving.database.metadata import METADATA

LAYOUTS = sa.Table(
    "layouts",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True, comment="sha256 of the names"),
    sa.Column("names", sa.Text, nullable=False, comment="JSON list: the columns of a feature vector, in order"),
)
PREDICTIONS = chained(
    "predictions",
    "decision_id",
    sa.Column("logged_at", sa.Text, nullable=False, index=True),
    sa.Column("request_id", sa.Text, comment="of the call that asked"),
    sa.Column("as_of", sa.Text, nullable=False),
    sa.Column("horizon_days", sa.Integer, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("model_digest", sa.Text, nullable=False),
    sa.Column("layout", sa.Text, sa.ForeignKey("layouts.digest"), nullable=False),
    payload("seller_id", sa.Text, index=True),
    payload("vector", sa.LargeBinary, comment="little-endian float64, one per name of the layout"),
    payload("attributes", sa.Text, comment="JSON: category, region, peer group, ..."),
    payload("offsets", sa.Text, comment="JSON: the roll-forward's log-odds by risk"),
    payload("answer", sa.LargeBinary, comment="the bytes of the result as answered"),
)
OUTCOMES = chained(
    "outcomes",
    "outcome_id",
    sa.Column("recorded_at", sa.Text, nullable=False, index=True),
    sa.Column("source", sa.Text, nullable=False, comment="the system that says so"),
    sa.Column("risk", sa.Text, nullable=False),
    sa.Column("observed_on", sa.Text, nullable=False, comment="the day at whose close it was so"),
    sa.Column("decision_id", sa.Text, index=True, comment="the prediction that it belongs to, if it is known"),
    sa.Column("request_id", sa.Text),
    payload("seller_id", sa.Text, index=True),
    payload("in_breach", sa.Integer, comment="1 or 0"),
)
