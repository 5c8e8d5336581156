"""Cases, what was done to them, decisions, objections, corrections, and the week's scores."""

import sqlalchemy as sa

from serving.database.chained_table import chained, payload
from serving.database.metadata import METADATA

LIVE = sa.text("state IN ('open', 'taken', 'snoozed')")

CASES = sa.Table(
    "cases",
    METADATA,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("risk", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, comment="grows by one with every event"),
    sa.Column("opened_at", sa.Text, nullable=False),
    sa.Column("opened_as_of", sa.Text, nullable=False, comment="day of the scores that opened it"),
    sa.Column("arm", sa.Text, nullable=False, comment="what is withheld at first: nothing, score or reasons"),
    sa.Column("assignee", sa.Text, nullable=False),
    sa.Column("locked_until", sa.Text, nullable=False),
    sa.Column("snoozed_until", sa.Text, nullable=False),
    sa.Column("first_look", sa.Text, nullable=False, comment="act or wait, before what is withheld was shown"),
    sa.Column("loss_avoided", sa.Float, nullable=False, index=True),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("band", sa.Text, nullable=False),
    sa.Column("family", sa.Text, nullable=False),
    sa.Column("seller_name", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("size", sa.Text, nullable=False),
    sa.Column("fulfilment", sa.Text, nullable=False),
    sa.Column("tenure_days", sa.Integer, nullable=False),
    sa.Column("facts", sa.Text, nullable=False, comment="JSON: all that a queue shows of it"),
    sa.Column(
        "breached", sa.Boolean, comment="in breach on one of the 28 days after opened_as_of; null: not yet known"
    ),
    sa.Index("one_live_case", "seller_id", "risk", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
)
CASE_EVENTS = chained(
    "case_events",
    "event_id",
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases.case_id"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False, comment="of the case after the event"),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False, index=True),
    payload("person", sa.Text, index=True),
    payload("before", sa.Text, comment="JSON: the fields that changed, as they were"),
    payload("after", sa.Text, comment="JSON: the same, as they are"),
    payload("detail", sa.Text, comment="JSON: what the action says"),
)
sa.Index("one_event_a_version", CASE_EVENTS.c.case_id, CASE_EVENTS.c.version, unique=True)
CASE_DECISIONS = sa.Table(
    "case_decisions",
    METADATA,
    sa.Column("case_decision_id", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases.case_id"), nullable=False, index=True),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("risk", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, comment="an intervention of the contract, or no_action"),
    sa.Column("decided_at", sa.Text, nullable=False, index=True),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("effective_at", sa.Text, nullable=False, comment="when the time to undo is over"),
    sa.Column("ends_at", sa.Text, nullable=False, comment="of a restriction; empty: none"),
    sa.Column("standard", sa.Text, nullable=False),
    sa.Column("standard_version", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("appeal", sa.Text, nullable=False),
    sa.Column("shown", sa.Text, nullable=False, comment="JSON: decision_id and digest of the record, arm, first look"),
    sa.Column("arm", sa.Text, nullable=False, comment="treatment or holdout of an experiment; empty: none"),
    sa.Column("propensity", sa.Float, comment="probability of treatment when it was assigned; null: not assigned"),
    sa.Column("letter", sa.Text, nullable=False, comment="JSON: the statement of reasons; empty for no_action"),
    sa.Column("undone_at", sa.Text, nullable=False),
    sa.Column("overturned_at", sa.Text, nullable=False),
)
OBJECTIONS = sa.Table(
    "objections",
    METADATA,
    sa.Column("objection_id", sa.Text, primary_key=True),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("case_decision_id", sa.Text, nullable=False, comment="the decision objected to; empty: none"),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("rows", sa.Text, nullable=False, comment="JSON: table and key of each row of the contract"),
    sa.Column("effect", sa.Text, nullable=False),
    sa.Column("new_fault", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("raised_at", sa.Text, nullable=False),
    sa.Column("raised_by", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("decided_at", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("decision_stands", sa.Boolean, nullable=False, comment="false: the decision objected to is taken back"),
    sa.Column("change", sa.Text, nullable=False, comment="JSON: the seller before and after; empty until granted"),
)
CORRECTIONS = sa.Table(
    "corrections",
    METADATA,
    sa.Column("correction_id", sa.Text, primary_key=True),
    sa.Column("objection_id", sa.Text, sa.ForeignKey("objections.objection_id"), nullable=False),
    sa.Column("dataset", sa.Text, nullable=False, comment="name of the source that the row key belongs to"),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("table", sa.Text, nullable=False),
    sa.Column("row_key", sa.Text, nullable=False),
    sa.Column("decided_at", sa.Text, nullable=False),
    sa.Column("effect", sa.Text, nullable=False),
    sa.Column("new_fault", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
WEEKLY_SCORES = sa.Table(
    "weekly_scores",
    METADATA,
    sa.Column("seller_id", sa.Text, primary_key=True),
    sa.Column("risk", sa.Text, primary_key=True),
    sa.Column("as_of", sa.Text, primary_key=True),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("band", sa.Text, nullable=False),
    sa.Column("current_rate", sa.Float),
    sa.Column("in_breach", sa.Boolean, nullable=False),
)
SALTS = sa.Table(
    "salts",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True, comment="what is drawn with it"),
    sa.Column("salt", sa.Text, nullable=False),
)
