"""A ledger that grew file by file is the ledger of all files at once: rows, corrections, and what features see."""

import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from core.errors import ForesellError
from core.packed_keys import ShortKey
from core.sql_text import quoted
from features.engines.duckdb import connect
from features.incremental import changes, rebuild, touched
from features.incremental.store import FILE, FORMAT
from features.incremental.touched import ORDER
from features.incremental.update import grow
from tests.support.engine_ledger import built, for_histories
from tests.support.histories import History, an_example

pytestmark = pytest.mark.slow
BORN = {"orders": "ordered_at", "returns": "opened_at", "cases": "opened_at", "feedback": "created_at"}
BORN |= {"interventions": "started_at", "corrections": "decided_at"}
EVER, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(2970, 1, 1, tzinfo=UTC)


def batches(history: History, number: int, dice: Random, in_order: bool) -> list[dict[str, list[dict[str, Any]]]]:
    """The rows in so many deliveries: cut at moments at which they were known, or dealt out at random."""
    known = [_known(table, row) for table, rows in history.tables.items() for row in rows]
    cuts = sorted(dice.choices(known, k=number - 1))
    found: list[dict[str, list[dict[str, Any]]]] = [defaultdict(list) for _ in range(number)]
    for table, rows in history.tables.items():
        for row in rows:
            late = sum(_known(table, row) >= cut for cut in cuts) if in_order else dice.randrange(number)
            found[late][table].append(row)
    for table in ("orders", "sellers"):  # a ledger begins with some of both
        if not found[0][table]:
            found[0][table].append(next(batch[table].pop() for batch in found if batch[table]))
    return found


def _known(table: str, row: dict[str, Any]) -> datetime:
    return row.get("recorded_at") or row.get(BORN.get(table, "")) or EVER


def deliver(history: History, batch: dict[str, list[dict[str, Any]]], folder: Path, number: int) -> None:
    """Write a delivery's files beside those before; a table that the source has comes with its columns, rows or not."""
    for table in history.tables:
        rows = batch.get(table, [])
        if rows or number == 0:
            (folder / table).mkdir(parents=True, exist_ok=True)
            pq.write_table(history._frame(table, rows), folder / table / f"{number}.parquet")


def grown(history: History, parts: list[dict[str, list[dict[str, Any]]]], folder: Path) -> Path:
    for number, batch in enumerate(parts):
        deliver(history, batch, folder / "data", number)
        grow(folder / "ledger", folder / "data", history.zone, share=1.0)
    return folder / "ledger" / FILE


def tables(con: Any, prefix: str, quantities: tuple[str, ...]) -> tuple[set[Any], set[Any]]:
    """Ledger rows, and corrections by key without those that come to nothing."""
    named = ", ".join(quantities)
    rows = con.execute(f"select seller_id, day, {named} from {prefix}ledger").fetchall()
    assert len(rows) == len({row[:2] for row in rows}), "one row a seller and day"
    sums = ", ".join(f"sum({q})" for q in quantities)
    some = " or ".join(f"sum({q}) <> 0" for q in quantities)
    corrections = con.execute(f"""select seller_id, effective_day, decided_day, {sums} from {prefix}ledger_corrections
        group by all having {some}""").fetchall()
    return set(rows), set(corrections)


def compare(history: History, file: Path) -> None:
    whole = built(history)
    with connect() as con:
        con.execute(f"attach {quoted(file)} as kept (read_only)")
        found = tables(con, "kept.", whole.quantities)
    for ours, theirs in zip(found, tables(whole.con, "", whole.quantities), strict=True):
        assert (sorted(ours - theirs)[:3], sorted(theirs - ours)[:3]) == ([], [])


@pytest.mark.parametrize("in_order", [True, False], ids=["day by day", "in any order"])
@pytest.mark.parametrize("number", [60, pytest.param(1_200, marks=pytest.mark.long)])
def test_a_ledger_that_grew_is_the_ledger_of_everything(
    number: int, in_order: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def check(history: History, seed: int) -> None:
        dice = Random(seed)
        parts = batches(history, dice.randint(2, 4), dice, in_order)
        compare(history, grown(history, parts, tmp_path_factory.mktemp("grown")))

    for_histories(number, check)


def versions() -> History:
    return an_example(versioned=frozenset(("orders", "returns", "cases", "feedback", "sellers")), appeals=True)


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> tuple[History, Path]:
    """A ledger of the first half of a history; the files of the second lie beside it, not yet taken."""
    history, folder = versions(), tmp_path_factory.mktemp("halves")
    first, second = batches(history, 2, Random(1), in_order=True)
    grown(history, [first], folder)
    deliver(history, second, folder / "data", 1)
    return history, folder


def test_slices_of_sellers_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "SLICE", 150)
    history = versions()
    compare(history, grown(history, batches(history, 1, Random(0), in_order=True), tmp_path))


def test_orders_found_by_mistake_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShortKey, "BITS", 1)
    history = versions()
    compare(history, grown(history, batches(history, 4, Random(3), in_order=False), tmp_path))


def as_if_new(key: Any, quantities: Any, new: str, old: str, counted: bool) -> str:
    """The new rows' ledger without taking back the old one's."""
    return RIGHT_DIFFERENCE(key, quantities, new, f"(from {old} limit 0)", counted)


RIGHT_DIFFERENCE = rebuild.difference


