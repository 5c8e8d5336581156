"""What other systems say came true."""

import sqlalchemy as sa

from serving.records.chained import chained, payload

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
