"""The chain of record digests."""

import sqlalchemy as sa

from serving.records.metadata import METADATA

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
