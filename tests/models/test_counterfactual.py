"""What would change a risk: against a history that really holds the orders to come, and against trying every number."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import floor
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from core.block import Block
from features.catalogue.evaluate import with_features
from features.columns.by_day import SellerDays, days_of, days_rows
from features.ingest.intake import open_frames
from features.ledger.build import Ledger, build_ledger
from features.table import build_table, published_figures
from models.boosting.risk_model import Bands, RiskModel, predict
from models.what_if import counterfactual
from models.what_if.counterfactual import lower_cut
from models.what_if.projected import expected_flow, projected_rows, spread_over_days
from tests.support import serving_market as market

pytestmark = pytest.mark.slow

AHEAD, PAST = 28, 120
NOT_TOLD = "matured_returned"  # which of the orders delivered came back: the days do not tell


@dataclass(frozen=True)
class Order:
    """One order that is over on the day it came: late or not, returned or not."""

    day: int  # day number since 1970-01-01
    late: bool
    returned: bool


def history() -> list[Order]:
    """Of a seller with one to three orders on most days, every 9th late and every 14th returned."""
    last = market.ledger().last_day
    orders: list[Order] = []
    for day in range(last - PAST + 1, last + 1):
        for _ in range((0, 1, 3, 2, 1)[day % 5]):
            n = len(orders)
            orders.append(Order(day, late=n % 9 == 4, returned=n % 14 == 6))
    return orders


def as_rows(orders: list[Order]) -> Ledger:
    """The orders written as rows of the contract, read as any source is; late ones differ in what was promised."""
    names = [f"x{i:04d}" for i in range(len(orders))]
    opens = market.START + pd.to_timedelta([o.day - START_DAY for o in orders], "D")
    late = np.array([o.late for o in orders])

    def at(hours: Any) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(opens + pd.to_timedelta(hours, "h"))

    lines = pd.DataFrame(
        {
            **{"order_id": names, "line_id": "1", "seller_id": "new", "item_id": "i1", "category": "c1"},
            **{"price": "10.00", "ordered_at": at(4), "ship_by": at(np.where(late, 5, 9)), "shipped_at": at(6)},
            **{"promised_at": at(np.where(late, 7, 20)), "delivered_at": at(18)},
            "cancelled_at": pd.Series([pd.NaT] * len(orders), dtype="datetime64[us, UTC]"),
            "cancelled_by": pd.Series([None] * len(orders), dtype="str"),
        }
    )
    back = lines[[o.returned for o in orders]]
    returns = pd.DataFrame(
        {"return_id": back.order_id, "order_id": back.order_id, "line_id": "1", "opened_at": back.ordered_at}
    )
    returns["opened_at"] += pd.Timedelta(hours=15)
    sellers = pd.DataFrame({"seller_id": ["new"], "region": ["r1"]})
    return build_ledger(open_frames({"orders": lines, "returns": returns, "sellers": sellers}, zone=market.ZONE))


START_DAY = market.START.date().toordinal() - pd.Timestamp("1970-01-01").date().toordinal()


@cache
def published() -> pa.Table:
    """What the market published at its last day."""
    rows = build_table(market.ledger(), [market.ledger().last_day], market.standards())
    return published_figures(market.ledger(), rows, market.ledger().last_day)


def figures(day: int) -> pa.Table:
    """The same as of another day."""
    found = published()
    return found.set_column(0, "as_of", pa.array([day] * len(found), found["as_of"].type))


def row_of(ledger: Ledger, day: int) -> Block:
    """The seller's row, by the code that builds every seller's."""
    return build_table(ledger, [day], market.standards(), figures(day)).block


def past_of(ledger: Ledger, day: int, seller_id: str) -> SellerDays:
    """One seller's ledger by day."""
    rows = days_rows(ledger, day).to_arrow_table()
    return days_of(rows.filter(pc.equal(rows["seller_id"], seller_id)).drop_columns(["seller_id"]), day)


