"""SQL of what surrounds a seller: its main category and item, its size, its peer group, and groups' published figures.

A group's figures are sums of window columns over its sellers at an as-of day. They are published: a seller's row
needs its own ledger and these figures, nothing else of other sellers.
"""

from collections.abc import Collection
from dataclasses import dataclass

SMALL, MEDIUM = 30, 300  # orders in 60 days that separate small, medium and large sellers (our assumption)
MINIMUM_PEERS = 30  # a peer group with fewer sellers gives way to the next wider one
# A seller of whom category or fulfilment is not known has no peers but the market: likeness is not to be guessed, and
# on a record without fulfilment (aircraft) the category's rate as prior cost .02 of average precision.
CODES = 1_000_000_000  # more than the values of any dimension: a large marketplace has millions of items
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
class Lines:
    """Tables that tell of the order lines of all days: one by one, or counted.

    counted: SQL that counts the lines of a group; values: a table with all items and categories; firsts: lines that
    hold the first of each seller and item, and of each category in each period.
    """

    table: str = "known_lines"
    counted: str = "count(*)"
    values: str = "orders"
    firsts: str = "known_lines"


ONE_BY_ONE = Lines()


def main_values_sql(lines: Lines = ONE_BY_ONE) -> str:
    """The value of each dimension under which most of a seller's lines were ordered by each as-of day (ties: the last).

    Lines only add up, so the highest score so far belongs to the value that leads; its code is the score's tail.
    """
    leading = ", ".join(f"max({d}_s.score) over so_far % {CODES} as {d}" for d in DIMENSIONS)
    joins = " ".join(
        f"left join ({scores_sql(d, lines)}) as {d}_s on {d}_s.seller = g.seller and {d}_s.as_of = g.as_of"
        for d in DIMENSIONS
    )
    return f"""select g.seller, g.as_of, {leading} from grid as g {joins} window so_far as (
            partition by g.seller order by g.as_of rows between unbounded preceding and current row)"""


def scores_sql(dimension: str, lines: Lines) -> str:
    """A seller's highest score in each week: the lines of a value so far, and its code as the tail of that number."""
    value = f"cast(l.seller as bigint) * {CODES} + c.code"  # one number: a window by two takes longer
    counted = f"""select {value} as value, d.as_of, {lines.counted} as units
        from {lines.table} as l join {dimension}_codes as c on c.{dimension} = l.{DIMENSIONS[dimension]}
        join next_as_of as d on d.day = l.day group by {value}, d.as_of"""
    so_far = "partition by value order by as_of rows between unbounded preceding and current row"
    score = f"cast(sum(units) over ({so_far}) as bigint) * {CODES} + value % {CODES}"
    scored = f"select value // {CODES} as seller, as_of, {score} as score"
    return (
        f"select seller, as_of, max(score) as score from ({scored} from ({counted}) as u) as r group by seller, as_of"
    )


def next_as_of_sql(lines: Lines = ONE_BY_ONE) -> str:
    """The first as-of day from each day of the lines on."""
    return f"""select l.day, min(d.as_of) as as_of
        from (select distinct day from {lines.table}) as l join as_of_days as d on d.as_of >= l.day group by l.day"""


def codes_sql(dimension: str, lines: Lines = ONE_BY_ONE) -> str:
    """Numbers for the values of a dimension, in their order."""
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


def figures_sql(groups: Collection[tuple[str, str]]) -> str:
    """Every group's figures: as_of, level, name, sellers with an order in 60 days, and sums of the window columns.

    A level sums the columns that its group is asked for, and null stands for the others.
    """
    columns = sorted({c for _, c in groups})
    sellers = "cast(sum(case when ordered_60 > 0 then 1 else 0 end) as bigint) as sellers"
    return " union all ".join(
        f"select as_of, '{level}' as level, {_name(level)} as name, {sellers}, {_sums(level, columns, groups)} "
        f"from attributes group by as_of, {_name(level)}"
        for level in LEVELS
    )


def _sums(level: str, columns: Collection[str], groups: Collection[tuple[str, str]]) -> str:
    asked = {level} | ({"peer"} if level in PEER_LEVELS else set())
    return ", ".join(
        f"cast({f'sum({c})' if {(g, c) for g in asked} & set(groups) else 'null'} as bigint) as {c}" for c in columns
    )


def rows_sql(groups: Collection[tuple[str, str]]) -> str:
    """Window rows with their groups' figures as `<group>_<column>`; `peer` is the finest group that is large enough."""
    figures = [f"coalesce({_finest(c) if g == 'peer' else f'f_{g}.{c}'}, 0) as {g}_{c}" for g, c in sorted(groups)]
    figures += [f"coalesce({_finest('sellers')}, 0) as peer_sellers", f"coalesce({_finest('name')}, '') as peer_group"]
    return f"select a.*, {', '.join(figures)} from attributes as a {' '.join(_join(level) for level in LEVELS)}"


def _name(level: str, table: str = "attributes") -> str:
    columns = [f"nullif({table}.{c}, '')" for c in LEVELS[level]]
    return f"concat_ws('{SEPARATOR}', {', '.join(columns)})" if columns else "''"


def _join(level: str) -> str:
    alias = f"f_{level}"
    same = f"{alias}.as_of = a.as_of and {alias}.name = {_name(level, 'a')}"
    known = " and a.category <> '' and a.fulfilment <> ''" if level in PEER_LEVELS[:-1] else ""
    return f"left join figures as {alias} on {alias}.level = '{level}' and {same}{known}"


def _finest(column: str) -> str:
    finer = " ".join(f"when f_{level}.sellers >= {MINIMUM_PEERS} then f_{level}.{column}" for level in PEER_LEVELS[:-1])
    return f"case {finer} else f_market.{column} end"
