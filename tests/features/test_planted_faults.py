"""Every property fails on a fault planted in the engine, on no more histories than the suite tries."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from features import labels, table
from features.columns import peers, time_since, windows
from features.ingest import intake
from features.ledger import build, new_to_seller, order_versions
from tests.features import (
    test_properties_features,
    test_properties_labels,
    test_properties_ledger,
    test_properties_past,
)
from tests.support.engine_ledger import FEW

pytestmark = pytest.mark.slow
Function = Callable[..., Any]


def rewritten(function: Function, right: str, wrong: str) -> Function:
    """The function with something else in the SQL that it returns; what is replaced must be there."""

    def planted(*arguments: Any) -> str:
        sql: str = function(*arguments)
        assert right in sql, right
        return sql.replace(right, wrong)

    return planted


def nothing_of_one(sql: str) -> str:
    """A wrong path for orders of one line: what it comes to is not known."""
    return f"case when 1 = 0 then {RIGHT_OF_ONE(sql)} end"


def none_dropped(*_: Any) -> int:
    """Every row kept, however often it comes."""
    return 0


def one_day_on(*arguments: Any) -> Any:
    """Labels read one day after the horizon."""
    read, standard, seller_id, day = arguments
    return RIGHT_COUNTS(read, standard, seller_id, day + 1)


def nowhere_else(*arguments: Any) -> build.DayAdditions:
    """A fact forgotten where it does not fall on its usual day."""
    return replace(RIGHT_ELSEWHERE(*arguments), where="false")


def the_first(packed: tuple[str, ...], quantity: str, value: str) -> str:
    """The first count of a number, whichever is asked for."""
    return RIGHT_UNPACK(packed, packed[0], value)


REGION = "'region' as level, concat_ws(' · ', nullif(attributes.region, ''))"
RIGHT_COUNTS, RIGHT_OF_ONE = labels.counts_at, order_versions.of_one
RIGHT_ELSEWHERE, RIGHT_UNPACK = build._on_other_days, windows.unpack
FAULTS: dict[str, tuple[Function, Any, str, Function]] = {
    "time since is told a week early": (
        test_properties_past.test_past_days_are_blind_to_the_future,
        time_since,
        "time_since_sql",
        rewritten(time_since.time_since_sql, "d.as_of >= e.since", "d.as_of >= e.since - 7"),
    ),
    "a correction counts from its entry's day on": (
        test_properties_past.test_a_late_version_touches_only_the_days_after_it,
        *(build, "corrections_sql", rewritten(build.corrections_sql, "replaced as decided", "day as decided")),
    ),
    "duplicates are kept": (
        test_properties_past.test_order_of_rows_and_duplicates_change_nothing,
        *(intake, "drop_copies", none_dropped),
    ),
    "orders of one line come to nothing": (
        test_properties_ledger.test_ledger_equals_the_oracle,
        *(order_versions, "of_one", nothing_of_one),
    ),
    "a category is taken on once": (
        test_properties_ledger.test_ledger_equals_the_oracle,
        *(new_to_seller, "taken_on_sql", rewritten(new_to_seller.taken_on_sql, "is null or", "is null or 1 = 0 and")),
    ),
    "what does not fall on its usual day is forgotten": (
        test_properties_ledger.test_ledger_equals_the_oracle,
        *(build, "_on_other_days", nowhere_else),
    ),
    "one of two counts is read for the other": (
        test_properties_features.test_features_equal_the_oracle,
        *(windows, "unpack", the_first),
    ),
    "windows end at whole weeks": (
        test_properties_features.test_features_equal_the_oracle,
        *(windows, "opening_of", lambda quantity, days: quantity),
    ),
    "a region's figure sums the whole market": (
        test_properties_features.test_features_equal_the_oracle,
        *(table, "figures_sql", rewritten(peers.figures_sql, REGION, "'region' as level, ''")),
    ),
    "labels are read a day late": (
        test_properties_labels.test_labels_equal_the_oracle,
        *(labels, "counts_at", one_day_on),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prove, module, name, planted = FAULTS[fault]
    monkeypatch.setattr(module, name, planted)
    with pytest.raises(AssertionError, match=re.escape("== []")):
        prove(FEW)
