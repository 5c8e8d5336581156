"""The feature table: one row per seller and as-of day, the same code for training, batch and service."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features import items, since, troubles
from features.block import Block
from features.catalogue import available_features
from features.engine import Engine
from features.feature import Feature, figure
from features.ledger import Ledger
from features.peers import (
    DIMENSIONS,
    ONE_BY_ONE,
    Lines,
    attributes_sql,
    codes_sql,
    figures_sql,
    main_values_sql,
    next_as_of_sql,
    rows_sql,
)
from features.standards import Standard
from features.states import Step
from features.windows import split, steps

HORIZONS = (14, 28, 56)
TEXT = ("category", "item", "region", "fulfilment", "size", "peer_group", items.WORST, troubles.TROUBLED)
ACTIVE_DAYS = 28
EMPTY = "''"
Rows = NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True)
class FeatureTable:
    """Rows of sellers at as-of days: keys, text attributes, numeric columns, and the features among those."""

    seller_id: NDArray[np.object_]
    as_of: NDArray[np.int64]
    text: Mapping[str, NDArray[np.object_]]
    block: Block
    features: tuple[Feature, ...]

    def __len__(self) -> int:
        return len(self.as_of)

    def take(self, rows: Rows) -> "FeatureTable":
        """The given rows, by number or mask."""
        text = {name: column[rows] for name, column in self.text.items()}
        return FeatureTable(self.seller_id[rows], self.as_of[rows], text, self.block.take(rows), self.features)


@dataclass(frozen=True)
class Plan:
    """What a set of features and standards needs: window columns, published figures, times since, items, troubles."""

    features: tuple[Feature, ...]
    windows: frozenset[str]
    groups: frozenset[tuple[str, str]]
    since: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    troubles: frozenset[str] = frozenset()


def usable(standards: Iterable[Standard], quantities: Collection[str]) -> tuple[Standard, ...]:
    """The standards whose quantities the source has."""
    return tuple(s for s in standards if set(s.quantities()) <= set(quantities))


def plan(quantities: Collection[str], standards: Collection[Standard]) -> Plan:
    """Everything the catalogue and the standards need that these ledger quantities can fill."""
    features = available_features(quantities)
    named = {c for f in features for c in f.columns()} | {c for s in standards for c in standard_columns(s)}
    groups = {g for c in named if (g := figure(c))}
    windows = {c for c in named if split(c)} | {c for _, c in groups} | active_columns(quantities)
    counts = [frozenset(named & {*counted.COLUMNS}) for counted in (items, troubles)]
    times = frozenset(c for c in named if since.since_of(c))
    return Plan(features, frozenset(windows), frozenset(groups), times, *counts)


def standard_columns(standard: Standard) -> set[str]:
    """Window columns of a standard for every horizon, its market's and peers' figures, and the market's of lately."""
    w = standard.window_days
    spans = {w} | {s for h in HORIZONS for s in (h, w - h) if s > 0}
    groups = {f"{g}_{q}_{w}" for g in ("market", "peer") for q in standard.quantities()}
    lately = {f"market_{q}_{standard.lately_days}" for q in standard.quantities()}
    return {f"{q}_{s}" for q in standard.quantities() for s in spans} | groups | lately


def active_columns(quantities: Collection[str]) -> set[str]:
    """Window columns that say whether a seller is active, and how large it is."""
    return {f"ordered_{ACTIVE_DAYS}", "ordered_60", "ordered_all"} | (
        {"closed_all"} if "closed" in quantities else set()
    )


def build_table(
    ledger: Ledger, as_of: Iterable[int], standards: Collection[Standard], figures: pa.Table | None = None
) -> FeatureTable:
    """Rows for the as-of days (day numbers). `figures`: published figures to use in place of the ledger's own."""
    needs = plan(ledger.quantities, usable(standards, ledger.quantities))
    make_rows(ledger.con, needs, as_of, figures)
    return read_rows(ledger.con, needs)


def make_rows(con: Engine, needs: Plan, as_of: Iterable[int], figures: pa.Table | None = None) -> None:
    """Make the tables behind the rows, `feature_rows` the last; the ledger's tables must be in the connection."""
    if figures is not None:
        con.register("published_figures", figures)
    corrected = con.execute("select count(*) > 0 from ledger_corrections").fetchall()[0][0]
    for step in statements(needs, as_of, figures is not None, bool(corrected)):
        con.execute(step.sql)


