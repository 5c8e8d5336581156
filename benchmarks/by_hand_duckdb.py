"""The feature rows as one would write them by hand in DuckDB: running sums, ASOF joins, integer seller numbers.

For what the benchmark's source holds and no more: no versions, returns, cases, ratings or appeals. Column names and
formulas are the project's, everything between the order lines and them is written anew.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from features.engine import connect, quoted
from features.peers import MEDIUM, MINIMUM_PEERS, SMALL
from features.table import Plan
from features.windows import quantity_of, span_of

CODES = 1_000_000

ORDERS = """
create table facts as
select seller, min(ordered_at_day) as ordered_day, cast(count(*) as integer) as units, sum(price_cents) as gross_cents,
    case when count(*) = count(sent) and count(shipped_at) > 0
        then greatest(max(sent_day), min(shipped_at_day)) end as shipped_day,
    cast(greatest(greatest(max(sent), min(shipped_at)) - min(ordered_at), 0) // 60000000 as integer) as handling,
    min(overdue_on) as overdue_day,
    case when count(overdue_on) > 0 and count(*) = count(sent) then max(sent_day) end as cleared_day,
    case when count(*) = count(settled) and count(delivered_at) > 0
        then greatest(max(settled_day), min(delivered_at_day)) end as delivered_day,
    cast(greatest(greatest(max(settled), min(delivered_at)) - min(ordered_at), 0) // 60000000 as integer) as delivery,
    case when count(*) = count(settled) then max(settled_day) end as closed_day,
    min(late_on) // 4 as late_day, min(late_on) % 4 as fault,
    min(cancelled_at_day) as cancelled_day,
    min(case when cancelled_by = 'seller' then cancelled_at_day end) as own_cancelled_day
from (select s.seller, o.*, least(shipped_at, cancelled_at) as sent,
        least(shipped_at_day, cancelled_at_day) as sent_day,
        least(delivered_at, cancelled_at) as settled, least(delivered_at_day, cancelled_at_day) as settled_day,
        case when least(shipped_at, cancelled_at) <= ship_by then null else ship_by_day end as overdue_on,
        case when least(delivered_at, cancelled_at) <= promised_at then null
            else promised_at_day * 4 + case when s.platform then 1
                when shipped_at <= ship_by and shipped_at <= promised_at then 2 else 0 end end as late_on
    from orders as o join numbered as s using (seller_id)) as lines
group by seller, order_id"""

DAYS = {  # what falls on one day of an order, and what it adds
    "ordered_day": "count(*) as ordered, sum(units) as units, sum(gross_cents) as gross_cents",
    "shipped_day": "count(*) as shipped, sum(handling) as handling_minutes",
    "overdue_day": "count(*) as overdue_to_ship",
    "cleared_day": "count(*) as overdue_cleared",
    "delivered_day": "count(*) as delivered, sum(delivery) as delivery_minutes",
    "delivered_day + 30": "count(*) as matured_delivered",
    "closed_day": "count(*) as closed",
    "late_day": """count(*) as late, count(*) filter (fault = 0) as late_seller_fault,
        count(*) filter (fault = 2) as late_carrier_fault, count(*) filter (fault = 1) as late_platform_fault""",
    "cancelled_day": "count(*) as cancelled",
    "own_cancelled_day": "count(*) as cancelled_by_seller",
    "least(late_day, own_cancelled_day)": "count(*) as service_failure",
    "least(case when fault = 0 then late_day end, own_cancelled_day)": "count(*) as service_failure_seller_fault",
}


def open_tables(typed: Path) -> duckdb.DuckDBPyConnection:
    """The typed tables that intake makes, in memory."""
    con = connect()
    for name in ("orders", "sellers"):
        con.execute(f"create table {name} as from read_parquet({quoted(typed / f'{name}.parquet')})")
    return con


def write_rows(con: duckdb.DuckDBPyConnection, needs: Plan, as_of: Sequence[int], ledger: Path, rows: Path) -> None:
    """Write the ledger and the feature rows."""
    for statement in statements(needs, as_of):
        con.execute(statement)
    named = "from ledger join numbered using (seller)"
    con.execute(f"copy (select seller_id, ledger.* exclude (seller) {named}) to {quoted(ledger)} (format parquet)")
    con.execute(f"copy ({rows_sql(needs)}) to {quoted(rows)} (format parquet)")


def statements(needs: Plan, as_of: Sequence[int]) -> list[str]:
    """Everything up to the tables that the rows are put together from."""
    return [
        """create table numbered as select cast(row_number() over (order by seller_id) as integer) as seller, seller_id,
            region, fulfilment, coalesce(fulfilment = 'platform', false) as platform from sellers""",
        ORDERS,
        ledger_sql(),
        running_sql(needs),
        f"create table as_of_days as select unnest({list(as_of)}) as as_of",
        """create table grid as select seller, as_of, first_ordered
            from (select seller, min(day) as first_day, min(day) filter (ordered > 0) as first_ordered
                from ledger group by seller) as s
            join as_of_days on as_of >= first_day""",
        windows_sql(needs),
        *(sql for name, column in (("category", "category"), ("item", "item_id")) for sql in _leading(name, column)),
        attributes_sql(),
        figures_sql(needs),
    ]


def ledger_sql() -> str:
    """Sums per seller and day: each kind of day summed alone, then put together."""
    daily = " union all by name ".join(
        f"select seller, {day} as day, {sums} from facts where {day} is not null group by all"
        for day, sums in DAYS.items()
    )
    names = [name for sums in DAYS.values() for name in _named(sums)]
    sums = ", ".join(f"cast(coalesce(sum({name}), 0) as bigint) as {name}" for name in names)
    return f"create table ledger as select seller, day, {sums} from ({daily}) as d group by seller, day"


def _named(sums: str) -> list[str]:
    return [part.split()[0].rstrip(",") for part in sums.split(" as ")[1:]]


def running_sql(needs: Plan) -> str:
    """Sums since a seller's first day."""
    quantities = sorted({quantity_of(c) for c in needs.windows})
    sums = ", ".join(f"cast(sum({q}) over since_ever as bigint) as {q}" for q in quantities)
    return f"""create table running as select seller, day, {sums} from ledger
        window since_ever as (partition by seller order by day rows unbounded preceding)"""


def windows_sql(needs: Plan) -> str:
    """Window sums: the running sums at the as-of day minus those at the day before the window."""
    spans = sorted({span_of(c) for c in needs.windows} - {"all"})
    joins = " ".join(
        f"asof left join running as r{s} on r{s}.seller = g.seller and g.as_of - {s} >= r{s}.day" for s in spans
    )
    return f"""create table windows as select g.seller, g.as_of,
            case when g.as_of >= first_ordered then g.as_of - first_ordered end as tenure_days,
            {", ".join(f"{_difference(c)} as {c}" for c in sorted(needs.windows))}
        from grid as g asof join running as r on r.seller = g.seller and g.as_of >= r.day {joins}
        where g.as_of - r.day < 400"""


def _difference(column: str) -> str:
    quantity, span = quantity_of(column), span_of(column)
    return f"r.{quantity}" if span == "all" else f"r.{quantity} - coalesce(r{span}.{quantity}, 0)"


def _leading(name: str, column: str) -> list[str]:
    """The value with most of a seller's lines up to each as-of day; of equals the last by name."""
    since_ever = "order by as_of rows unbounded preceding"
    return [
        f"""create table {name}_codes as select {column} as {name}, row_number() over (order by {column}) as code
            from (select distinct {column} from orders where {column} is not null) as d""",
        f"""create table {name}_leads as
            select seller, as_of, max(score) over (partition by seller {since_ever}) % {CODES} as code
            from (select seller, as_of, max(score) as score
                from (select seller, as_of,
                        sum(lines) over (partition by seller, code {since_ever}) * {CODES} + code as score
                    from (select n.seller, c.code, d.as_of, cast(count(*) as bigint) as lines
                        from orders as o join numbered as n using (seller_id)
                        join {name}_codes as c on c.{name} = o.{column}
                        join (select day, min(as_of) as as_of from (select unnest(range(min(ordered_at_day),
                                max(ordered_at_day) + 1)) as day from orders) as days
                            join as_of_days on as_of >= day group by day) as d on d.day = o.ordered_at_day
                        group by all) as weekly) as scored
                group by all) as best""",
    ]


def attributes_sql() -> str:
    """Window rows with the attributes of their sellers."""
    return f"""create table attributes as select w.*, n.seller_id, coalesce(c.category, '') as category,
            coalesce(i.item, '') as item, coalesce(n.region, '') as region, coalesce(n.fulfilment, '') as fulfilment,
            case when ordered_60 < {SMALL} then 'small' when ordered_60 < {MEDIUM} then 'medium' else 'large' end as size
        from windows as w join numbered as n using (seller)
        asof left join category_leads as cl on cl.seller = w.seller and w.as_of >= cl.as_of
        asof left join item_leads as il on il.seller = w.seller and w.as_of >= il.as_of
        left join category_codes as c on c.code = cl.code left join item_codes as i on i.code = il.code"""


LEVELS = {
    "market": (),
    "category": ("category",),
    "item": ("item",),
    "region": ("region",),
    "fulfilment": ("category", "fulfilment"),
    "size": ("category", "fulfilment", "size"),
}


def figures_sql(needs: Plan) -> str:
    """Every group's sums of window columns, all levels in one pass."""
    columns = sorted({c for _, c in needs.groups})
    sums = ", ".join(f"cast(sum({c}) as bigint) as {c}" for c in columns)
    sets = ", ".join(f"({', '.join(('as_of', *keys))})" for keys in LEVELS.values())
    return f"""create table figures as select as_of, category, item, region, fulfilment, size,
            grouping(category, item, region, fulfilment, size) as level,
            count(*) filter (ordered_60 > 0) as sellers, {sums}
        from attributes group by grouping sets ({sets})"""


def rows_sql(needs: Plan) -> str:
    """Window rows with their groups' figures and the formulas."""
    figures = ", ".join(f"{_figure(g, c)} as {g}_{c}" for g, c in sorted(needs.groups))
    name = " when ".join(
        f"{level}.sellers >= {MINIMUM_PEERS} then concat_ws(' · ', {', '.join(f'''nullif(a.{k}, '')''' for k in keys)})"
        for level, keys in (("size", LEVELS["size"]), ("fulfilment", LEVELS["fulfilment"]), ("category", ("category",)))
    )
    rows = f"""select a.* exclude (seller), {figures}, {_figure("peer", "sellers")} as peer_sellers,
            case when {name} else '' end as peer_group
        from attributes as a {" ".join(_join(level, keys) for level, keys in LEVELS.items())}"""
    active = "case when ordered_28 > 0 or ordered_all > closed_all then 1 else 0 end as active"
    return f"select r.*, {active}, {', '.join(f'{f.formula} as {f.name}' for f in needs.features)} from ({rows}) as r"


def _figure(group: str, column: str) -> str:
    if group != "peer":
        return f'"{group}".{column}'
    finest = " ".join(
        f"when {g}.sellers >= {MINIMUM_PEERS} then {g}.{column}" for g in ("size", "fulfilment", "category")
    )
    return f"case {finest} else market.{column} end"


def _join(level: str, keys: Iterable[str]) -> str:
    absent = "".join("0" if k in keys else "1" for k in ("category", "item", "region", "fulfilment", "size"))
    same = "".join(f" and {level}.{k} = a.{k}" for k in keys)
    return f"join figures as {level} on {level}.level = {int(absent, 2)} and {level}.as_of = a.as_of{same}"
