"""The chain of record digests, and what was taken out of the records on purpose.

Nothing goes missing without an entry in the chain that says so.
"""

import sqlalchemy as sa

from serving.database.chained_table import chained
from serving.database.metadata import METADATA

CHAIN = sa.Table(
    "chain",
    METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3, ... without a gap"),
    sa.Column("subject", sa.Text, nullable=False, comment="the record's table"),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("kept", sa.LargeBinary, nullable=False, comment="sha256 of what stays"),
    sa.Column("payload", sa.LargeBinary, nullable=False, comment="salted sha256 of what may be erased"),
    sa.Column("link", sa.LargeBinary, nullable=False, comment="sha256 of this entry and the link before it"),
    sa.UniqueConstraint("subject", "record_id"),
)
CHAIN_HEAD = sa.Table(
    "chain_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, comment="1: there is one chain"),
    sa.Column("seq", sa.BigInteger, nullable=False, comment="of the last entry; 0: there is none"),
    sa.Column("link", sa.LargeBinary, nullable=False, comment="of the last entry"),
)
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
