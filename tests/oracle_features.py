"""The oracle's feature rows: window sums, groups and formulas, each worked out for one seller and day in plain Python."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from oracle import BORN, KEYS, Ledger, Row, Tables, day_in, newest
from oracle_orders import Day, earliest
from sqlglot import expressions as sql

MINIMUM_PEERS = 30
SILENT_DAYS = 400  # a seller without a ledger row for so long has no row
PEERS = {
    "peer_size": ("category", "fulfilment", "size"),
    "peer_fulfilment": ("category", "fulfilment"),
    "peer_category": ("category",),
    "market": (),
}
GROUPS = {"market": (), "category": ("category",), "item": ("item",), "region": ("region",)}


@dataclass(frozen=True)
class Rows:
    """Expected rows by (seller, as_of): numbers, texts and published figures under the table's column names."""

    numbers: dict[tuple[str, int], dict[str, float]]
    texts: dict[tuple[str, int], dict[str, str]]


def expected_rows(tables: Tables, zone: str, ledger: Ledger, as_of_days: Iterable[int], columns: Iterable[str]) -> Rows:
    """Rows of all sellers at the as-of days with these columns (window sums and published figures)."""
    day_of, wanted = day_in(zone), list(columns)
    numbers, texts = {}, {}
    for as_of in as_of_days:
        sellers = present(ledger, as_of)
        said = {seller: attributes(tables, seller, as_of, day_of) for seller in sellers}
        sums = {seller: WindowSums(ledger, seller, as_of) for seller in sellers}
        for seller in sellers:
            said[seller]["size"] = size(sums[seller]["ordered_60"])
        for seller in sellers:
            published = Published(seller, said, sums)
            row = {name: sums[seller][name] if is_window(name) else published[name] for name in wanted}
            numbers[seller, as_of] = {**row, "peer_sellers": published.peer_sellers, "tenure_days": tenure(ledger, seller, as_of)}
            texts[seller, as_of] = {**said[seller], "peer_group": published.peer_name}
    return Rows(numbers, texts)


def present(ledger: Ledger, as_of: int) -> list[str]:
    """Sellers of whom something was known by then, and not too long ago."""
    days: dict[str, list[int]] = defaultdict(list)
    for seller, day in ledger.entries:
        if day <= as_of:
            days[seller].append(day)
    return sorted(seller for seller, known in days.items() if as_of < max(known) + SILENT_DAYS)


class WindowSums(dict[str, int]):
    """One seller's window columns at one as-of day, each summed when asked for."""

    def __init__(self, ledger: Ledger, seller: str, as_of: int) -> None:
        super().__init__()
        self.ledger, self.seller, self.as_of = ledger, seller, as_of
        self.spans: dict[int, Mapping[str, int]] = {}

    def __missing__(self, column: str) -> int:
        quantity, _, span = column.rpartition("_")
        days = self.as_of + 1 if span == "all" else int(span)
        if days not in self.spans:
            self.spans[days] = self.ledger.window(self.seller, self.as_of, days)
        return self.spans[days].get(quantity, 0)


def is_window(name: str) -> bool:
    return name.split("_")[0] not in (*GROUPS, "peer")


def size(orders: int) -> str:
    return "small" if orders < 30 else "medium" if orders < 300 else "large"


def tenure(ledger: Ledger, seller: str, as_of: int) -> float:
    """Days since the first order; nan before it."""
    days = [day for (who, day), sums in ledger.entries.items() if who == seller and sums.get("ordered", 0) > 0 and day <= as_of]
    return as_of - min(days) if days else math.nan


def attributes(tables: Tables, seller: str, as_of: int, day_of: Day) -> dict[str, str]:
    """What was known of a seller: its own words, and the category and item of most of its lines."""
    rows = [row for row in newest("sellers", list(tables.get("sellers", [])), as_of, day_of) if row["seller_id"] == seller]
    own = rows[0] if rows else {}
    return {
        "category": most_lines(tables, seller, as_of, day_of, "category"),
        "item": most_lines(tables, seller, as_of, day_of, "item_id"),
        "region": own.get("region") or "",
        "fulfilment": own.get("fulfilment") or "",
    }


