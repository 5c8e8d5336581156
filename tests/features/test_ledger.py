"""What enters the ledger, and on which day: each test draws the rows and reads off the days."""

from dataclasses import replace

import pytest

from core.errors import ForesellError
from features.engines.duckdb import Engine, with_own_schema
from features.ingest.contract import TABLES
from features.ingest.intake import Marketplace, hold_back
from features.ledger.build import build_ledger
from features.ledger.evidence import evidence_orders
from features.table import build_table
from tests.support.market_by_hand import DAY_0, Row, at, corrections, entries, ledger_of, order
from tests.support.market_by_hand import market as open_market


def test_an_order_enters_on_the_days_its_moments_fall_on() -> None:
    ledger = ledger_of([order("o", 0, ship_by=1, shipped=3, promised=5, delivered=7, price=12.34)])
    assert entries(ledger, "ordered") == {0: 1}
    assert entries(ledger, "gross_cents") == {0: 1234}
    assert entries(ledger, "overdue_to_ship") == {1: 1}
    assert entries(ledger, "overdue_cleared") == {3: 1}
    assert entries(ledger, "handling_minutes") == {3: 3 * 24 * 60}
    assert entries(ledger, "late") == {5: 1}, "known when the promise passes, not when the parcel comes"
    assert entries(ledger, "late_seller_fault") == {5: 1}
    assert entries(ledger, "service_failure_seller_fault") == {5: 1}
    assert entries(ledger, "matured_delivered") == {37: 1}


def test_an_overdue_order_is_shipped_in_the_end_or_cancelled_by_the_seller() -> None:
    ends = [
        order("late", 0, ship_by=1, shipped=3),
        order("in time", 0, ship_by=4, shipped=3),
        order("none left", 0, ship_by=1, cancelled=5, cancelled_by="seller"),
        order("none left, said at once", 0, ship_by=7, cancelled=6, cancelled_by="seller"),
        order("no longer wanted", 0, ship_by=1, cancelled=8, cancelled_by="buyer"),
    ]
    ledger = ledger_of(ends)
    assert entries(ledger, "overdue_shipped") == {3: 1}
    assert entries(ledger, "overdue_cancelled") == {5: 1}
    assert entries(ledger, "overdue_cleared") == {3: 1, 5: 1, 8: 1}


def test_a_line_cancelled_before_another_is_overdue_is_no_overdue_order_cancelled() -> None:
    gone = order("o", 0, "1", ship_by=9, cancelled=1, cancelled_by="seller")
    ledger = ledger_of([gone, order("o", 0, "2", ship_by=3, shipped=4)])
    assert entries(ledger, "overdue_shipped") == {4: 1}
    assert entries(ledger, "overdue_cancelled") == {}


def test_an_order_shipped_in_time_and_late_is_the_carriers_fault() -> None:
    ledger = ledger_of([order("o", 0, ship_by=2, shipped=1, promised=5, delivered=7)])
    assert entries(ledger, "late_carrier_fault") == {5: 1}
    assert entries(ledger, "service_failure") == {5: 1}
    assert entries(ledger, "service_failure_seller_fault") == {}


def test_where_the_platform_fulfils_it_is_the_platforms_fault() -> None:
    sellers = [{"seller_id": "anna", "fulfilment": "platform"}]
    ledger = ledger_of([order("o", 0, ship_by=1, shipped=3, promised=5, delivered=7)], sellers=sellers)
    assert entries(ledger, "late_platform_fault") == {5: 1}
    assert entries(ledger, "late_seller_fault") == {}


def test_a_promise_without_a_time_is_missed_on_the_following_day() -> None:
    promise: Row = {"promised_at": at(5).date()}
    late = ledger_of([order("o", 0, delivered=6, **promise)])
    in_time = ledger_of([order("o", 0, delivered=5.4, **promise)])
    assert entries(late, "late") == {6: 1}
    assert entries(in_time, "late") == {}


def test_an_order_of_two_lines_is_shipped_with_its_last_line() -> None:
    ledger = ledger_of([order("o", 0, "1", shipped=1), order("o", 0, "2", shipped=4)])
    assert entries(ledger, "units") == {0: 2}
    assert entries(ledger, "shipped") == {4: 1}