def whatever_the_period(one: str, other: str) -> str:
    """A category's first line of any period in place of the one in question."""
    return changes._same(one, other, rebuild.LINE_COUNTS)


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "what stood there before is not taken back": (changes, "difference", as_if_new),
    "a seller whose first lines move is not loaded again": (
        *(changes, "_reopened"),
        lambda: "select seller_id from reopened where 1 = 0",
    ),
    "a category is new to its seller only once": (changes, "_same_first", whatever_the_period),
    "touched orders are sought by another key than the stored one": (touched, "ORDER", ShortKey(ORDER.name, "'x'")),
}


FOUND_IN_ORDER = {"a category is new to its seller only once"}  # the others show where rows arrive late


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module, name, planted = PLANTED[fault]
    monkeypatch.setattr(module, name, planted)
    history = versions()
    parts = batches(history, 4, Random(3), in_order=fault in FOUND_IN_ORDER)
    with pytest.raises(AssertionError, match=re.escape("([], [])")):
        compare(history, grown(history, parts, tmp_path))


def test_a_ledger_of_another_format_is_refused(halves: tuple[History, Path], tmp_path: Path) -> None:
    shutil.copytree(halves[1], tmp_path / "copy")
    with connect() as con:
        con.execute(f"attach {quoted(tmp_path / 'copy/ledger' / FILE)} as kept")
        con.execute(f"update kept.facts set facts = replace(facts, '\"format\": {FORMAT}', '\"format\": {FORMAT - 1}')")
    with pytest.raises(ForesellError, match=f"have the format {FORMAT}. Found: format {FORMAT - 1}."):
        grow(tmp_path / "copy/ledger", tmp_path / "copy/data")


def test_a_run_that_is_repeated_finds_nothing_to_do(halves: tuple[History, Path], tmp_path: Path) -> None:
    history, folder = halves
    shutil.copytree(folder, tmp_path / "copy")
    taken = [grow(tmp_path / "copy/ledger", tmp_path / "copy/data", share=1.0) for _ in range(2)]
    assert ([run.files > 0 for run in taken], [run.whole for run in taken]) == ([True, False], [False, False])
    compare(history, tmp_path / "copy/ledger" / FILE)


def test_a_file_of_the_same_content_under_another_name_counts_once(
    halves: tuple[History, Path], tmp_path: Path
) -> None:
    history, folder = halves
    shutil.copytree(folder, tmp_path / "copy")
    shutil.copy(folder / "data/orders/0.parquet", tmp_path / "copy/data/orders/again.parquet")
    grow(tmp_path / "copy/ledger", tmp_path / "copy/data", share=1.0)
    compare(history, tmp_path / "copy/ledger" / FILE)


def test_a_table_that_comes_later_makes_the_ledger_anew(tmp_path: Path) -> None:
    history = versions()
    (later,) = batches(history, 1, Random(0), in_order=True)
    sooner = {table: later.pop(table) for table in ("orders", "sellers")}
    for table, rows in sooner.items():
        deliver(history.with_tables({table: rows}), {table: rows}, tmp_path / "data", 0)
    assert grow(tmp_path / "ledger", tmp_path / "data", history.zone, share=1.0).whole
    deliver(history, later, tmp_path / "data", 1)
    assert grow(tmp_path / "ledger", tmp_path / "data", share=1.0).whole
    compare(history, tmp_path / "ledger" / FILE)


def test_who_ships_changes_orders_that_nothing_else_touches(tmp_path: Path) -> None:
    plain = an_example()
    told = [row | {"fulfilment": "platform"} for row in plain.tables["sellers"]]
    history = plain.with_tables(plain.tables | {"sellers": told})
    (first,) = batches(history, 1, Random(0), in_order=True)
    compare(history, grown(history, [first | {"sellers": told[:1]}, {"sellers": told[1:]}], tmp_path))


def test_a_ledger_begins_with_orders_and_sellers(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(ForesellError, match="must have orders and sellers"):
        grow(tmp_path / "ledger", tmp_path / "data")


def test_a_file_given_for_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").touch()
    for name, said in {"orders.csv": "is a file", "nowhere": "no folder"}.items():
        with pytest.raises(ForesellError, match=said):
            grow(tmp_path / "ledger", tmp_path / name)


CHILD = (
    "import sys; from pathlib import Path; from features.incremental.update import grow; print('ready', flush=True); "
)
CHILD += "grow(Path(sys.argv[1]), Path(sys.argv[2]), share=1.0)"


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.long)])
def test_a_run_that_is_killed_leaves_the_last_complete_state(
    kills: int, halves: tuple[History, Path], tmp_path: Path
) -> None:
    """At any moment: what was, or all of it; and the next run ends what this one began, once."""
    _, folder = halves
    before, place, whole = state(folder / "ledger" / FILE), tmp_path / "ledger", tmp_path / "whole"
    shutil.copytree(folder / "ledger", whole)
    start = time.perf_counter()
    grow(whole, folder / "data", share=1.0)
    usual, after, dice = time.perf_counter() - start, state(whole / FILE), Random()
    for _ in range(kills):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder / "ledger", place)
        words = [sys.executable, "-c", CHILD, str(place), str(folder / "data")]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(dice.random() * usual * 1.2)
            child.kill()
        assert state(place / FILE) in (before, after)
    grow(place, folder / "data", share=1.0)
    assert state(place / FILE) == after


def state(file: Path) -> list[Any]:
    """Everything that a ledger's file holds."""
    with connect() as con:
        con.execute(f"attach {quoted(file)} as kept")  # not read-only: what a killed run left is put right here
        names = [
            row[0]
            for row in con.execute("select table_name from duckdb_tables() where database_name = 'kept'").fetchall()
        ]
        return [(name, sorted(con.execute(f"from kept.{name}").fetchall(), key=repr)) for name in sorted(names)]