def most_lines(tables: Tables, seller: str, as_of: int, day_of: Day, column: str) -> str:
    counts: Counter[str] = Counter()
    for line in first_versions(tables, day_of):
        known = max(day_of(line[moment]) for moment in ("ordered_at", "recorded_at") if line.get(moment) is not None)
        if line["seller_id"] == seller and line.get(column) and known <= as_of:
            counts[line[column]] += 1
    return max(counts, key=lambda value: (counts[value], value), default="")


def first_versions(tables: Tables, day_of: Day) -> list[Row]:
    """Each order line as it was first told of: of that day's versions the newest."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for line in tables["orders"]:
        found[tuple(line[key] for key in KEYS["orders"])].append(line)
    return [newest("orders", versions, min(first_known(v, day_of) for v in versions), day_of)[0] for versions in found.values()]


def first_known(line: Row, day_of: Day) -> int:
    moments = [line.get("recorded_at")] if line.get("recorded_at") else [line.get(moment) for moment in BORN["orders"]]
    return day_of(earliest(moments))


class Published(dict[str, float]):
    """Figures of the groups that one seller belongs to, each summed over the group's sellers when asked for."""

    def __init__(self, seller: str, said: Mapping[str, Mapping[str, str]], sums: Mapping[str, WindowSums]) -> None:
        super().__init__()
        self.seller, self.said, self.sums = seller, said, sums
        self.level = next(level for level in PEERS if level == "market" or self.sellers(self.members(PEERS[level])) >= MINIMUM_PEERS)
        self.peers = self.members(PEERS[self.level])
        self.peer_sellers = self.sellers(self.peers)
        self.peer_name = " · ".join(said[seller][column] for column in PEERS[self.level])

    def __missing__(self, name: str) -> int:
        group, _, column = name.partition("_")
        members = self.peers if group == "peer" else self.members(GROUPS[group])
        return sum(self.sums[member][column] for member in members)

    def members(self, columns: Iterable[str]) -> list[str]:
        return [other for other in self.said if all(self.said[other][c] == self.said[self.seller][c] for c in columns)]

    def sellers(self, members: Iterable[str]) -> int:
        return sum(self.sums[member]["ordered_60"] > 0 for member in members)


def evaluate(formula: str, row: Mapping[str, float]) -> float:
    """A feature's SQL formula over one row; nan is SQL's null."""
    value = walk(sqlglot.parse_one(formula, read="duckdb"), row)
    return math.nan if value is None else value


BINARY: dict[type[sql.Expression], Callable[[float, float], float]] = {
    sql.Add: lambda a, b: a + b,
    sql.Sub: lambda a, b: a - b,
    sql.Mul: lambda a, b: a * b,
    sql.Div: lambda a, b: a / b,
    sql.GT: lambda a, b: a > b,
    sql.GTE: lambda a, b: a >= b,
    sql.LT: lambda a, b: a < b,
    sql.LTE: lambda a, b: a <= b,
    sql.EQ: lambda a, b: a == b,
}
UNARY: dict[type[sql.Expression], Callable[[float], float]] = {
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
    if isinstance(node, sql.Case):
        return case(node, row)
    if isinstance(node, (sql.Coalesce, sql.Greatest, sql.Least)):
        return chosen(node, [walk(part, row) for part in (node.this, *node.expressions)])
    if isinstance(node, sql.Nullif):
        value, other = walk(node.this, row), walk(node.expression, row)
        return None if value == other else value
    if type(node) in UNARY:
        value = walk(node.this, row)
        return None if value is None else UNARY[type(node)](value)
    left, right = walk(node.this, row), walk(node.expression, row)
    return None if left is None or right is None else BINARY[type(node)](left, right)


def chosen(node: Any, values: list[float | None]) -> float | None:
    """coalesce, greatest and least all pass over nulls."""
    told = [value for value in values if value is not None]
    if not told:
        return None
    pick = {sql.Coalesce: lambda found: found[0], sql.Greatest: max, sql.Least: min}[type(node)]
    return float(pick(told))


def case(node: sql.Case, row: Mapping[str, float]) -> float | None:
    for branch in node.args["ifs"]:
        if walk(branch.this, row):
            return walk(branch.args["true"], row)
    default = node.args.get("default")
    return None if default is None else walk(default, row)