def test_a_cancelled_line_does_not_hold_an_order_back() -> None:
    lines = [order("o", 0, "1", shipped=1), order("o", 0, "2", cancelled=3, cancelled_by="seller")]
    ledger = ledger_of(lines)
    assert entries(ledger, "shipped") == {3: 1}
    assert entries(ledger, "cancelled_by_seller") == {3: 1}


def test_a_line_added_later_takes_the_shipment_back_until_it_is_shipped_too() -> None:
    ledger = ledger_of([order("o", 0, "1", shipped=2), order("o", 4, "2", shipped=6)])
    assert entries(ledger, "shipped") == {2: 1, 6: 1}
    assert corrections(ledger, "shipped") == {(2, 4): -1}


def test_a_return_matures_thirty_days_after_delivery() -> None:
    returns = [
        {"return_id": f"r{i}", "order_id": f"o{i}", "line_id": "1", "opened_at": at(d)} for i, d in enumerate((31, 40))
    ]
    ledger = ledger_of([order("o0", 0, delivered=2), order("o1", 0, delivered=2)], returns=returns)
    assert entries(ledger, "returned") == {31: 1, 40: 1}
    assert entries(ledger, "matured_delivered") == {32: 2}
    assert entries(ledger, "matured_returned") == {32: 1}


def test_a_case_is_the_sellers_until_it_closes_as_anothers() -> None:
    case = {"case_id": "c", "seller_id": "anna", "kind": "item_not_received", "order_id": "o", "opened_at": at(3)}
    ledger = ledger_of(
        [order("o", 0)], cases=[case | {"closed_at": at(9), "resolution": "platform", "fault": "carrier"}]
    )
    assert entries(ledger, "item_not_received") == {3: 1}
    assert entries(ledger, "service_failure") == {3: 1}
    assert entries(ledger, "service_failure_seller_fault") == {3: 1}
    assert corrections(ledger, "service_failure_seller_fault") == {(3, 9): -1}


def test_a_late_version_moves_an_entry_without_changing_the_past() -> None:
    known: Row = {"recorded_at": at(0)}
    news: Row = {"recorded_at": at(8)}
    ledger = ledger_of(
        [order("o", 0, promised=5, delivered=None, **known), order("o", 0, promised=5, delivered=4, **news)]
    )
    assert entries(ledger, "late") == {5: 1}, "nobody knew of the delivery on day 5"
    assert corrections(ledger, "late") == {(5, 8): -1}
    assert entries(ledger, "delivered") == {8: 1}, "known on the day it was recorded"


def test_a_version_that_changes_only_the_price_changes_only_the_money() -> None:
    ledger = ledger_of([order("o", 0, price=10.0, recorded_at=at(0)), order("o", 0, price=8.0, recorded_at=at(6))])
    assert entries(ledger, "ordered") == {0: 1}
    assert entries(ledger, "gross_cents") == {0: 1000, 6: 800}
    assert corrections(ledger, "gross_cents") == {(0, 6): -1000}


def test_an_appeal_changes_the_fault_from_the_day_it_is_decided() -> None:
    appeal = {"correction_id": "a", "seller_id": "anna", "table": "orders", "row_key": "o/1", "decided_at": at(9)}
    changed = appeal | {"effect": "fault_changed", "new_fault": "carrier"}
    ledger = ledger_of([order("o", 0, ship_by=1, shipped=3, promised=5, delivered=7)], corrections=[changed])
    assert entries(ledger, "late_seller_fault") == {5: 1}
    assert corrections(ledger, "late_seller_fault") == {(5, 9): -1}
    assert corrections(ledger, "late_carrier_fault") == {(5, 9): 1}
    assert corrections(ledger, "late") == {}


def test_an_appeal_decides_the_fault_of_a_case_in_a_source_without_faults() -> None:
    case = {"case_id": "c", "seller_id": "anna", "order_id": "o", "kind": "item_not_received"}
    appeal = {"correction_id": "a", "seller_id": "anna", "table": "cases", "row_key": "c", "decided_at": at(9)}
    changed = appeal | {"effect": "fault_changed", "new_fault": "carrier"}
    ledger = ledger_of(
        [order("o", 0, ship_by=1, shipped=1, promised=9, delivered=7)],
        cases=[case | {"opened_at": at(5), "closed_at": at(7)}],
        corrections=[changed],
    )
    assert entries(ledger, "service_failure_seller_fault") == {5: 1}
    assert corrections(ledger, "service_failure_seller_fault") == {(5, 9): -1}


