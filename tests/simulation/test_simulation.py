"""The simulated marketplace as it is handed over: frozen, in the contract, the same every time, with its causes."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from core.errors import ForesellError
from features.ingest.contract import TABLES
from features.ingest.intake import Marketplace, open_folder
from simulation import folder as folder_module
from simulation.episodes import draw_disruptions
from simulation.market import Run, simulate, tables
from simulation.parameters import load, sources
from tests.support.paths import ROOT

RUN = Run(sellers=120, days=200, seed=5, interventions=True)

# A change of either is a change of the marketplace: give parameters.toml a new version, write a line in CHANGELOG.md,
# and measure the baselines anew (make bench ONLY=simulation, and the backtest on simulated data).
VERSION = "2"
PARAMETERS = "bce3608996ac816b5ae839c885cfadebfd9b95f689c8b8cf078ae74dd1542061"
OUTPUT = "2c1517d36837e44e8841a2aad1f02c610e3a65ae081f781771f77ae92a8bc4cf"


def test_the_parameters_are_frozen() -> None:
    assert (load().version, load().digest) == (VERSION, PARAMETERS)


def test_what_they_lead_to_is_frozen() -> None:
    assert digest(small(Run(40, 90, 7, interventions=True))) == OUTPUT


def small(run: Run) -> Mapping[str, pa.Table]:
    return tables(load(), run, 0, draw_disruptions(load(), run.seed, run.days))


def digest(found: Mapping[str, pa.Table]) -> str:
    """Of every table but the truth, whose last digits may depend on the machine."""
    rows = {name: table.to_pylist() for name, table in found.items() if name != "truth"}
    return sha256(repr(sorted(rows.items())).encode()).hexdigest()


def test_a_twin_without_disruptions_has_the_same_sellers_with_the_same_troubles_of_their_own(tmp_path: Path) -> None:
    for name, slow in (("real", True), ("twin", False)):
        simulate(tmp_path / name, Run(40, 200, 5, disruptions=slow))
    real, twin = (parquet.read_table(tmp_path / name / "causes.parquet").to_pylist() for name in ("real", "twin"))
    own = [row for row in real if row["cause"] != "carrier_disruption"]
    assert len(own) < len(real)
    assert twin == own
    first, second = (parquet.read_table(tmp_path / name / "sellers.parquet") for name in ("real", "twin"))
    assert first == second
    assert json.loads((tmp_path / "twin" / "simulation.json").read_text())["disruptions"] is False


def test_every_rate_says_where_it_comes_from() -> None:
    assert len(sources()) > 80
    assert [name for _, name, _, source in sources() if not source.strip()] == []
    assert [cause.name for cause in load().causes if not cause.source.strip()] == []


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small marketplace with interventions."""
    path = tmp_path_factory.mktemp("simulated") / "market"
    simulate(path, RUN)
    return path


@pytest.fixture(scope="module")
def market(written: Path) -> Marketplace:
    return open_folder(written)


def test_every_table_and_column_of_the_contract_is_there(market: Marketplace) -> None:
    columns = {f"{table.name}.{c.name}" for table in TABLES.values() for c in table.columns if table.name != "aliases"}
    of_others = {"cases.shared", "feedback.shared", "interventions.recorded_at", "corrections.recorded_at"}
    of_others |= {f"orders.{name}" for name in ("quantity", "currency", "kind", "buyer_id")}
    assert columns - market.available == of_others
    assert [t.name for t in market.report.tables if not t.kept] == []


def test_bad_rows_are_there_and_few(market: Marketplace) -> None:
    report = {t.name: t for t in market.report.tables}
    assert set(report["orders"].quarantined) == {
        "price: below 0",
        "seller_id: required value missing",
        "ordered_at: time outside 1970 to 2199",
        "cancelled_by: unknown value",
    }
    for name in ("orders", "cases", "feedback"):
        read, bad = report[name].read, sum(report[name].quarantined.values())
        assert 0.0005 * read < bad < 0.005 * read, name
        assert 0 < report[name].duplicates < 0.006 * read, name
    assert report["sellers"].quarantined == {}


