"""The feature table: one row per seller and as-of day, by the same code for training, batch scores and the service.

`plan` lists the columns that the features and standards need. `make_rows` makes the tables that the rows are joined
from, under new names. `read_rows` reads the rows, all at once; `row_blocks` reads very many sellers block by block.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import count

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.block import Block
from core.sql_text import Step, quoted
from features.catalogue.feature import Feature, figure
from features.catalogue.features import available_features
from features.columns import problem_orders, time_since, worst_items
from features.columns.peers import ONE_BY_ONE, LineTables, attributes_sql, figures_sql, main_value_steps, rows_sql
from features.columns.windows import split
from features.columns.windows import steps as window_steps
from features.engines.duckdb import Engine
from features.ledger.build import Ledger
from features.standards.standard import Standard

HORIZONS = (14, 28, 56)
NEW_SELLER_DAYS = 90  # a seller is new for this many days after its first order
TEXT = (
    "category",
    "item",
    "region",
    "fulfilment",
    "size",
    "peer_group",
    worst_items.WORST,
    problem_orders.PROBLEM_ITEM,
)
ACTIVE_DAYS = 28
WEEK = 7  # days of the window that tells whether something new happened to a seller
EMPTY = "''"
BLOCK = 40_000  # sellers; a row takes about 4 KB
BUILDS = count(1)  # the numbers in the table names of successive builds
Rows = NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True)
class FeatureTable:
    """Rows of sellers at as-of days: keys, text attributes, and numeric columns, some of which are the features.

    figures: the table of the rows' published figures in the ledger's connection; empty for rows from elsewhere.
    """

    seller_id: NDArray[np.object_]
    as_of: NDArray[np.int64]
    text: Mapping[str, NDArray[np.object_]]
    block: Block
    features: tuple[Feature, ...]
    figures: str = ""

    def __len__(self) -> int:
        return len(self.as_of)

    def take(self, rows: Rows) -> "FeatureTable":
        """The given rows, by number or mask."""
        text = {name: column[rows] for name, column in self.text.items()}
        block = self.block.take(rows)
        return FeatureTable(self.seller_id[rows], self.as_of[rows], text, block, self.features, self.figures)


@dataclass(frozen=True)
class Plan:
    """What a set of features and standards needs: window columns, published figures, times since, counts by item."""

    features: tuple[Feature, ...]
    windows: frozenset[str]
    groups: frozenset[tuple[str, str]]
    since: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    problems: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RowTables:
    """Names of the tables that feature rows are read from; all but `figures` have one row per seller and as-of day.

    rows: a view that joins the others. The next build replaces all other tables, from which no row is read.
    """

    rows: str = "feature_rows"
    attributes: str = "attributes"
    figures: str = "figures"
    time_since: str = "time_since"
    worst_items: str = "worst_items"
    problem_orders: str = "problem_orders"


PLAIN = RowTables()


@dataclass(frozen=True)
class RowBlocks:
    """The rows of one as-of day, which are read from the ledger's connection one block at a time.

    edges: the first seller_id of each block, so that the same sellers give the same blocks; sellers: the most that all
    blocks together may contain.
    """

    ledger: Ledger
    needs: Plan
    tables: RowTables
    edges: tuple[str, ...]
    sellers: int

    def __len__(self) -> int:
        return len(self.edges)

    def __iter__(self) -> Iterator[FeatureTable]:
        for first, past in zip(self.edges, (*self.edges[1:], None), strict=True):
            below = "" if past is None else f" and seller_id < {quoted(past)}"
            yield read_rows(self.ledger.con, self.needs, self.tables, f"where seller_id >= {quoted(first)}{below}")


def usable(standards: Iterable[Standard], quantities: Collection[str]) -> tuple[Standard, ...]:
    """The standards whose ledger quantities the source has."""
    return tuple(s for s in standards if set(s.quantities()) <= set(quantities))


def plan(quantities: Collection[str], standards: Collection[Standard]) -> Plan:
    """The columns that the catalogue and the standards need, among those that these ledger quantities can fill."""
    features = available_features(quantities)
    columns = {c for f in features for c in f.columns()} | {c for s in standards for c in standard_columns(s)}
    groups = {g for c in columns if (g := figure(c))}
    windows = {c for c in columns if split(c)} | {c for _, c in groups} | active_columns(quantities)
    counts = [frozenset(columns & {*by_item.COLUMNS}) for by_item in (worst_items, problem_orders)]
    times = frozenset(c for c in columns if time_since.since_of(c))
    return Plan(features, frozenset(windows), frozenset(groups), times, *counts)


def standard_columns(standard: Standard) -> set[str]:
    """Window columns of a standard for every horizon and of the last week, and the groups' figures that it needs."""
    w = standard.window_days
    spans = {w} | {s for h in HORIZONS for s in (h, w - h) if s > 0}
    groups = {f"{g}_{q}_{w}" for g in ("market", "peer") for q in standard.quantities()}
    recent = {f"market_{q}_{standard.recent_days}" for q in standard.quantities()}
    return {f"{q}_{s}" for q in standard.quantities() for s in (*spans, WEEK)} | groups | recent