def test_two_appeals_about_one_order_add_up() -> None:
    appeal = {"seller_id": "anna", "table": "orders", "row_key": "o/1"}
    first = appeal | {"correction_id": "a", "decided_at": at(9), "effect": "fault_changed", "new_fault": "carrier"}
    second = appeal | {"correction_id": "b", "decided_at": at(12), "effect": "excluded", "new_fault": None}
    ledger = ledger_of([order("o", 0, ship_by=1, shipped=3, promised=5, delivered=7)], corrections=[first, second])
    assert corrections(ledger, "ordered") == {(0, 12): -1}
    assert corrections(ledger, "late_carrier_fault") == {(5, 9): 1, (5, 12): -1}


def test_what_a_source_lacks_is_unavailable_not_zero() -> None:
    ledger = ledger_of([order("o", 0, promised=5, delivered=7)])
    assert "late" in ledger.quantities
    assert not {"shipped", "late_seller_fault", "returned", "cancelled"} & set(ledger.quantities)
    assert ledger.failure_parts == ("late",)
    assert "service_failure_seller_fault" not in ledger.quantities, "late is known and its fault is not"


def test_ledgers_of_one_database_do_not_disturb_each_other() -> None:
    appeal = {"correction_id": "a", "seller_id": "anna", "table": "orders", "row_key": "o/1", "decided_at": at(9)}
    lines = [order("o", 0, promised=5, delivered=7), order("q", 6, promised=9, delivered=8)]
    appealed = open_market(lines, corrections=[appeal | {"effect": "excluded", "new_fault": None}])
    other = in_the_same_database(appealed.con, open_market([order("p", 2, seller_id="bert", promised=3, delivered=9)]))
    ledgers = [build_ledger(appealed), build_ledger(other)]
    rows = [build_table(ledger, [DAY_0 + 8], []) for ledger in (*ledgers, ledgers[0])]
    ledgers.append(build_ledger(hold_back(appealed, DAY_0 + 4)))
    assert [entries(ledger, "ordered") for ledger in ledgers] == [{0: 1, 6: 1}, {2: 1}, {0: 1}]
    assert [corrections(ledger, "late") for ledger in ledgers] == [{(5, 9): -1}, {}, {}]
    assert [list(table.seller_id) for table in rows] == [["anna"], ["bert"], ["anna"]]


def in_the_same_database(con: Engine, market: Marketplace) -> Marketplace:
    """A copy of the marketplace in a schema beside what the connection sees."""
    beside = with_own_schema(con, "beside")
    for table in TABLES:
        beside.register("rows_of_table", market.con.sql(f"select * from {table}").to_arrow_table())
        beside.execute(f"create table {table} as select * from rows_of_table")
    return replace(market, con=beside)


def test_a_marketplace_without_orders_is_refused() -> None:
    market = hold_back(open_market([order("o", 5)]), DAY_0)
    with pytest.raises(ForesellError, match="at least one order"):
        build_ledger(market)


def test_the_orders_behind_a_count_are_at_hand() -> None:
    ledger = ledger_of([order("o1", 0, promised=5, delivered=7), order("o2", 1, promised=8, delivered=8)])
    found = evidence_orders(ledger, ledger.first_day + 20, ["late"]).to_pylist()
    assert [(row["seller_id"], row["order_id"]) for row in found] == [("anna", "o1")]


def test_the_orders_behind_a_count_are_those_that_it_counts() -> None:
    """A version that leaves an entry as it was (here a new price, then a return) does not make it a newer one."""
    first = order("o", 0, ship_by=1, shipped=3, promised=5, delivered=7, price=10.0, recorded_at=at(8))
    other = order("p", 2, ship_by=9, shipped=4, promised=12, delivered=9, price=10.0, recorded_at=at(9))
    orders = [first, first | {"price": 8.0, "recorded_at": at(20)}, other]
    returns = [{"return_id": "r", "order_id": "o", "line_id": "1", "opened_at": at(25)}]
    ledger = ledger_of(orders, returns=returns)
    for quantity in ("late", "returned", "ordered", "late_seller_fault"):
        found = evidence_orders(ledger, DAY_0 + 30, [quantity]).to_pylist()
        days = sorted(row["day"] - DAY_0 for row in found)
        assert days == sorted(entries(ledger, quantity)), quantity