def test_only_causes_and_truth_lie_beside_the_tables(market: Marketplace) -> None:
    assert market.report.ignored_files == ("causes.parquet", "simulation.json", "truth.parquet")


def test_nothing_is_told_of_what_happens_after_the_last_day(market: Marketplace) -> None:
    end = (load().sellers.first_day + RUN.days) * 86_400 * 1_000_000
    for table, column in (
        *(("orders", name) for name in ("ordered_at", "shipped_at", "delivered_at", "cancelled_at", "recorded_at")),
        *(("returns", name) for name in ("opened_at", "refunded_at", "recorded_at")),
        *(("cases", name) for name in ("opened_at", "first_response_at", "closed_at", "recorded_at")),
        *(
            ("feedback", "created_at"),
            ("sellers", "left_at"),
            ("sellers", "recorded_at"),
            ("corrections", "decided_at"),
        ),
    ):
        [[latest]] = market.con.execute(f"select max({column}) from {table}").fetchall()
        assert latest is not None, (table, column)
        assert latest < end, (table, column)


def test_an_end_that_is_not_known_has_no_fault_and_no_author(market: Marketplace) -> None:
    for table, event, told in (
        ("orders", "cancelled_at", "cancelled_by"),
        ("orders", "shipped_at", "tracking_valid"),
        ("returns", "refunded_at", "fault"),
        ("cases", "closed_at", "resolution"),
    ):
        query = f"select count(*) from {table} where {event} is null and {told} is not null"
        assert market.con.execute(query).fetchall() == [(0,)], (table, told)


def test_returns_come_3_to_30_days_after_delivery(market: Marketplace) -> None:
    days = "(r.opened_at - o.delivered_at) / 86400e6"
    query = f"""select min({days}), max({days}), count(*) from returns as r join orders as o using (order_id, line_id)
        where o.recorded_at is null and not exists (select 1 from orders as v where v.order_id = o.order_id
            and v.line_id = o.line_id and v.recorded_at is not null)"""
    least, most, count = market.con.execute(query).fetchall()[0]
    assert 3 <= least < most <= 30
    assert count > 100


def test_rates_that_the_issue_states(market: Marketplace) -> None:
    def share(query: str) -> float:
        return float(market.con.execute(f"select {query}").fetchall()[0][0])

    orders = "(select count(distinct (order_id, seller_id)) from orders)"
    assert 0.1 < share(f"(select count(distinct feedback_id) from feedback) / {orders}") < 0.15
    assert 0.05 < share(f"(select count(*) from orders where line_id in ('2', '4')) / {orders}") < 0.11
    per_order = "select count(distinct seller_id) as sellers from orders group by order_id"
    assert 0.01 < share(f"(select avg(case when sellers > 1 then 1 else 0 end) from ({per_order}))") < 0.05
    assert 0.01 < share("(select avg(case when recorded_at is not null then 1 else 0 end) from orders)") < 0.06
    versions = "select count(distinct recorded_at) as n from cases group by case_id"
    assert share(f"(select max(n) from ({versions}))") >= 1


def test_causes_have_days_sellers_and_what_they_hit(written: Path) -> None:
    causes = parquet.read_table(written / "causes.parquet").to_pylist()
    first = load().sellers.first_day
    assert {row["cause"] for row in causes} == {cause.name for cause in load().causes}
    assert all(first <= row["start_day"] <= row["end_day"] < first + RUN.days for row in causes)
    assert {row["cause"] for row in causes if row["item_id"]} == {"bad_batch"}
    assert {row["cause"] for row in causes if row["region"]} == {"carrier_disruption"}
    disrupted = [(row["region"], row["end_day"]) for row in causes if row["region"]]
    assert len(disrupted) > 1.5 * len(set(disrupted)), "a disruption hits many sellers at once"


def test_the_bad_item_is_one_that_the_seller_sells(written: Path, market: Marketplace) -> None:
    market.con.execute(f"create view causes as from read_parquet('{written / 'causes.parquet'}')")
    query = """select count(*) from causes as c where item_id is not null and end_day - start_day > 40
        and not exists (select 1 from orders as o where o.item_id = c.item_id and o.seller_id = c.seller_id)"""
    [[never_sold]] = market.con.execute(query).fetchall()
    assert never_sold <= 1


