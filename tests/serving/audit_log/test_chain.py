"""The chain: whatever is done to the records behind its back is found, and what is done through it is not."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from core.errors import ForesellError
from serving.audit_log.erasure import erase_prediction, erase_seller
from serving.audit_log.group_commit import GroupCommit, UnitOfWork
from serving.audit_log.predictions import prediction_rows, record_layout
from serving.audit_log.verify import faults, verify
from serving.database.chained_table import chained_tables, kept_digest
from serving.database.connection import reading, writing
from serving.database.tables.chain import CHAIN
from serving.database.tables.predictions import LAYOUTS, OUTCOMES, PREDICTIONS
from tests.support.records_fixture import fill, keep, outcome, prediction


def test_records_as_they_were_recorded_verify(records: sa.Engine) -> None:
    assert verify(records).entries == 0
    fill(records)
    erase_seller(records, "seller-3", "asked for")
    found = verify(records)
    assert found.faults == ()
    assert found.entries == 20 + 10 + 3 + 1
    assert found.head.startswith("34:")


def test_what_workers_record_at_the_same_time_makes_one_chain(records: sa.Engine) -> None:
    layout = record_layout(records, ("a",))

    async def work(worker: int) -> None:
        commits = GroupCommit(records)
        for n in range(10):
            units = [UnitOfWork(prediction_rows([prediction(worker * 1000 + n * 10 + i, layout)])) for i in range(3)]
            await asyncio.gather(*map(commits.keep, units))

    async def together() -> None:
        await asyncio.gather(*(asyncio.to_thread(asyncio.run, work(w)) for w in range(4)))

    asyncio.run(together())
    assert verify(records).faults == ()
    assert verify(records).entries == 120


Change = Callable[[sa.Connection, random.Random], None]


def alter(con: sa.Connection, rng: random.Random) -> None:
    """One value of one record."""
    kind = rng.choice([k for k in chained_tables().values() if count(con, k.table)])
    [row] = pick(con, kind.table, rng)
    name = rng.choice([c.name for c in kind.table.c if row[c.name] is not None and c.name != "layout"])
    old = row[name]
    new = old + b"\0" if isinstance(old, bytes) else old + 1 if isinstance(old, int) else old + " "
    con.execute(sa.update(kind.table).where(kind.table.c[kind.key] == row[kind.key]).values({name: new}))


def empty(con: sa.Connection, rng: random.Random) -> None:
    """An erasure that nobody recorded."""
    [row] = pick(con, PREDICTIONS, rng, PREDICTIONS.c.erased_at.is_(None))
    emptied = dict.fromkeys((*chained_tables()["predictions"].payload, "salt"), None) | {
        "erased_at": rng.choice(["now", None])
    }
    con.execute(sa.update(PREDICTIONS).where(PREDICTIONS.c.decision_id == row["decision_id"]).values(emptied))


def delete(con: sa.Connection, rng: random.Random) -> None:
    """One record."""
    [row] = pick(con, PREDICTIONS, rng)
    con.execute(sa.delete(PREDICTIONS).where(PREDICTIONS.c.decision_id == row["decision_id"]))


def delete_with_entry(con: sa.Connection, rng: random.Random) -> None:
    """One record and its entry, the last one too."""
    [entry] = pick(con, CHAIN, rng)
    kind = chained_tables()[entry["subject"]]
    con.execute(sa.delete(CHAIN).where(CHAIN.c.seq == entry["seq"]))
    con.execute(sa.delete(kind.table).where(kind.table.c[kind.key] == entry["record_id"]))


def add(con: sa.Connection, rng: random.Random) -> None:
    """A record that no entry speaks of."""
    con.execute(sa.insert(OUTCOMES), outcome(rng.randrange(1000, 9999)) | {"salt": b"0"})


def swap(con: sa.Connection, rng: random.Random) -> None:
    """The places of two entries."""
    first, second = pick(con, CHAIN, rng, count=2)
    for entry, seq in ((first, -1), (second, first["seq"]), ({"seq": -1}, second["seq"])):
        con.execute(sa.update(CHAIN).where(CHAIN.c.seq == entry["seq"]).values(seq=seq))


def alter_entry(con: sa.Connection, rng: random.Random) -> None:
    """One value of one entry."""
    [entry] = pick(con, CHAIN, rng)
    name = rng.choice(["subject", "record_id", "kept", "payload", "link"])
    new = bytes(32) if isinstance(entry[name], bytes) else entry[name] + "x"
    con.execute(sa.update(CHAIN).where(CHAIN.c.seq == entry["seq"]).values({name: new}))


def alter_both(con: sa.Connection, rng: random.Random) -> None:
    """A record, and its entry's digest to fit it."""
    [row] = pick(con, PREDICTIONS, rng)
    kind, changed = chained_tables()["predictions"], dict(row) | {"model_version": "2"}
    mine = (CHAIN.c.subject == "predictions", CHAIN.c.record_id == row["decision_id"])
    con.execute(sa.update(CHAIN).where(*mine).values(kept=kept_digest(changed, kind.kept)))
    con.execute(sa.update(PREDICTIONS).where(PREDICTIONS.c.decision_id == row["decision_id"]).values(model_version="2"))