def published_figures(ledger: Ledger, as_of: int) -> pa.Table:
    """The figures behind the last rows made, at one as-of day: all that another seller's row needs of the rest."""
    return ledger.con.sql(f"select * from figures where as_of = {as_of} order by level, name").to_arrow_table()


def statements(
    needs: Plan, as_of: Iterable[int], published: bool = False, corrected: bool = True, lines: Lines = ONE_BY_ONE
) -> list[Step]:
    """Everything that is made on the way to the feature rows, in order."""
    figures = "select * from published_figures" if published else figures_sql(needs.groups)
    return [
        *steps(as_of, needs.windows, "windows", corrected),
        Step("next_as_of", next_as_of_sql(lines)),
        *(Step(f"{d}_codes", codes_sql(d, lines)) for d in DIMENSIONS),
        Step("main_values", main_values_sql(lines)),
        Step("attributes", attributes_sql(needs.windows)),
        Step("figures", figures),
        *(since.steps(needs.since) if needs.since else []),
        *(items.steps() if needs.items else []),
        *(troubles.steps(lines.firsts) if needs.troubles else []),
        Step("feature_rows", feature_rows_sql(needs), view=True),
    ]


def feature_rows_sql(needs: Plan) -> str:
    """The rows with every feature's formula worked out; active: an order in the last 28 days, or an open one."""
    still_open = "ordered_all > closed_all" if "closed_all" in needs.windows else "false"
    formulas = "".join(f", {f.formula} as {f.name}" for f in needs.features)
    active = f"case when ordered_{ACTIVE_DAYS} > 0 or {still_open} then 1 else 0 end as active"
    return f"select r.*, {active}{formulas} from ({_with_times_and_items(needs)}) as r"


def _with_times_and_items(needs: Plan) -> str:
    """The rows of sums and figures, with the times since, the worst items and the orders in trouble beside them."""
    tables = {"time_since": needs.since, items.TABLE: needs.items, troubles.TABLE: needs.troubles}
    joins = [
        f"left join {t} on {t}.seller_id = g.seller_id and {t}.as_of = g.as_of" for t, used in tables.items() if used
    ]
    columns = [f"time_since.{c}" for c in sorted(needs.since)]
    for table, used, text in (
        (items.TABLE, needs.items, items.WORST),
        (troubles.TABLE, needs.troubles, troubles.TROUBLED),
    ):
        columns += [f"coalesce({table}.{c}, 0) as {c}" for c in sorted(used)]
        columns.append(f"{f'coalesce({table}.{text}, {EMPTY})' if used else EMPTY} as {text}")
    return f"select g.*, {', '.join(columns)} from ({rows_sql(needs.groups)}) as g {' '.join(joins)}"


def numeric_names(needs: Plan) -> tuple[str, ...]:
    """The numeric columns of the rows, in order."""
    figures = [f"{g}_{c}" for g, c in sorted(needs.groups)]
    return (
        *sorted(needs.windows),
        *figures,
        *sorted(needs.since),
        *sorted(needs.items),
        *sorted(needs.troubles),
        "peer_sellers",
        "active",
        "tenure_days",
        *(f.name for f in needs.features),
    )


def written_sql(needs: Plan) -> str:
    """The rows as they are written to files: keys, text attributes, and every number as a binary one."""
    numbers = ", ".join(f"cast({name} as double) as {name}" for name in numeric_names(needs))
    return f"select seller_id, date_from_unix_date(as_of) as as_of, {', '.join(TEXT)}, {numbers} from feature_rows"


def read_rows(con: Engine, needs: Plan, where: str = "") -> FeatureTable:
    """The rows that `make_rows` made, or those of a SQL condition."""
    rows = con.sql(f"select * from feature_rows {where} order by as_of, seller_id").to_arrow_table()
    names = numeric_names(needs)
    values = np.column_stack([_numbers(rows[name]) for name in names]) if len(rows) else np.empty((0, len(names)))
    text = {name: _texts(rows[name]) for name in TEXT}
    return FeatureTable(
        _texts(rows["seller_id"]), rows["as_of"].to_numpy().astype(np.int64), text, Block(names, values), needs.features
    )


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _texts(column: pa.ChunkedArray) -> NDArray[np.object_]:
    return np.asarray(column.to_pylist(), dtype=object)
