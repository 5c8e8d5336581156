"""SQL of a seller's attributes (main category and item, size), its peer group, and the published figures of groups.

A group's figures are sums of window columns over its sellers at an as-of day. They are published, so that a seller's
row needs only its own ledger and these figures.
"""

from collections.abc import Collection
from dataclasses import dataclass

from core.sql_text import Step

SMALL, MEDIUM = 30, 300  # orders in 60 days that separate small, medium and large sellers (our assumption)
MINIMUM_PEERS = 30  # a peer group with fewer sellers is replaced by the next wider one
# A seller with an unknown category or fulfilment has the whole market as peers: a guess would be arbitrary, and on a
# record without fulfilment (aircraft) the category's rate as prior lowered average precision by .02.
CODES = 1_000_000_000  # more than the number of values of any dimension; a large marketplace has millions of items
DIMENSIONS = {"category": "category", "item": "item_id"}
PEER_LEVELS = ("peer_size", "peer_fulfilment", "peer_category", "market")  # finest first
GROUPS = ("market", "category", "item", "region")
LEVELS: dict[str, tuple[str, ...]] = {
    "market": (),
    "category": ("category",),
    "item": ("item",),
    "region": ("region",),
    "peer_category": ("category",),
    "peer_fulfilment": ("category", "fulfilment"),
    "peer_size": ("category", "fulfilment", "size"),
}
SEPARATOR = " · "


@dataclass(frozen=True)
class LineTables:
    """The tables with the order lines of all days, either one row per line or counted.

    counted: SQL that counts the lines of a group; values: a table with all items and categories; firsts: a table with
    at least the first line of each seller and item, and of each category in each period.
    """

    table: str = "known_lines"
    counted: str = "count(*)"
    values: str = "orders"
    firsts: str = "known_lines"


ONE_BY_ONE = LineTables()


def main_value_steps(lines: LineTables) -> list[Step]:
    """The steps that make `main_values`, in order."""
    return [
        Step("next_as_of", next_as_of_sql(lines), "the first as-of day on or after each day with order lines", "a day"),
        *(
            Step(f"{d}_codes", codes_sql(d, lines), f"numbers of the values of {d}", f"a value of {d}")
            for d in DIMENSIONS
        ),
        Step(
            "main_values",
            main_values_sql(lines),
            "the category and the item (as codes) of most of a seller's order lines so far",
            "a seller and as-of day",
        ),
    ]


def main_values_sql(lines: LineTables = ONE_BY_ONE) -> str:
    """The category and the item of most of a seller's lines by each as-of day (ties: the value with the highest code).

    Counts of lines never fall, so the highest score so far belongs to the value with most lines. The score's last
    digits are the value's code.
    """
    leading = ", ".join(f"max({d}_s.score) over so_far % {CODES} as {d}" for d in DIMENSIONS)
    joins = " ".join(
        f"left join ({scores_sql(d, lines)}) as {d}_s on {d}_s.seller = g.seller and {d}_s.as_of = g.as_of"
        for d in DIMENSIONS
    )
    return f"""select g.seller, g.as_of, {leading} from grid as g {joins} window so_far as (
            partition by g.seller order by g.as_of rows between unbounded preceding and current row)"""


def scores_sql(dimension: str, lines: LineTables) -> str:
    """A seller's highest score by as-of day: the number of lines of a value so far, followed by the value's code."""
    value = f"cast(l.seller as bigint) * {CODES} + c.code"  # one number, because a window over two columns is slower
    counted = f"""select {value} as value, d.as_of, {lines.counted} as units
        from {lines.table} as l join {dimension}_codes as c on c.{dimension} = l.{DIMENSIONS[dimension]}
        join next_as_of as d on d.day = l.day group by {value}, d.as_of"""
    so_far = "partition by value order by as_of rows between unbounded preceding and current row"
    score = f"cast(sum(units) over ({so_far}) as bigint) * {CODES} + value % {CODES}"
    scored = f"select value // {CODES} as seller, as_of, {score} as score"
    return (
        f"select seller, as_of, max(score) as score from ({scored} from ({counted}) as u) as r group by seller, as_of"
    )