def expected(bad: int, volume: int, usual: float, coming: int) -> int:
    """Bad ones among those to come, at the seller's rate with 20 orders at the usual one."""
    return floor(coming * (bad + 20 * usual) / (volume + 20) + 0.5)


def naive(orders: list[Order], row: Block, risk: str, successes: int) -> list[Order]:
    """The next AHEAD days' orders: as many each day as AHEAD days before, what fails spread evenly among them."""
    last = market.ledger().last_day
    lately = [o for o in orders if o.day > last - AHEAD]
    window = [o for o in orders if o.day > last - 60]
    late_usual = row["market_service_failure_seller_fault_60"][0] / row["market_ordered_60"][0]
    return_usual = row["market_returned_60"][0] / row["market_delivered_60"][0]
    late = expected(sum(o.late for o in window), len(window), late_usual, len(lately))
    returned = expected(sum(o.returned for o in window), len(window), return_usual, len(lately))
    late, returned = (late - successes, returned) if risk == "service" else (late, returned - successes)
    days = sorted(o.day + AHEAD for o in lately)
    marks = [_marks(days, n) for n in (late, returned)]
    return [Order(day, *(m[i] for m in marks)) for i, day in enumerate(days)]


def _marks(days: list[int], count: int) -> list[bool]:
    """Which of the orders are marked: by the close of each day, as many as its share of the orders so far asks for."""
    marks, done = [False] * len(days), 0
    for i, day in enumerate(days):
        upto = sum(d <= day for d in days)
        due = floor(count * upto / len(days) + 0.5)
        if done < due:
            marks[i], done = True, done + 1
    return marks


@pytest.mark.parametrize(("risk", "successes"), [("service", 0), ("service", 1), ("service", 3), ("returns", 1)])
def test_a_ledger_carried_ahead_is_that_of_a_history_with_the_orders_to_come(risk: str, successes: int) -> None:
    last, model = market.ledger().last_day, market.bundle().model(risk, AHEAD)
    orders = history()
    before = as_rows(orders)
    row, past = row_of(before, last), past_of(before, last, "new")
    oracle = row_of(as_rows(orders + naive(orders, row, risk, successes)), last + AHEAD)

    way = expected_flow(model.standard, row, past, AHEAD)
    features = list(market.bundle().features.values())
    mine = with_features(projected_rows(way, row, past, np.array([successes])), features)
    names = [n for n in mine.names if NOT_TOLD not in n and n != "peer_sellers"]
    gap = {n: (mine[n][0], oracle[n][0]) for n in names if not same(mine[n][0], oracle[n][0])}
    assert not gap
    told = oracle.values.copy()
    for name in set(mine.names) - set(names):
        told[0, oracle.index[name]] = mine[name][0]
    scored = predict(model, Block(oracle.names, told)).probability[0]
    assert predict(model, mine).probability[0] == pytest.approx(scored, abs=1e-12)


def same(a: float, b: float) -> bool:
    """Within rounding; what is not known is so in both."""
    return bool(np.isclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))


Case = tuple[RiskModel, Block, SellerDays]


def cases() -> Iterator[Case]:
    """Each seller of the market under each headline risk."""
    last, rows = market.ledger().last_day, market.last_rows()
    days = days_rows(market.ledger(), last).to_arrow_table()
    for i, seller_id in enumerate(rows.seller_id.tolist()):
        mine = days.filter(pc.equal(days["seller_id"], seller_id)).drop_columns(["seller_id"])
        for risk in ("returns", "service"):
            yield market.bundle().model(risk, AHEAD), rows.block.take(np.array([i])), days_of(mine, last)


def curve(model: RiskModel, row: Block, past: SellerDays) -> np.ndarray:
    """The probability for every number of successes, one at a time."""
    way = expected_flow(model.standard, row, past, AHEAD)
    features = list(market.bundle().features.values())
    each = [with_features(projected_rows(way, row, past, np.array([k])), features) for k in range(way.bad + 1)]
    return np.array([predict(model, block).probability[0] for block in each])


