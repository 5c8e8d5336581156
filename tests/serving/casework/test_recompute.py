"""One seller scored again after an appeal is the seller that a full build with the same corrections scores."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.ingest.intake import open_folder
from features.ledger.appeals import known_by
from features.ledger.build import Ledger, build_ledger
from features.standards.load import load
from features.table import FeatureTable, build_table, published_figures, usable
from serving.casework.objections import recompute
from serving.casework.objections.objections import CORRECTION_SCHEMA
from serving.casework.objections.recompute import SourceFolder, order_entries
from serving.store.online_store import Store, open_store, write_store
from simulation.market import Run, simulate

DECIDED = "2031-01-01T00:00:00+00:00"  # long after the last day of the source


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated marketplace with returns, cases, ratings and appeals of its own."""
    place = tmp_path_factory.mktemp("data") / "market"
    simulate(place, Run(sellers=40, days=160, seed=5))
    return place


@pytest.fixture(scope="module")
def store(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The online store before any of the new corrections."""
    ledger, table = full(folder, None)
    place = tmp_path_factory.mktemp("store")
    write_store(ledger, table, place)
    return open_store(place)


def full(folder: Path, corrections: pa.Table | None, figures: pa.Table | None = None) -> tuple[Ledger, FeatureTable]:
    """Every seller at the last day, from the whole folder and the corrections."""
    market = open_folder(folder, added={"corrections": corrections} if corrections else {})
    last = market.con.execute("select max(ordered_at_day) from orders").fetchall()[0][0]
    known_by(market.con, last)
    ledger = build_ledger(market)
    standards = usable(load().standards, ledger.quantities)
    table = build_table(ledger, [ledger.last_day], standards, figures)
    assert figures is not None or len(published_figures(ledger, table, ledger.last_day))
    return ledger, table


def appeals(folder: Path) -> list[dict[str, str | None]]:
    """Corrections of every table and effect, three of each for sellers all over the marketplace."""
    con = open_folder(folder).con
    chosen = {
        "orders": "select o.seller_id, o.order_id || '/' || o.line_id from orders o",
        "returns": "select o.seller_id, r.return_id from returns r join orders o using (order_id, line_id)",
        "cases": "select seller_id, case_id from cases",
        "feedback": "select seller_id, feedback_id from feedback where rating <= 2",
    }
    made = []
    for table, query in chosen.items():
        rows = con.execute(f"select distinct * from ({query}) order by hash(1), 2 desc limit 6").fetchall()
        for number, (seller_id, key) in enumerate(rows):
            effect, fault = ("excluded", None) if number % 2 else ("fault_changed", "carrier")
            made.append((seller_id, table, key, effect, fault))
    return [
        dict(zip(CORRECTION_SCHEMA.names, (f"n{i}", s, t, k, DECIDED, e, f, "heard"), strict=True))
        for i, (s, t, k, e, f) in enumerate(made)
    ]


@pytest.mark.slow
def test_a_seller_scored_again_is_the_seller_of_a_full_build(folder: Path, store: Store) -> None:
    rows = appeals(folder)
    table = pa.Table.from_pylist(rows, CORRECTION_SCHEMA)
    figures = pa.parquet.read_table(store.folder / "figures.parquet")
    ledger, whole = full(folder, table, figures)
    standards = usable(load().standards, ledger.quantities)
    changed = 0
    for seller_id in sorted({str(r["seller_id"]) for r in rows})[:5]:
        market = recompute.open_seller(SourceFolder(folder), seller_id, table, store.as_of)
        mine = recompute.rows_of(build_ledger(market), seller_id, store, standards).table
        [place] = np.flatnonzero(whole.seller_id == seller_id)
        assert mine.block.names == whole.block.names == store.names
        np.testing.assert_allclose(mine.block.values[0], whole.block.values[place], rtol=0, atol=1e-9)
        assert {k: v[0] for k, v in mine.text.items()} == {k: v[place] for k, v in whole.text.items()}
        before = store.values[store.find([seller_id])[0]]
        changed += not np.array_equal(before, mine.block.values[0], equal_nan=True)
    assert changed >= 2


@pytest.mark.slow
def test_the_entries_of_an_order_are_the_seller_s_own(folder: Path, store: Store) -> None:
    con = open_folder(folder).con
    asked = "select o.seller_id, o.order_id from orders o join returns using (order_id) join feedback using (order_id)"
    seller_id, order_id = con.execute(f"{asked} order by 2 limit 1").fetchall()[0]
    found = order_entries(SourceFolder(folder), seller_id, order_id, store.as_of)
    assert {e.table for e in found} >= {"orders", "returns", "feedback"}
    keys = con.execute("select order_id || '/' || line_id from orders where order_id = ?", [order_id]).fetchall()
    assert {e.key for e in found if e.table == "orders"} == {key for (key,) in keys}
    other = next(s for (s,) in con.execute("select seller_id from sellers").fetchall() if s != seller_id)
    assert order_entries(SourceFolder(folder), other, order_id, store.as_of) == []