def test_truth_covers_the_days_on_which_a_seller_is_there(written: Path, market: Marketplace) -> None:
    truth = parquet.read_table(written / "truth.parquet")
    names = ["seller_id", "day", "late", "late_own", "cancelled", "returned", "low_rating"]
    assert truth.column_names[:7] == names
    market.con.register("truth", truth)
    outside = """select count(*) from orders as o where not exists
        (select 1 from truth as t where t.seller_id = o.seller_id and t.day = o.ordered_at_day)"""
    assert market.con.execute(outside).fetchall() == [(0,)]
    rates = truth.drop_columns(["seller_id", "day", "orders"]).to_pandas()
    assert rates.min().min() >= 0
    assert rates.max().max() <= 1
    assert (rates.service_failure >= rates.service_failure_seller_fault - 1e-6).all()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    run = Run(30, 60, 1)
    for name in ("once", "again"):
        simulate(tmp_path / name, run)
    simulate(tmp_path / "other", Run(30, 60, 2))
    once, again, other = (contents(tmp_path / name) for name in ("once", "again", "other"))
    assert once == again
    alike = {path for path in once if once[path] == other[path]}
    assert alike <= {"source.toml", "corrections.parquet"}, "so few sellers may have no appeal"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_more_sellers_leave_the_first_ones_as_they_are() -> None:
    few, many = (small(Run(sellers, 30, 1)) for sellers in (1_000, 2_500))
    assert all(few[name].equals(many[name]) for name in few)


def test_interventions_change_nothing_but_what_follows_from_them() -> None:
    plain, treated = small(Run(60, 120, 3)), small(Run(60, 120, 3, interventions=True))
    assert plain["causes"].equals(treated["causes"])
    assert plain["sellers"].equals(treated["sellers"])
    started = {row["seller_id"] for row in treated["interventions"].to_pylist() if row["arm"] == "treatment"}
    rows = [{r["seller_id"]: 0 for r in t["truth"].to_pylist()} for t in (plain, treated)]
    assert rows[0] == rows[1]
    moved = {
        a["seller_id"] for a, b in zip(plain["truth"].to_pylist(), treated["truth"].to_pylist(), strict=True) if a != b
    }
    assert moved == started


def test_parts_and_a_description(written: Path) -> None:
    about = json.loads((written / "simulation.json").read_text())
    assert about["parameters"] == f"sha256:{load().digest}"
    assert about["rows"]["orders"] == sum(parquet.read_table(p).num_rows for p in (written / "orders").iterdir())
    assert {p.name for p in written.iterdir()} <= set(folder_module.OWN)


@pytest.mark.parametrize("run", [Run(0, 60, 1), Run(10, 29, 1), Run(10, 60, -1), Run(10**7, 60, 1)])
def test_what_cannot_be_simulated_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match="whole number from"):
        simulate(tmp_path / "out", run)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_others_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "orders.parquet").write_text("somebody's own")
    with pytest.raises(ForesellError, match="no simulation wrote"):
        simulate(tmp_path, Run(10, 30, 1))
    (tmp_path / "letters").mkdir()
    with pytest.raises(ForesellError, match="letters"):
        simulate(tmp_path, Run(10, 30, 1))
    assert (tmp_path / "orders.parquet").read_text() == "somebody's own"


def test_an_earlier_simulation_is_replaced_whole(tmp_path: Path) -> None:
    simulate(tmp_path / "out", Run(10, 30, 1, interventions=True))
    simulate(tmp_path / "out", Run(10, 30, 1))
    assert not (tmp_path / "out" / "interventions.parquet").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_nothing_that_is_measured_names_causes_or_truth() -> None:
    code = [path for name in ("features", "models", "serving") for path in (ROOT / name).rglob("*.py")]
    named = ("causes" + ".parquet", "truth" + ".parquet")
    assert [path for path in code if any(name in path.read_text() for name in named)] == []