def test_it_names_the_fewest_successes_that_are_enough_and_the_risk_falls_with_them() -> None:
    steps, outcomes = [], set()
    for model, row, past in list(cases())[::3]:
        found = counterfactual.counterfactual(model, market.bundle().features, row, past)
        cut = lower_cut(model.bands, float(predict(model, row).probability[0]))
        assert (found is None) >= (cut is None)
        if found is None or cut is None:
            continue
        p = curve(model, row, past)
        steps += (np.diff(p) <= 1e-9).tolist()
        enough = np.flatnonzero(p < cut).tolist()
        assert found.successes == (enough[0] if enough else None)
        chosen = enough[0] if enough else len(p) - 1
        assert (found.as_things_go, found.probability) == pytest.approx((p[0], p[chosen]), abs=1e-12)
        assert sum(n for _, n in found.actions) == chosen <= found.failing <= found.orders
        assert found.orders == sum(past.sums[q][AHEAD] for q in model.standard.denominator)
        assert found.day == market.ledger().last_day + AHEAD
        outcomes.add("by itself" if found.successes == 0 else "never" if found.successes is None else "some")
    assert outcomes == {"by itself", "never", "some"}
    assert np.mean(steps) > 0.9


def test_many_numbers_are_tried_coarsely_and_then_finely(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(n: int) -> tuple[int, list[int]]:
        asked: list[int] = []

        def probability(ks: np.ndarray) -> np.ndarray:
            asked.extend(ks.tolist())
            return 1 - ks / 1000

        found = counterfactual._tried(probability, 1000, 1 - (n - 0.5) / 1000)
        return min(k for k, p in found.items() if p < 1 - (n - 0.5) / 1000), asked

    monkeypatch.setattr(counterfactual, "AT_ONCE", 10)
    for n in (1, 99, 100, 101, 550, 1000):
        least, asked = of(n)
        assert least == n
        assert len(asked) < 120


def test_what_is_not_the_sellers_to_change_or_needs_no_change_has_no_counterfactual() -> None:
    model, row, past = next(c for c in cases() if predict(c[0], c[1]).probability[0] >= 0.5)
    features = market.bundle().features
    assert counterfactual.counterfactual(model, features, row, past)
    clear = replace(model, bands=Bands(0.9999999, 0.99999999))
    assert counterfactual.counterfactual(clear, features, row, past) is None
    others = replace(model, standard=replace(model.standard, numerator=("ordered",)))
    assert counterfactual.counterfactual(others, features, row, past) is None
    still = SellerDays(
        past.as_of, {q: np.concatenate([np.zeros(200, np.int64), s[200:]]) for q, s in past.sums.items()}
    )
    assert counterfactual.counterfactual(model, features, row, still) is None


def test_bands_begin_at_their_cuts() -> None:
    bands = Bands(0.2, 0.5)
    assert [lower_cut(bands, p) for p in (0.1, 0.2, 0.49, 0.5)] == [None, 0.2, 0.2, 0.5]


def test_events_are_spread_as_the_volume_comes() -> None:
    found = spread_over_days(np.array([0.0, 2.0, 5.0]), np.array([0.0, 3.0, 1.0, 0.0, 6.0]))
    assert found.tolist() == [[0, 0, 0, 0, 0], [0, 1, 0, 0, 1], [0, 2, 0, 0, 3]]


def test_the_days_are_the_windows_with_corrections_in_them() -> None:
    rows, last = market.last_rows(), market.ledger().last_day
    for i, seller_id in enumerate(rows.seller_id.tolist()[:4]):
        past = past_of(market.ledger(), last, seller_id)
        for quantity, sums in past.sums.items():
            for span in (7, 28, 60):
                if f"{quantity}_{span}" in rows.block:
                    assert sums[span] == rows.block[f"{quantity}_{span}"][i]