def cut(con: sa.Connection, rng: random.Random) -> None:
    """The last entries and their records."""
    entries = con.execute(sa.select(CHAIN).order_by(CHAIN.c.seq.desc()).limit(rng.randrange(1, 5))).all()
    for entry in entries:
        kind = chained_tables()[entry.subject]
        con.execute(sa.delete(kind.table).where(kind.table.c[kind.key] == entry.record_id))
        con.execute(sa.delete(CHAIN).where(CHAIN.c.seq == entry.seq))


def rename_columns(con: sa.Connection, rng: random.Random) -> None:
    """The names behind the numbers of a vector."""
    con.execute(sa.update(LAYOUTS).values(names='["b", "a"]'))


CHANGES: list[Change] = [
    alter, empty, delete, delete_with_entry, add, swap, alter_entry, alter_both, cut, rename_columns
]  # fmt: skip


def pick(con: sa.Connection, table: sa.Table, rng: random.Random, *where: Any, count: int = 1) -> list[Any]:
    """Some rows."""
    return rng.sample(con.execute(sa.select(table).where(*where)).mappings().all(), count)


def count(con: sa.Connection, table: sa.Table) -> int:
    """How many rows there are."""
    return con.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_change_behind_the_back_of_the_chain_is_found(records: sa.Engine, change: Change) -> None:
    fill(records)
    erase_prediction(records, "d4", "asked for")
    for seed in range(20):
        with records.connect() as con:
            change(con, random.Random(seed))
            assert list(faults(con)), f"seed {seed}"
            con.rollback()
    assert verify(records).faults == ()


def test_a_chain_that_was_computed_anew_does_not_lead_through_a_head_kept_elsewhere(records: sa.Engine) -> None:
    fill(records)
    kept = verify(records).head
    keep(records, {OUTCOMES: [outcome(100)]})
    assert verify(records, kept).faults == ()
    with writing(records) as con:
        for table in (PREDICTIONS, OUTCOMES, CHAIN):
            con.execute(sa.delete(table))
        con.execute(sa.text("update chain_head set seq = 0, link = :link"), {"link": bytes(32)})
    fill(records)
    assert verify(records).faults == ()
    assert [f.said for f in verify(records, kept).faults] == ["this head is no longer part of the chain"]
    with pytest.raises(ForesellError, match="A head is"):
        verify(records, "31")


def test_an_erased_record_can_still_not_be_altered(records: sa.Engine) -> None:
    fill(records)
    erase_prediction(records, "d4", "asked for")
    with writing(records) as con:
        con.execute(sa.update(PREDICTIONS).where(PREDICTIONS.c.decision_id == "d4").values(model_version="9"))
    assert [(f.record_id, f.said) for f in verify(records).faults] == [("d4", "the record was altered")]


def test_the_same_payload_has_another_digest_each_time(records: sa.Engine) -> None:
    layout = record_layout(records, ("a",))
    twin: dict[str, str | bytes] = {"vector": b"same", "seller_id": "s"}
    keep(
        records, prediction_rows([prediction(1, layout, **twin), prediction(1, layout, **twin | {"decision_id": "d2"})])
    )
    with reading(records) as con:
        first, second = con.execute(sa.select(CHAIN.c.payload)).scalars()
    assert first != second
