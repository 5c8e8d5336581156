"""What was taken out of the records on purpose: nothing goes missing without an entry in the chain that says so."""

import sqlalchemy as sa

from serving.records.chained import chained

ERASURES = chained(
    "erasures",
    "erasure_id",
    sa.Column("done_at", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, comment="the table of the record whose payload was erased"),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
REMOVALS = chained(
    "removals",
    "removal_id",
    sa.Column("done_at", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, comment="the table whose records were removed"),
    sa.Column("through_seq", sa.BigInteger, nullable=False, comment="all of its records up to this entry are gone"),
    sa.Column("older_than", sa.Text, nullable=False, comment="what retention asked for"),
    sa.Column("records", sa.BigInteger, nullable=False, comment="how many were there"),
)
