"""The oracle's feature rows: window sums, groups and formulas, for one seller and day at a time in plain Python."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlglot
from sqlglot import expressions as sql

from tests.support.oracle import Ledger, Row, Tables, day_in, first_versions
from tests.support.oracle_items import COUNTS, worst_item
from tests.support.oracle_new_to_seller import known_on
from tests.support.oracle_orders import Day
from tests.support.oracle_problem_orders import COUNTS as PROBLEM_COUNTS
from tests.support.oracle_problem_orders import problem_orders

MINIMUM_PEERS = 30
SILENT_DAYS = 400  # a seller without a ledger row for so long has no row
PEERS: tuple[tuple[str, ...], ...] = (("category", "fulfilment", "size"), ("category", "fulfilment"), ("category",), ())
GROUPS: dict[str, tuple[str, ...]] = {"market": (), "category": ("category",), "item": ("item",), "region": ("region",)}


@dataclass(frozen=True)
class Rows:
    """Expected rows by (seller, as_of): numbers and texts under the table's column names."""

    numbers: dict[tuple[str, int], dict[str, float]]
    texts: dict[tuple[str, int], dict[str, str]]


def expected_rows(tables: Tables, zone: str, ledger: Ledger, as_of_days: Iterable[int], columns: Iterable[str]) -> Rows:
    """Rows of all sellers at the as-of days with these columns (window sums and published figures)."""
    day_of, wanted, own = day_in(zone), list(columns), by_seller(ledger)
    lines = first_versions(tables, day_of)
    rows, about = Rows({}, {}), tables_about(tables)
    sold: dict[str, list[Row]] = defaultdict(list)
    for line in lines:
        sold[line["seller_id"]].append(line)
    for as_of in as_of_days:
        sums = {seller: Windows(mine, seller, as_of) for seller, mine in own.items() if present(mine, as_of)}
        said = {seller: attributes(about[seller], sold[seller], seller, as_of, day_of) for seller in sums}
        for seller in sums:
            said[seller]["size"] = size(sums[seller]["ordered_60"])
        market = Market(said, sums)
        for seller in sums:
            peers = market.peers(seller)
            row: dict[str, float] = {
                name: sums[seller][name] if is_window(name) else market.figure(seller, name)
                for name in wanted
                if name not in (*COUNTS, *PROBLEM_COUNTS) and not name.startswith("since_")
            }
            row |= {"peer_sellers": market.busy(peers), "tenure_days": tenure(own[seller], as_of)}
            row |= {name: days_since(own[seller], as_of, name) for name in wanted if name.startswith("since_")}
            worst, counts = worst_item(about[seller], seller, as_of, day_of) if "item_returns" in wanted else ("", {})
            troubled, more = (
                problem_orders(about[seller], seller, as_of, day_of) if "order_troubles" in wanted else ("", {})
            )
            beside = {name: value for name, value in {**counts, **more}.items() if name in wanted}
            rows.numbers[seller, as_of] = row | beside
            texts = {"peer_group": " · ".join(filter(None, peers[1])), "worst_item": worst, "troubled_item": troubled}
            rows.texts[seller, as_of] = {**said[seller], **texts}
    return rows


KEY = {"orders": "order_id", "cases": "case_id", "feedback": "feedback_id", "sellers": "seller_id"}


def tables_about(tables: Tables) -> Mapping[str, Tables]:
    """For each seller the rows that may matter to it: every version of what once was its own, and all appeals."""
    appeals = tables.get("corrections", [])
    found: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(
        lambda: {"corrections": appeals, **{name: [] for name in KEY}}
    )
    for name, key in KEY.items():
        whose, rows_of = defaultdict(set), defaultdict(list)
        for row in tables.get(name, []):
            whose[row["seller_id"]].add(row[key])
            rows_of[row[key]].append(row)
        for seller, keys in whose.items():
            found[seller][name] = [row for one in sorted(keys) for row in rows_of[one]]
    back = defaultdict(list)
    for row in tables.get("returns", []):
        back[row["order_id"]].append(row)
    for mine in found.values():
        orders = dict.fromkeys(line["order_id"] for line in mine["orders"])
        mine["returns"] = [row for order_id in orders for row in back[order_id]]
    return found