def active_columns(quantities: Collection[str]) -> set[str]:
    """Window columns that decide whether a seller is active, and its size."""
    return {f"ordered_{ACTIVE_DAYS}", "ordered_60", "ordered_all"} | (
        {"closed_all"} if "closed" in quantities else set()
    )


def build_table(
    ledger: Ledger, as_of: Iterable[int], standards: Collection[Standard], figures: pa.Table | None = None
) -> FeatureTable:
    """The rows of the as-of days (day numbers). `figures`: published figures to use instead of the ledger's own."""
    needs = plan(ledger.quantities, usable(standards, ledger.quantities))
    tables = make_rows(ledger.con, needs, as_of, figures)
    rows = read_rows(ledger.con, needs, tables)
    _drop_all_but_figures(ledger.con, tables)
    return rows


def row_blocks(ledger: Ledger, as_of: int, standards: Collection[Standard], size: int = BLOCK) -> RowBlocks:
    """Make the rows of one as-of day, to be read block by block in the order of seller ids with little memory."""
    needs = plan(ledger.quantities, usable(standards, ledger.quantities))
    tables = make_rows(ledger.con, needs, [as_of])
    first = f"select seller_id from seller_codes where (seller - 1) % {size} = 0 order by seller_id"
    edges = tuple(row[0] for row in ledger.con.execute(first).fetchall())
    sellers = ledger.con.execute("select count(*) from seller_codes").fetchall()[0][0]
    return RowBlocks(ledger, needs, tables, edges, int(sellers))


def published_figures(ledger: Ledger, rows: FeatureTable, as_of: int) -> pa.Table:
    """The published figures of one as-of day: all that a seller's row needs of other sellers."""
    query = f"select * from {rows.figures} where as_of = {as_of} order by level, name"
    return ledger.con.sql(query).to_arrow_table()


def make_rows(con: Engine, needs: Plan, as_of: Iterable[int], figures: pa.Table | None = None) -> RowTables:
    """Make the tables of the rows; those of other builds stay. The ledger's tables must be in the connection."""
    if figures is not None:
        con.register("published_figures", figures)
    corrected = con.execute("select count(*) > 0 from ledger_corrections").fetchall()[0][0]
    number = next(BUILDS)
    tables = RowTables(*(f"{field.default}_{number}" for field in fields(RowTables)))
    for step in statements(needs, as_of, figures is not None, bool(corrected), tables=tables):
        con.execute(step.sql)
    return tables


def _drop_all_but_figures(con: Engine, tables: RowTables) -> None:
    con.execute(f"drop view {tables.rows}")
    for table in (tables.attributes, tables.time_since, tables.worst_items, tables.problem_orders):
        con.execute(f"drop table if exists {table}")


