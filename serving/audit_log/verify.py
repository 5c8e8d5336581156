"""Whether the records are those that were chained: none altered, missing, added or moved.

Whoever can write to the database can also compute a chain anew. So keep the head that this prints (and every backup
names) somewhere else, and give it to a later verification: a chain that was computed anew does not lead through it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from core.errors import ForesellError
from serving.audit_log.chain import head
from serving.database.chained_table import EMPTY, ChainedTable, chained_tables, kept_digest, link, payload_digest
from serving.database.connection import reading
from serving.database.tables.chain import CHAIN, ERASURES, REMOVALS
from serving.database.tables.predictions import LAYOUTS

AT_ONCE = 500


@dataclass(frozen=True)
class Fault:
    """One record or entry that is not as it was. seq: 0 where it has no place in the chain."""

    seq: int
    subject: str
    record_id: str
    said: str


@dataclass(frozen=True)
class Verification:
    """What was looked at, and what is wrong. head: of the chain, as `seq:link`."""

    entries: int
    head: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class RemovedRecords:
    """What was taken out on purpose: records whose payload is erased, and up to where a subject's are removed."""

    erased: frozenset[tuple[str, str]]
    removed: Mapping[str, int]


def verify(engine: sa.Engine, anchor: str = "") -> Verification:
    """Read every record and entry once, as of one moment. anchor: a head of before that the chain must lead through."""
    with reading(engine) as con:
        entries = con.scalar(sa.select(sa.func.count()).select_from(CHAIN)) or 0
        return Verification(entries, written(*head(con)), tuple(faults(con)) + tuple(_anchor(con, anchor)))


def faults(con: sa.Connection) -> Iterator[Fault]:
    """Everything that is wrong with chain and records."""
    yield from _chain(con, _known(con))
    yield from _end(con, *head(con))
    yield from _unchained(con)
    yield from _layouts(con)


def written(seq: int, last: bytes) -> str:
    """A place in the chain as people keep it."""
    return f"{seq}:{last.hex()}"


def _known(con: sa.Connection) -> RemovedRecords:
    erased = con.execute(sa.select(ERASURES.c.subject, ERASURES.c.record_id))
    removed = con.execute(
        sa.select(REMOVALS.c.subject, sa.func.max(REMOVALS.c.through_seq)).group_by(REMOVALS.c.subject)
    )
    return RemovedRecords(
        frozenset((s, r) for s, r in erased), {str(subject): int(through) for subject, through in removed}
    )


def _chain(con: sa.Connection, known: RemovedRecords) -> Iterator[Fault]:
    seq, before, found = 0, EMPTY, con.execution_options(yield_per=AT_ONCE).execute(sa.select(CHAIN).order_by("seq"))
    for batch in found.partitions(AT_ONCE):
        for entry in batch:
            seq += 1
            yield from _entry(entry, seq, before)
            seq, before = entry.seq, bytes(entry.link)
        yield from _records(con, batch, known)


def _entry(entry: Any, seq: int, before: bytes) -> Iterator[Fault]:
    if entry.seq != seq:
        yield _fault(entry, f"entry {seq} is missing before it")
    elif bytes(entry.link) != link(
        before, seq, entry.subject, entry.record_id, bytes(entry.kept), bytes(entry.payload)
    ):
        yield _fault(entry, "its entry does not follow from the one before")


def _records(con: sa.Connection, batch: Sequence[Any], known: RemovedRecords) -> Iterator[Fault]:
    ordered = sorted(batch, key=attrgetter("subject"))
    for subject, entries in groupby(ordered, key=attrgetter("subject")):
        kind = chained_tables().get(subject)
        mine = list(entries)
        rows = _rows(con, kind, [e.record_id for e in mine]) if kind else {}
        for entry in mine:
            said = _wrong(kind, entry, rows.get(entry.record_id), known) if kind else "there is no such table"
            if said:
                yield _fault(entry, said)


def _rows(con: sa.Connection, kind: ChainedTable, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    found = con.execute(sa.select(kind.table).where(kind.table.c[kind.key].in_(ids))).mappings()
    return {row[kind.key]: {name: _plain(value) for name, value in row.items()} for row in found}


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _wrong(kind: ChainedTable, entry: Any, row: Mapping[str, Any] | None, known: RemovedRecords) -> str:
    """What is wrong with the record of an entry; empty when nothing is."""
    if row is None:
        return "" if entry.seq <= known.removed.get(entry.subject, 0) else "the record is missing"
    if kept_digest(row, kind.kept) != bytes(entry.kept):
        return "the record was altered"
    if row["erased_at"] is not None or row["salt"] is None:
        left = any(row[name] is not None for name in (*kind.payload, "salt"))
        on_purpose = (entry.subject, entry.record_id) in known.erased and row["erased_at"] is not None
        return "" if on_purpose and not left else "the payload was taken without an erasure on record"
    return "" if payload_digest(row, kind.payload, row["salt"]) == bytes(entry.payload) else "the payload was altered"


def _end(con: sa.Connection, seq: int, last: bytes) -> Iterator[Fault]:
    """The head is that of the last entry: entries that were cut off leave it behind."""
    found = con.execute(sa.select(CHAIN.c.seq, CHAIN.c.link).order_by(CHAIN.c.seq.desc()).limit(1)).one_or_none()
    if (seq, last) != ((found.seq, bytes(found.link)) if found else (0, EMPTY)):
        yield Fault(seq, "chain", "", "the chain does not end at its head")


def _unchained(con: sa.Connection) -> Iterator[Fault]:
    for kind in chained_tables().values():
        key = kind.table.c[kind.key]
        chained = sa.select(CHAIN.c.record_id).where(CHAIN.c.subject == kind.subject, CHAIN.c.record_id == key)
        for record_id in con.execute(sa.select(key).where(~chained.exists())).scalars():
            yield Fault(0, kind.subject, record_id, "the record is in no entry")


def _layouts(con: sa.Connection) -> Iterator[Fault]:
    for digest, names in con.execute(sa.select(LAYOUTS.c.digest, LAYOUTS.c.names)):
        if digest != "sha256:" + hashlib.sha256(names.encode()).hexdigest():
            yield Fault(0, "layouts", digest, "the names were altered")


def _anchor(con: sa.Connection, anchor: str) -> Iterator[Fault]:
    if not anchor:
        return
    seq, _, digest = anchor.partition(":")
    if not seq.isdecimal() or len(digest) != 2 * len(EMPTY):
        raise ForesellError(
            "A head is a number, a colon and 64 hexadecimal digits.", anchor, "give it as it was printed"
        )
    found = con.scalar(sa.select(CHAIN.c.link).where(CHAIN.c.seq == int(seq)))
    if int(seq) and (found is None or bytes(found).hex() != digest):
        yield Fault(int(seq), "chain", "", "this head is no longer part of the chain")


def _fault(entry: Any, said: str) -> Fault:
    return Fault(entry.seq, entry.subject, entry.record_id, said)