def by_seller(ledger: Ledger) -> dict[str, Ledger]:
    """The ledger of each seller that has one."""
    own: dict[str, Ledger] = defaultdict(Ledger)
    for entry, sums in ledger.entries.items():
        own[entry[0]].entries[entry] = sums
    for correction, sums in ledger.corrections.items():
        own[correction[0]].corrections[correction] = sums
    return own


def present(mine: Ledger, as_of: int) -> bool:
    """Whether something was known of the seller by then, and not too long ago."""
    days = [day for _, day in mine.entries if day <= as_of]
    return bool(days) and as_of < max(days) + SILENT_DAYS


class Windows(dict[str, int]):
    """One seller's window columns at one as-of day, each summed when it is asked for."""

    def __init__(self, mine: Ledger, seller: str, as_of: int) -> None:
        super().__init__()
        self.mine, self.seller, self.as_of = mine, seller, as_of
        self.spans: dict[int, Mapping[str, int]] = {}

    def __missing__(self, column: str) -> int:
        quantity, _, span = column.rpartition("_")
        days = self.as_of + 1 if span == "all" else int(span)
        if days not in self.spans:
            self.spans[days] = self.mine.window(self.seller, self.as_of, days)
        return self.spans[days].get(quantity, 0)


def is_window(name: str) -> bool:
    """Whether a column is the seller's own; item_not_received is a quantity, not a figure of an item."""
    return name.split("_", maxsplit=1)[0] not in (*GROUPS, "peer") or name.startswith("item_not_received")


def size(orders: int) -> str:
    return "small" if orders < 30 else "medium" if orders < 300 else "large"


def tenure(mine: Ledger, as_of: int) -> float:
    """Days since the first order; nan before it."""
    days = [day for (_, day), sums in mine.entries.items() if sums.get("ordered", 0) > 0 and day <= as_of]
    return as_of - min(days) if days else math.nan


def days_since(mine: Ledger, as_of: int, name: str) -> float:
    """Days since the last day whose entries and known corrections come to more than 0; nan without one."""
    quantity = name.removeprefix("since_")
    sums: Counter[int] = Counter()
    for (_, day), quantities in mine.entries.items():
        sums[day] += quantities.get(quantity, 0)
    for (_, day, decided), quantities in mine.corrections.items():
        sums[day] += quantities.get(quantity, 0) if decided <= as_of else 0
    return min((as_of - day for day, total in sums.items() if total > 0 and day <= as_of), default=math.nan)


def attributes(tables: Tables, lines: list[Row], seller: str, as_of: int, day_of: Day) -> dict[str, str]:
    """What was known of a seller: its own words, and the category and item of most of its lines."""
    told = [row for row in tables.get("sellers", []) if row["seller_id"] == seller and known_on(row, day_of) <= as_of]
    own = max(told, key=lambda row: (row.get("recorded_at") is not None, row.get("recorded_at") or 0), default={})
    sold = [line for line in lines if line["seller_id"] == seller and known_on(line, day_of) <= as_of]
    return {
        "category": most_frequent(line.get("category") for line in sold),
        "item": most_frequent(line.get("item_id") for line in sold),
        "region": own.get("region") or "",
        "fulfilment": own.get("fulfilment") or "",
    }


def most_frequent(values: Iterable[str | None]) -> str:
    counts = Counter(value for value in values if value)
    return max(counts, key=lambda value: (counts[value], value), default="")


Group = tuple[tuple[str, ...], tuple[str, ...]]  # attributes, and a value of each


