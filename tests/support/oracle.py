"""A slow, plain second opinion on the ledger: what was known at the close of each day, and the rules in loops.

Rows are dictionaries with timezone-aware datetimes (`promised_at` may be a date). Written from the data contract alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.oracle_appeals import KEYS, appealed
from tests.support.oracle_new_to_seller import new_to_seller_entries
from tests.support.oracle_orders import Day, case_entries, earliest, feedback_entries, order_entries, return_entries

Row = dict[str, Any]
Tables = Mapping[str, list[Row]]
Sums = dict[str, int]
Placed = dict[Any, tuple[int, int, int]]  # entry -> (the day it lies on, the day it falls on, value)

# Without recorded_at: the moments of which any makes the row known; the later moments, with the values told then.
BORN = {
    "orders": ("ordered_at", "shipped_at", "delivered_at", "cancelled_at"),
    "returns": ("opened_at",),
    "cases": ("opened_at",),
    "feedback": ("created_at",),
}
SPOKEN: dict[str, dict[str, list[str]]] = {
    "orders": {"shipped_at": ["tracking_valid"], "delivered_at": [], "cancelled_at": ["cancelled_by"]},
    "returns": {"refunded_at": ["fault", "refund_amount"]},
    "cases": {"first_response_at": [], "closed_at": ["fault", "resolution"]},
    "feedback": {},
}
EPOCH = date(1970, 1, 1)
LONGEST_WAIT = 32  # days after the last timestamp by which every entry has fallen (30 days of maturity, and the zone)


@dataclass
class Ledger:
    """Entries by (seller, day), and corrections by (seller, effective day, decided day); quantities that add up."""

    entries: dict[tuple[str, int], Sums] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    corrections: dict[tuple[str, int, int], Sums] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def window(self, seller: str, as_of: int, span: int) -> Sums:
        """Sums over the days as_of - span + 1 .. as_of, as known at the close of as_of."""
        sums: Sums = defaultdict(int)
        inside = range(as_of - span + 1, as_of + 1)
        for (who, day), quantities in self.entries.items():
            if who == seller and day in inside:
                add(sums, quantities)
        for (who, effective, decided), quantities in self.corrections.items():
            if who == seller and effective in inside and decided <= as_of:
                add(sums, quantities)
        return sums

    def known(self) -> dict[tuple[str, int, int, str], int]:
        """What every window is made of: (seller, day, known from day, quantity) -> sum, zeros left out.

        Two ledgers give the same sum for all windows and as-of days exactly when these are equal.
        """
        sums: dict[tuple[str, int, int, str], int] = defaultdict(int)
        for (seller, day), quantities in self.entries.items():
            for name, value in quantities.items():
                sums[seller, day, day, name] += value
        for (seller, effective, decided), quantities in self.corrections.items():
            for name, value in quantities.items():
                sums[seller, effective, max(effective, decided), name] += value
        return {key: value for key, value in sums.items() if value}


def add(sums: Sums, more: Mapping[str, int], sign: int = 1) -> None:
    for name, value in more.items():
        sums[name] += sign * value


def ledger(tables: Tables, zone: str, quantities: Iterable[str]) -> Ledger:
    """The ledger of a whole marketplace, with the given quantities (those the source can fill)."""
    whole, wanted = Ledger(), frozenset(quantities)
    for group in groups(tables):
        before = one_group(group, zone, wanted)
        merge(whole, before)
        for decided, corrected in appealed(group, day_in(zone)):
            after = one_group(corrected, zone, wanted)
            merge_difference(whole, after, before, decided)
            before = after
    for seller, day, name in new_to_seller_entries(first_versions(tables, day_in(zone)), day_in(zone)):
        if name in wanted:
            whole.entries[seller, day][name] += 1
    return whole


def merge(whole: Ledger, part: Ledger) -> None:
    for key, sums in part.entries.items():
        add(whole.entries[key], sums)
    for correction, sums in part.corrections.items():
        add(whole.corrections[correction], sums)


def merge_difference(whole: Ledger, after: Ledger, before: Ledger, decided: int) -> None:
    """What an appeal changes: all of it is known from its own day on."""
    for part, sign in ((after, 1), (before, -1)):
        for (seller, day), sums in part.entries.items():
            add(whole.corrections[seller, day, decided], sums, sign)
        for (seller, effective, known), sums in part.corrections.items():
            add(whole.corrections[seller, effective, max(known, decided)], sums, sign)


def groups(tables: Tables) -> list[dict[str, list[Row]]]:
    """What can touch one order, together; a case or feedback without an order stands alone."""
    found: dict[object, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for name in ("orders", "returns", "cases", "feedback"):
        for row in tables.get(name, []):
            own = (name, *(row[key] for key in KEYS[name]))
            found[row.get("order_id") or own][name].append(in_utc(row))
    for group in found.values():
        group["sellers"] = list(tables.get("sellers", []))
        group["corrections"] = list(tables.get("corrections", []))
    return list(found.values())


def in_utc(row: Row) -> Row:
    """Python adds and compares wall-clock times within one zone; elapsed time needs UTC."""
    return {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in row.items()}


def one_group(group: Tables, zone: str, wanted: frozenset[str]) -> Ledger:
    """Day after day: what is known at its close, which entries follow, and what that changes in the ledger so far."""
    result, day_of = Ledger(), day_in(zone)
    told = knowledge_days(group, day_of)
    placed: Placed = {}
    natural: dict[tuple[str, ...], tuple[int, int]] = {}
    for today in range(min(told, default=1), max(told, default=-LONGEST_WAIT) + LONGEST_WAIT + 1):
        if today in told:
            natural = natural_entries(known_at(group, today, day_of), wanted, day_of)
        now = {entry: (day, value) for entry, (day, value) in natural.items() if day <= today}
        settle(result, placed, now, today)
    return result


def settle(
    result: Ledger, placed: dict[Any, tuple[int, int, int]], now: dict[Any, tuple[int, int]], today: int
) -> None:
    """Take out what is no longer so, by correction; add what is new, today."""
    for entry in [*placed]:
        lies, day, value = placed[entry]
        if now.get(entry) != (day, value):
            result.corrections[entry[0], lies, today][entry[1]] -= value
            del placed[entry]
    for entry, (day, value) in now.items():
        if entry not in placed:
            result.entries[entry[0], today][entry[1]] += value
            placed[entry] = (today, day, value)


def day_in(zone: str) -> Day:
    """Calendar days of a zone, as numbers since 1970."""
    place = ZoneInfo(zone)

    def day(moment: date) -> int:
        local = moment.astimezone(place).date() if isinstance(moment, datetime) else moment
        return (local - EPOCH).days

    return day


def knowledge_days(group: Tables, day_of: Day) -> set[int]:
    rows = [row for name in ("orders", "returns", "cases", "feedback") for row in group.get(name, [])]
    return {day_of(value) for row in rows for value in row.values() if isinstance(value, date)}


def known_at(group: Tables, today: int, day_of: Day) -> dict[str, list[Row]]:
    """The rows as they were known at the close of a day."""
    known = {name: newest(name, group.get(name, []), today, day_of) for name in BORN}
    return {**known, "sellers": list(group["sellers"])}


def newest(name: str, rows: list[Row], today: int, day_of: Day) -> list[Row]:
    found: dict[object, Row] = {}
    for row in sorted(rows, key=lambda row: (row.get("recorded_at") is not None, row.get("recorded_at") or 0)):
        seen = as_seen(name, row, today, day_of)
        if seen is not None:
            found[tuple(row[key] for key in KEYS[name])] = seen
    return list(found.values())


def as_seen(name: str, row: Row, today: int, day_of: Day) -> Row | None:
    """One version at the close of a day: None before it was known; without recorded_at, blank where it speaks later."""
    recorded = row.get("recorded_at")
    if recorded is not None:
        return row if day_of(recorded) <= today else None
    born = earliest(row.get(moment) for moment in BORN[name])
    if born is None or day_of(born) > today:
        return None
    blank: Row = {}
    for moment, values in SPOKEN[name].items():
        if row.get(moment) is None or day_of(row[moment]) > today:
            blank.update(dict.fromkeys([moment, *values]))
    return {**row, **{column: None for column in blank if column in row}}


def natural_entries(known: Tables, wanted: frozenset[str], day_of: Day) -> dict[tuple[str, ...], tuple[int, int]]:
    """(seller, quantity, what it is about) -> (the day it falls on, value), of what is known."""
    entries: dict[tuple[str, ...], tuple[int, int]] = {}
    sellers = {line["seller_id"] for line in known["orders"]}
    for seller in sellers:
        lines = [line for line in known["orders"] if line["seller_id"] == seller]
        numbers = {line["line_id"] for line in lines}
        returns = [row for row in known["returns"] if row["line_id"] in numbers]
        cases = [row for row in known["cases"] if row["seller_id"] == seller and row.get("order_id")]
        feedback = [row for row in known["feedback"] if row["seller_id"] == seller]
        platform = fulfilment(known["sellers"], seller, day_of)
        for name, entry in order_entries(lines, returns, cases, feedback, platform, wanted, day_of).items():
            entries[seller, name, "order"] = entry
        for row in returns:
            add_all(entries, seller, row["return_id"], return_entries(row, day_of))
    for row in known["cases"]:
        add_all(entries, row["seller_id"], row["case_id"], case_entries(row, day_of))
    for row in known["feedback"]:
        add_all(entries, row["seller_id"], row["feedback_id"], feedback_entries(row, day_of))
    return {entry: value for entry, value in entries.items() if entry[1] in wanted}


def add_all(entries: dict[Any, Any], seller: str, about: str, found: Mapping[str, tuple[int, int]]) -> None:
    for name, entry in found.items():
        entries[seller, name, about] = entry


def fulfilment(sellers: list[Row], seller: str, day_of: Day) -> Any:
    """Who fulfils for a seller, as known at the close of a day: a function of that day."""

    def on(day: int) -> str | None:
        mine = [row for row in sellers if row["seller_id"] == seller]
        told = [row for row in mine if row.get("recorded_at") is None or day_of(row["recorded_at"]) <= day]
        told.sort(key=lambda row: (row.get("recorded_at") is not None, row.get("recorded_at") or 0))
        return told[-1].get("fulfilment") if told else None

    return on


def first_versions(tables: Tables, day_of: Day) -> list[Row]:
    """Each order line as it was first told of: of that day's versions the newest."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for line in tables.get("orders", []):
        found[tuple(line[key] for key in KEYS["orders"])].append(line)
    firsts = [(versions, min(told(version, day_of) for version in versions)) for versions in found.values()]
    return [newest("orders", versions, first, day_of)[0] for versions, first in firsts]


def told(line: Row, day_of: Day) -> int:
    moments = [line.get("recorded_at")] if line.get("recorded_at") else [line.get(moment) for moment in BORN["orders"]]
    return day_of(earliest(moments))