def next_as_of_sql(lines: LineTables = ONE_BY_ONE) -> str:
    """The first as-of day on or after each day of the order lines."""
    return f"""select l.day, min(d.as_of) as as_of
        from (select distinct day from {lines.table}) as l join as_of_days as d on d.as_of >= l.day group by l.day"""


def codes_sql(dimension: str, lines: LineTables = ONE_BY_ONE) -> str:
    """Numbers for the values of a dimension, in the order of the values."""
    column = DIMENSIONS[dimension]
    return f"""select {dimension}, row_number() over (order by {dimension}) as code
        from (select distinct {column} as {dimension} from {lines.values} where {column} is not null) as d"""


def attributes_sql(columns: Collection[str]) -> str:
    """Window rows with category, item, region, fulfilment and size as known at each as-of day ('' where unknown)."""
    size = f"case when w.ordered_60 < {SMALL} then 'small' when w.ordered_60 < {MEDIUM} then 'medium' else 'large' end"
    mains = " ".join(f"left join {d}_codes as {d}_c on {d}_c.code = m.{d}" for d in DIMENSIONS)
    return f"""select w.seller_id, w.as_of, w.tenure_days, {", ".join(f"w.{c}" for c in sorted(columns))},
            {", ".join(f"coalesce({d}_c.{d}, '') as {d}" for d in DIMENSIONS)},
            coalesce(s.region, '') as region, coalesce(s.fulfilment, '') as fulfilment, {size} as size
        from windows as w left join main_values as m on m.seller = w.seller and m.as_of = w.as_of {mains}
        left join sellers_versions as s
        on s.seller = w.seller and s.valid_from <= w.as_of and w.as_of < s.valid_to"""


def figures_sql(groups: Collection[tuple[str, str]], attributes: str = "attributes") -> str:
    """Every group's figures: as_of, level, name, sellers with an order in 60 days, and sums of the window columns.

    A level sums the columns that `groups` names for it; the others are null. attributes: the table to sum.
    """
    columns = sorted({c for _, c in groups})
    sellers = "cast(sum(case when ordered_60 > 0 then 1 else 0 end) as bigint) as sellers"
    return " union all ".join(
        f"select as_of, '{level}' as level, {_name(level)} as name, {sellers}, {_sums(level, columns, groups)} "
        f"from {attributes} as attributes group by as_of, {_name(level)}"
        for level in LEVELS
    )


def _sums(level: str, columns: Collection[str], groups: Collection[tuple[str, str]]) -> str:
    names = {level} | ({"peer"} if level in PEER_LEVELS else set())
    return ", ".join(
        f"cast({f'sum({c})' if {(g, c) for g in names} & set(groups) else 'null'} as bigint) as {c}" for c in columns
    )


def rows_sql(groups: Collection[tuple[str, str]], attributes: str = "attributes", figures: str = "figures") -> str:
    """Window rows with their groups' figures as `<group>_<column>`; `peer` is the finest group that is large enough."""
    columns = [f"coalesce({_finest(c) if g == 'peer' else f'f_{g}.{c}'}, 0) as {g}_{c}" for g, c in sorted(groups)]
    columns += [f"coalesce({_finest('sellers')}, 0) as peer_sellers", f"coalesce({_finest('name')}, '') as peer_group"]
    joins = " ".join(_join(level, figures) for level in LEVELS)
    return f"select a.*, {', '.join(columns)} from {attributes} as a {joins}"


def _name(level: str, table: str = "attributes") -> str:
    columns = [f"nullif({table}.{c}, '')" for c in LEVELS[level]]
    return f"concat_ws('{SEPARATOR}', {', '.join(columns)})" if columns else "''"


def _join(level: str, figures: str) -> str:
    alias = f"f_{level}"
    same = f"{alias}.as_of = a.as_of and {alias}.name = {_name(level, 'a')}"
    known = " and a.category <> '' and a.fulfilment <> ''" if level in PEER_LEVELS[:-1] else ""
    return f"left join {figures} as {alias} on {alias}.level = '{level}' and {same}{known}"


def _finest(column: str) -> str:
    finer = " ".join(f"when f_{level}.sellers >= {MINIMUM_PEERS} then f_{level}.{column}" for level in PEER_LEVELS[:-1])
    return f"case {finer} else f_market.{column} end"
