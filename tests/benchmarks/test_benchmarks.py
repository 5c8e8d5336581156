"""The main benchmark on few lines: its data keep the contract, and the engines do the same work."""

from pathlib import Path

import pytest

from benchmarks import main
from benchmarks.orders import Size, make_orders
from features.engines.duckdb import connect
from features.ingest.intake import open_folder

SIZE = Size(lines=4_050, sellers=90)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Typed tables, and beside them what each engine makes of them."""
    folder = tmp_path_factory.mktemp("benchmark")
    main.prepare(folder, SIZE)
    for engine in main.ALL_ENGINES:
        main.run(engine, folder)
    return folder


def test_the_lines_keep_the_contract_and_are_the_same_every_time(tmp_path: Path) -> None:
    for folder in ("once", "again"):
        make_orders(tmp_path / folder, SIZE)
    assert (tmp_path / "once/orders.parquet").read_bytes() == (tmp_path / "again/orders.parquet").read_bytes()
    market = open_folder(tmp_path / "once")
    assert [(t.kept, dict(t.quarantined)) for t in market.report.tables] == [(4_050, {}), (90, {})]
    per_order = "select count(*) as lines, count(distinct seller_id) as sellers from orders group by order_id"
    found = market.con.execute(
        f"select lines, sellers, count(*) from ({per_order}) group by all order by all"
    ).fetchall()
    assert found == [(1, 1, 3_450), (2, 1, 300)], "8% of the orders have a second line"


def test_the_source_has_what_the_benchmark_says(tmp_path: Path) -> None:
    make_orders(tmp_path, SIZE)
    assert {*main.AVAILABLE} <= open_folder(tmp_path).available


@pytest.mark.slow
@pytest.mark.parametrize("engine", main.ALL_ENGINES[1:])
def test_an_engine_written_by_hand_gives_our_ledger_and_rows(work: Path, engine: str) -> None:
    main.check_same(work, engine)


@pytest.mark.slow
def test_the_lines_give_rise_to_all_that_the_engines_could_differ_in(work: Path) -> None:
    con = connect()
    con.execute(f"create view rows as from read_parquet('{work / main.OURS / 'rows.parquet'}')")
    groups = con.execute("select distinct len(string_split(peer_group, ' · ')), peer_group = '' from rows").fetchall()
    assert {*groups} == {(1, True), (1, False), (2, False), (3, False)}, "peers by market, category, fulfilment, size"
    per_day = con.execute("select count(distinct seller_id) from rows group by as_of order by as_of").fetchall()
    assert (len(per_day), per_day[-1], per_day[0] < per_day[-1]) == (39, (90,), True), "some sellers came later"
    zeros = f"select columns(*) = 0 from (select sum(columns(* exclude (seller_id, day))) from {_ledger(work)})"
    assert not any(con.execute(zeros).fetchall()[0]), "every quantity of the source occurs"


def _ledger(work: Path) -> str:
    return f"read_parquet('{work / main.OURS / 'ledger.parquet'}')"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ("select * replace (late_28 + 1 as late_28) from {0}", ["late_28"]),
        ("select * replace (order_growth + 1e-6 as order_growth) from {0}", ["order_growth"]),
        ("select * replace (nullif(region, 'r1') as region) from {0}", ["region"]),
        ("select * exclude (tenure) from {0}", ["tenure"]),
        ("select * from {0} where as_of > 19900", ["number of rows"]),
        ("select * from {0} union all select * from {0}", ["number of rows"]),
        ("select * from {0}", []),
    ],
)
def test_a_difference_between_engines_is_found(work: Path, tmp_path: Path, changed: str, named: list[str]) -> None:
    ours, theirs = work / main.OURS / "rows.parquet", tmp_path / "rows.parquet"
    connect().execute(f"copy ({changed.format(f'read_parquet({str(ours)!r})')}) to '{theirs}'")
    assert main.differing(ours, theirs, main.WRITTEN["rows"]) == named
