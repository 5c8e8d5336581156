"""Whether new rows follow all that they touch: then what was told before stays, and need not be worked out again.

They do where all that they touch was recorded, and ordered, before the first of them. A new row that does not say when
it was recorded has been known since ever; it follows only as part of an order of which nothing was known.
"""

from collections.abc import Iterable

import duckdb

from features.growth_build import Source
from features.growth_rows import ARRIVED, KEYED, key
from features.states import BORN, NEWLY

ORDERED = ("orders", *KEYED)  # tables whose rows tell of an order


def following(con: duckdb.DuckDBPyConnection, source: Source) -> int | None:
    """The first day of the new rows, if they follow the touched ones (`was_<table>`); else None."""
    if any(con.execute(query).fetchall() for query in _obstacles(source)):
        return None
    first, last = con.execute(f"select ({_first()}), ({_last()})").fetchall()[0]
    return int(first) if first is not None and (last is None or last < first) else None


def as_new(table: str, rows: str) -> str:
    """A select of new rows that follow: what was known since ever is told apart from what was so before."""
    if table not in ORDERED:
        return rows
    recorded = f"coalesce(recorded_at_day, {NEWLY}) as recorded_at_day"
    return f"select * replace ({recorded}) from ({rows}) as n"


def _first() -> str:
    days = dict.fromkeys(KEYED, "recorded_at_day") | {"orders": "coalesce(recorded_at_day, ordered_at_day)"}
    return f"select min(day) from ({_each(f'select {day} as day from {ARRIVED}.{t}' for t, day in days.items())}) as d"


def _last() -> str:
    days = dict.fromkeys(KEYED, "recorded_at_day") | {"orders": "greatest(recorded_at_day, ordered_at_day)"}
    return f"select max(day) from ({_each(f'select {day} as day from was_{t}' for t, day in days.items())}) as d"


def _obstacles(source: Source) -> list[str]:
    """Selects that find something where new rows do not follow, whatever their days."""
    unversioned = [t for t in ORDERED if f"{t}.recorded_at" not in source.available]
    known = _each(f"select order_id from was_{t} where order_id is not null" for t in ORDERED)
    return [
        *(f"from {place}{t} limit 1" for t in unversioned for place in (f"{ARRIVED}.", "was_")),
        # without a moment, another's fault is known from the day its case closes
        *(f"from {place}cases where recorded_at is null limit 1" for place in (f"{ARRIVED}.", "was_")),
        *(f"{_undated(t)} and (order_id is null or order_id in ({known})) limit 1" for t in ORDERED),
        *(f"{_undated(t)} and {key(t)} in (select {key(t)} from was_{t}) limit 1" for t in KEYED),
        f"{_undated('orders')} group by order_id having min({BORN}) < max({BORN}) limit 1",
    ]


def _undated(table: str) -> str:
    return f"select 1 from {ARRIVED}.{table} where recorded_at is null"


def _each(queries: Iterable[str]) -> str:
    return " union all ".join(queries)
