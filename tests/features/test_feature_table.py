"""Feature rows and labels on marketplaces small enough to count by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.errors import ForesellError
from features.labels import label, treated
from features.standards.load import load, parse
from features.standards.standard import Standard
from features.table import (
    FeatureTable,
    build_table,
    make_rows,
    plan,
    published_figures,
    read_rows,
    usable,
)
from tests.support.market_by_hand import DAY_0, at, ledger_of, order

LATE = parse(
    """
[[standard]]
name = "late"
version = "1"
title = "Late"
risk = "service"
headline = true
numerator = ["service_failure"]
denominator = ["ordered"]
window_days = 30
limit = 0.25
minimum_volume = 2
source = "a test"
""",
    "a test",
).standards[0]


def late_orders(count: int, start: int, seller_id: str = "anna", late: bool = True) -> list[dict[str, object]]:
    return [
        order(
            f"{seller_id}{start}-{i}",
            start + i,
            seller_id=seller_id,
            promised=start + i + 2,
            delivered=start + i + (4 if late else 1),
        )
        for i in range(count)
    ]


def row(table: FeatureTable, seller_id: str, day: int) -> dict[str, float]:
    [number] = np.flatnonzero((table.seller_id == seller_id) & (table.as_of == DAY_0 + day))
    return table.block.row(int(number))


def test_a_window_holds_its_days_and_no_others() -> None:
    table = build_table(ledger_of(late_orders(10, 0)), [DAY_0 + d for d in (6, 7, 40)], [LATE])
    assert row(table, "anna", 6)["ordered_7"] == 7, "days 0 to 6"
    assert row(table, "anna", 7)["ordered_7"] == 7, "days 1 to 7"
    assert row(table, "anna", 40)["ordered_28"] == 0
    assert row(table, "anna", 40)["ordered_all"] == 10


def test_a_seller_is_active_with_a_recent_order_or_an_open_one() -> None:
    orders = [order("old", 0, seller_id="bert", delivered=3), order("open", 0, seller_id="cara", delivered=None)]
    table = build_table(ledger_of(orders), [DAY_0 + 10, DAY_0 + 60], [LATE])
    assert [row(table, s, d)["active"] for s, d in (("bert", 10), ("bert", 60), ("cara", 60))] == [1, 0, 1]


def test_a_row_needs_only_its_own_ledger_and_the_published_figures() -> None:
    everyone = late_orders(8, 0, "anna") + late_orders(8, 0, "bert", late=False)
    ledger = ledger_of(everyone)
    whole = build_table(ledger, [DAY_0 + 9], [LATE])
    figures = published_figures(ledger, whole, DAY_0 + 9)
    alone = build_table(ledger_of(late_orders(8, 0, "anna")), [DAY_0 + 9], [LATE], figures)
    np.testing.assert_array_equal(alone.block.values, whole.take(whole.seller_id == "anna").block.values)


def test_a_label_is_the_standard_read_one_horizon_later() -> None:
    ledger = ledger_of(late_orders(4, 20) + late_orders(4, 0, late=False) + late_orders(1, 70, "bert"))
    table = build_table(ledger, [DAY_0 + 10], [LATE])
    assert label(ledger, table, LATE, 14).value.tolist() == [1.0], "day 24: 3 late of 5 in the window"
    assert label(ledger, table, LATE, 56).value.tolist() == [0.0], "day 66: nothing left in the window"
    assert np.isnan(label(ledger, table, LATE, 14, data_end=DAY_0 + 23).value).all(), "past the data's end"


def test_a_seller_who_leaves_or_is_restricted_first_is_censored() -> None:
    orders = late_orders(4, 0) + late_orders(4, 0, "bert") + late_orders(4, 0, "cara") + late_orders(1, 60, "cara")
    sellers = [{"seller_id": "anna", "left_at": at(20)}, {"seller_id": "bert"}, {"seller_id": "cara"}]
    hold = {"intervention_id": "i", "seller_id": "bert", "kind": "hold", "started_at": at(24)}
    ledger = ledger_of(orders, sellers=sellers, interventions=[hold])
    table = build_table(ledger, [DAY_0 + 10, DAY_0 + 24], [LATE])
    found = label(ledger, table, LATE, 14)
    censored = dict(zip(zip(table.seller_id, table.as_of - DAY_0, strict=True), found.censored, strict=True))
    assert censored[("anna", 10)]
    assert censored[("bert", 10)], "the last day of the horizon counts"
    assert not censored[("bert", 24)], "the as-of day itself does not"
    assert not censored[("cara", 10)]
    assert treated(ledger, table, 14).tolist() == [
        s == "bert" and d == DAY_0 + 10 for s, d in zip(table.seller_id, table.as_of, strict=True)
    ]


def test_peers_are_the_finest_group_with_enough_sellers() -> None:
    orders = [o for i in range(31) for o in late_orders(2, 0, f"s{i:02}", late=i < 5)]
    shoes = [o | {"category": "shoes"} for o in orders]
    hats = [o | {"category": "hats"} for o in late_orders(2, 0, "hatter")]
    sellers = [{"seller_id": s, "fulfilment": "seller"} for s in sorted({str(o["seller_id"]) for o in shoes + hats})]
    table = build_table(ledger_of(shoes + hats, sellers=sellers), [DAY_0 + 9], [LATE])
    group = dict(zip(table.seller_id, table.text["peer_group"], strict=True))
    assert group["s00"] == "shoes · seller · small"
    assert group["hatter"] == "", "one hatter is no group: the whole market stands in"
    assert row(table, "s00", 9)["peer_late_60"] == 10
    assert row(table, "hatter", 9)["peer_sellers"] == 32


@pytest.mark.parametrize("standard", [LATE])
def test_a_seller_before_its_first_order_has_no_tenure(standard: Standard) -> None:
    case = {"case_id": "c", "seller_id": "anna", "kind": "inquiry", "opened_at": at(0)}
    table = build_table(ledger_of([order("o", 10)], cases=[case]), [DAY_0 + 5], [standard])
    assert pd.isna(row(table, "anna", 5)["tenure_days"])


def test_a_label_of_a_standard_that_the_source_cannot_fill_is_refused() -> None:
    ledger = ledger_of([order("o", 0)])
    table = build_table(ledger, [DAY_0 + 5], [])
    returns = next(s for s in load().standards if s.risk == "returns")
    with pytest.raises(ForesellError, match="no delivered, returned"):
        label(ledger, table, returns, 28)


def test_two_builds_on_one_connection_do_not_disturb_each_other() -> None:
    ledger = ledger_of(late_orders(8, 0, "anna") + late_orders(8, 0, "bert", late=False))
    days, wide = [DAY_0 + 9], plan(ledger.quantities, usable(load().standards, ledger.quantities))
    narrow = replace(plan(ledger.quantities, [LATE]), features=())
    first = make_rows(ledger.con, wide, days)
    alone = read_rows(ledger.con, wide, first)
    second = make_rows(ledger.con, narrow, [DAY_0 + 3, DAY_0 + 5])
    label(ledger, alone, LATE, 14)
    table = build_table(ledger, [DAY_0 + 4], [LATE])
    assert set(table.as_of) == {DAY_0 + 4}
    assert set(read_rows(ledger.con, narrow, second).as_of) == {DAY_0 + 3, DAY_0 + 5}
    again = read_rows(ledger.con, wide, first)
    np.testing.assert_array_equal(again.block.values, alone.block.values)
    assert published_figures(ledger, again, DAY_0 + 9).num_rows
    assert published_figures(ledger, table, DAY_0 + 4).num_rows
    assert not published_figures(ledger, table, DAY_0 + 9).num_rows