def statements(
    needs: Plan,
    as_of: Iterable[int],
    published: bool = False,
    corrected: bool = True,
    lines: LineTables = ONE_BY_ONE,
    tables: RowTables = PLAIN,
) -> list[Step]:
    """The steps that make the feature rows, in order; the last makes `tables.rows`.

    published: take the figures from the table `published_figures`; corrected: whether there are ledger corrections.
    """
    figures = "select * from published_figures" if published else figures_sql(needs.groups, tables.attributes)
    seller_day = "a seller and as-of day"
    return [
        *window_steps(as_of, needs.windows, "windows", corrected),
        *main_value_steps(lines),
        Step(tables.attributes, attributes_sql(needs.windows), "window sums with the seller's attributes", seller_day),
        Step(tables.figures, figures, "published figures of groups of sellers", "an as-of day, level and group"),
        *(time_since.steps(needs.since, tables.time_since) if needs.since else []),
        *(worst_items.steps(tables.worst_items) if needs.items else []),
        *(problem_orders.steps(tables.problem_orders, lines.firsts) if needs.problems else []),
        Step(tables.rows, feature_rows_sql(needs, tables), "the feature rows", seller_day, view=True),
    ]


def feature_rows_sql(needs: Plan, tables: RowTables) -> str:
    """The rows with every feature computed; active: an order in the last 28 days, or an open order."""
    still_open = "ordered_all > closed_all" if "closed_all" in needs.windows else "false"
    formulas = "".join(f", {f.formula} as {f.name}" for f in needs.features)
    active = f"case when ordered_{ACTIVE_DAYS} > 0 or {still_open} then 1 else 0 end as active"
    return f"select r.*, {active}{formulas} from ({_with_times_and_items(needs, tables)}) as r"


def _with_times_and_items(needs: Plan, tables: RowTables) -> str:
    """The rows of sums and figures, joined with the times since, the worst items and the problem orders."""
    used = {"time_since": needs.since, "worst_items": needs.items, "problem_orders": needs.problems}
    joins = " ".join(
        f"left join {getattr(tables, t)} as {t} on {t}.seller_id = g.seller_id and {t}.as_of = g.as_of"
        for t, columns in used.items()
        if columns
    )
    columns = [f"time_since.{c}" for c in sorted(needs.since)]
    for table, text in (("worst_items", worst_items.WORST), ("problem_orders", problem_orders.PROBLEM_ITEM)):
        columns += [f"coalesce({table}.{c}, 0) as {c}" for c in sorted(used[table])]
        columns.append(f"{f'coalesce({table}.{text}, {EMPTY})' if used[table] else EMPTY} as {text}")
    rows = rows_sql(needs.groups, tables.attributes, tables.figures)
    return f"select g.*, {', '.join(columns)} from ({rows}) as g {joins}"


def numeric_names(needs: Plan) -> tuple[str, ...]:
    """The numeric columns of the rows, in order."""
    figures = [f"{g}_{c}" for g, c in sorted(needs.groups)]
    return (
        *sorted(needs.windows),
        *figures,
        *sorted(needs.since),
        *sorted(needs.items),
        *sorted(needs.problems),
        "peer_sellers",
        "active",
        "tenure_days",
        *(f.name for f in needs.features),
    )


def written_sql(needs: Plan, tables: RowTables) -> str:
    """The rows as they are written to files: keys, text attributes, and every number as double."""
    numbers = ", ".join(f"cast({name} as double) as {name}" for name in numeric_names(needs))
    return f"select seller_id, date_from_unix_date(as_of) as as_of, {', '.join(TEXT)}, {numbers} from {tables.rows}"


def read_rows(con: Engine, needs: Plan, tables: RowTables, where: str = "") -> FeatureTable:
    """The rows that `make_rows` made; where: a SQL condition that selects some of them."""
    rows = con.sql(f"select * from {tables.rows} {where} order by as_of, seller_id").to_arrow_table()
    names = numeric_names(needs)
    values = np.column_stack([_numbers(rows[name]) for name in names]) if len(rows) else np.empty((0, len(names)))
    text = {name: _texts(rows[name]) for name in TEXT}
    days, block = rows["as_of"].to_numpy().astype(np.int64), Block(names, values)
    return FeatureTable(_texts(rows["seller_id"]), days, text, block, needs.features, tables.figures)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _texts(column: pa.ChunkedArray) -> NDArray[np.object_]:
    return np.asarray(column.to_pylist(), dtype=object)