class Market:
    """All sellers at one as-of day, and the figures of their groups."""

    def __init__(self, said: Mapping[str, Mapping[str, str]], sums: Mapping[str, Windows]) -> None:
        self.said, self.sums = said, sums
        self.chosen: dict[str, Group] = {}
        self.totals: dict[tuple[Group, str], int] = {}
        self.members: dict[Group, list[str]] = defaultdict(list)
        for seller in said:
            for columns in {*PEERS, *GROUPS.values()}:
                self.members[self.group(seller, columns)].append(seller)

    def group(self, seller: str, columns: tuple[str, ...]) -> Group:
        return columns, tuple(self.said[seller][column] for column in columns)

    def peers(self, seller: str) -> Group:
        """The finest group of the seller's kind that is large enough, or the whole market."""
        if seller not in self.chosen:
            self.chosen[seller] = self.finest(seller)
        return self.chosen[seller]

    def finest(self, seller: str) -> Group:
        known = self.said[seller]["category"] and self.said[seller]["fulfilment"]
        groups = [self.group(seller, columns) for columns in (PEERS if known else PEERS[-1:])]
        return next((group for group in groups if self.busy(group) >= MINIMUM_PEERS), groups[-1])

    def figure(self, seller: str, name: str) -> int:
        """A published figure by its column's name, such as market_late_28."""
        kind, _, column = name.partition("_")
        return self.total(self.peers(seller) if kind == "peer" else self.group(seller, GROUPS[kind]), column)

    def busy(self, group: Group) -> int:
        """Sellers of the group with an order in 60 days."""
        return sum(self.sums[member]["ordered_60"] > 0 for member in self.members[group])

    def total(self, group: Group, column: str) -> int:
        if (group, column) not in self.totals:
            self.totals[group, column] = sum(self.sums[member][column] for member in self.members[group])
        return self.totals[group, column]


def evaluate(formula: str, row: Mapping[str, float]) -> float:
    """A feature's SQL formula over one row; nan is SQL's null."""
    value = walk(parsed(formula), row)
    return math.nan if value is None else value


@cache
def parsed(formula: str) -> Any:
    return sqlglot.parse_one(formula, read="duckdb")


OPERATIONS: dict[type[sql.Expression], Callable[..., float]] = {
    sql.Add: lambda a, b: a + b,
    sql.Sub: lambda a, b: a - b,
    sql.Mul: lambda a, b: a * b,
    sql.Div: lambda a, b: a / b,
    sql.GT: lambda a, b: a > b,
    sql.GTE: lambda a, b: a >= b,
    sql.LT: lambda a, b: a < b,
    sql.LTE: lambda a, b: a <= b,
    sql.EQ: lambda a, b: a == b,
    sql.Neg: lambda a: -a,
    sql.Ln: math.log,
    sql.Sqrt: math.sqrt,
    sql.Paren: lambda a: a,
    sql.Cast: float,
}


def walk(node: Any, row: Mapping[str, float]) -> float | None:
    """The value of one node of a parsed formula; None is null."""
    if isinstance(node, sql.Column):
        return None if math.isnan(row[node.name]) else float(row[node.name])
    if isinstance(node, sql.Literal):
        return float(node.this)
    return case(node, row) if isinstance(node, sql.Case) else called(node, row)


def called(node: Any, row: Mapping[str, float]) -> float | None:
    """An operator or function of other nodes; of those with one operand, the second is None."""
    values = [
        walk(part, row) for part in (node.this, node.expression, *node.expressions) if isinstance(part, sql.Expression)
    ]
    if isinstance(node, (sql.Coalesce, sql.Greatest, sql.Least)):
        return chosen(node, values)
    if isinstance(node, sql.Nullif):
        return None if values[0] == values[1] else values[0]
    operation: Callable[..., float] = OPERATIONS[type(node)]
    return None if None in values else operation(*values)


def chosen(node: Any, values: list[float | None]) -> float | None:
    """coalesce, greatest and least all pass over nulls."""
    told = [value for value in values if value is not None]
    if not told:
        return None
    if isinstance(node, sql.Coalesce):
        return told[0]
    return max(told) if isinstance(node, sql.Greatest) else min(told)


def case(node: sql.Case, row: Mapping[str, float]) -> float | None:
    for branch in node.args["ifs"]:
        if walk(branch.this, row):
            return walk(branch.args["true"], row)
    default = node.args.get("default")
    return None if default is None else walk(default, row)
