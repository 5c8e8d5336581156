"""The feature rows as one would write them by hand in DuckDB: running sums, ASOF joins, integer seller numbers.

For what the benchmark's source holds and no more: no versions, returns, cases, ratings or appeals. Column names and
formulas are the project's; everything between the order lines and them is written anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from core.packed_keys import EARLIEST
from core.sql_text import quoted
from features.columns.peers import MEDIUM, MINIMUM_PEERS, SEPARATOR, SMALL
from features.columns.windows import LONGEST_SPAN, quantity_of, span_of
from features.engines.duckdb import connect
from features.ledger.quantities import FIRST_STOCK_DAYS, NEW_CATEGORY_DAYS, NEW_ITEM_DAYS, PERIOD_DAYS, PERIODS_WITHOUT
from features.table import Plan

CODES = 1_000_000
# Groups of DuckDB's own size take half as long again to write, dictionaries of more values than this a sixth.
PARQUET = "(format parquet, row_group_size 30_720, dictionary_size_limit 1_000)"

NUMBERED = """
create table numbered as select cast(row_number() over (order by seller_id) as integer) as seller, seller_id,
    region, fulfilment, coalesce(fulfilment = 'platform', false) as platform from sellers"""

FACTS = """
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

NOVEL = f"""
create table novel as
with lines as (select s.seller, order_id, item_id, category, ordered_at_day as day
    from orders as o join numbered as s using (seller_id)),
began as (select seller, min(day) + {FIRST_STOCK_DAYS} as stocked from lines group by seller),
items as (select seller, item_id, min(day) as item_day from lines join began using (seller)
    group by seller, item_id having min(day) >= min(stocked)),
firsts as (select seller, category, (day + {EARLIEST}) // {PERIOD_DAYS} as period, min(day) as category_day
    from lines group by all),
pauses as (select *, period - lag(period) over (partition by seller, category order by period) as gap from firsts),
categories as (select seller, category, category_day from pauses join began using (seller)
    where category_day >= stocked and coalesce(gap > {PERIODS_WITHOUT}, true))
select lines.seller, min(day) filter (day < item_day + {NEW_ITEM_DAYS}) as new_item_day,
    min(day) filter (category_day is not null) as new_category_day
from lines left join items using (seller, item_id)
left join categories as c on c.seller = lines.seller and c.category = lines.category
    and day >= category_day and day < category_day + {NEW_CATEGORY_DAYS}
where item_day is not null or category_day is not null group by lines.seller, order_id"""

NOVELTIES: Mapping[str, Mapping[str, str]] = {  # the same for orders of what is new to the seller
    "new_item_day": {"new_item_orders": "true"},
    "new_category_day": {"new_category_orders": "true"},
}
EVENTS: Mapping[str, Mapping[str, str]] = {  # what falls on one day of an order, and what it adds
    "ordered_day": {"ordered": "true", "units": "units", "gross_cents": "gross_cents"},
    "shipped_day": {"shipped": "true", "handling_minutes": "handling"},
    "overdue_day": {"overdue_to_ship": "true"},
    "cleared_day": {"overdue_cleared": "true"},
    "case when overdue_day <= shipped_day then shipped_day end": {"overdue_shipped": "true"},
    "case when overdue_day <= own_cancelled_day then own_cancelled_day end": {"overdue_cancelled": "true"},
    "delivered_day": {"delivered": "true", "delivery_minutes": "delivery"},
    "delivered_day + 30": {"matured_delivered": "true"},
    "closed_day": {"closed": "true"},
    "late_day": {
        "late": "true",
        "late_seller_fault": "nullif(fault = 0, false)",
        "late_platform_fault": "nullif(fault = 1, false)",
        "late_carrier_fault": "nullif(fault = 2, false)",
    },
    "cancelled_day": {"cancelled": "true"},
    "own_cancelled_day": {"cancelled_by_seller": "true"},
    "least(late_day, own_cancelled_day)": {"service_failure": "true"},
    "least(case when fault = 0 then late_day end, own_cancelled_day)": {"service_failure_seller_fault": "true"},
}
AMOUNTS = ("units", "gross_cents", "handling_minutes", "delivery_minutes")

LEVELS: Mapping[str, Sequence[str]] = {
    "market": (),
    "category": ("category",),
    "item": ("item",),
    "region": ("region",),
    "fulfilment": ("category", "fulfilment"),
    "size": ("category", "fulfilment", "size"),
}
PEERS = ("size", "fulfilment", "category")  # finest first


def open_tables(typed: Path) -> duckdb.DuckDBPyConnection:
    """The typed tables that intake makes, in memory."""
    con = connect()
    for name in ("orders", "sellers"):
        con.execute(f"create table {name} as from read_parquet({quoted(typed / f'{name}.parquet')})")
    return con


def write_rows(con: duckdb.DuckDBPyConnection, needs: Plan, as_of: Sequence[int], out: Path) -> None:
    """Write ledger.parquet and rows.parquet."""
    for statement in statements(needs, as_of):
        con.execute(statement)
    named = "select seller_id, ledger.* exclude (seller) from ledger join numbered using (seller)"
    for name, query in {"ledger": named, "rows": rows_sql(needs)}.items():
        con.execute(f"copy ({query}) to {quoted(out / f'{name}.parquet')} {PARQUET}")


def statements(needs: Plan, as_of: Sequence[int]) -> list[str]:
    """Everything up to the tables that the rows are put together from."""
    return [
        NUMBERED,
        FACTS,
        NOVEL,
        ledger_sql(),
        running_sql(needs),
        f"create table as_of_days as select cast(unnest({list(as_of)}) as integer) as as_of",
        """create table grid as select seller, as_of, first_day,
                case when as_of >= first_ordered then as_of - first_ordered end as tenure_days
            from (select seller, min(day) as first_day, min(day) filter (ordered > 0) as first_ordered
                from ledger group by seller) as s
            join as_of_days on as_of >= first_day""",
        cuts_sql(needs),
        windows_sql(needs),
        *(leading_sql(name, column) for name, column in (("category", "category"), ("item", "item_id"))),
        attributes_sql(needs),
        figures_sql(needs),
    ]


def ledger_sql() -> str:
    """Sums per seller and day of everything that falls on some day of an order."""
    events = " union all by name ".join(
        f"select seller, {day} as day, {', '.join(f'{sql} as {name}' for name, sql in adds.items())} "
        f"from {table} where {day} is not null"
        for table, falling in (("facts", EVENTS), ("novel", NOVELTIES))
        for day, adds in falling.items()
    )
    sums = ", ".join(
        f"cast(coalesce(sum({name}), 0) as bigint) as {name}" if name in AMOUNTS else f"count({name}) as {name}"
        for adds in (*EVENTS.values(), *NOVELTIES.values())
        for name in adds
    )
    return f"create table ledger as select seller, day, {sums} from ({events}) as e group by seller, day"


def running_sql(needs: Plan) -> str:
    """Sums since a seller's first day."""
    quantities = sorted({quantity_of(c) for c in needs.windows})
    sums = ", ".join(f"cast(sum({q}) over since_ever as bigint) as {q}" for q in quantities)
    return f"""create table running as select seller, day, day as last_day, {sums} from ledger
        window since_ever as (partition by seller order by day rows unbounded preceding)"""


def cuts_sql(needs: Plan) -> str:
    """The running sums on every day at which some window opens or closes, by one ASOF join."""
    spans = {0, *(int(span_of(c)) for c in needs.windows if span_of(c) != "all")}
    days = " union ".join(f"select as_of - {span} as day from as_of_days" for span in sorted(spans))
    return f"""create table cuts as select s.seller, c.day, r.* exclude (seller, day)
        from (select distinct seller, first_day from grid) as s join ({days}) as c on c.day >= s.first_day
        asof join running as r on r.seller = s.seller and c.day >= r.day"""


def windows_sql(needs: Plan) -> str:
    """Window sums: the running sums at the as-of day minus those at the day before the window."""
    joins = " ".join(
        f"""left join (select *, day + {span} as as_of from cuts where day in (select as_of - {span} from as_of_days))
            as r{span} on r{span}.seller = g.seller and r{span}.as_of = g.as_of"""
        for span in sorted({span_of(c) for c in needs.windows} - {"all"})
    )
    return f"""create table windows as select g.seller, g.as_of, g.tenure_days,
            {", ".join(f"{_difference(c)} as {c}" for c in sorted(needs.windows))}
        from grid as g join cuts as r on r.seller = g.seller and r.day = g.as_of {joins}
        where g.as_of - r.last_day < {LONGEST_SPAN}"""


def _difference(column: str) -> str:
    quantity, span = quantity_of(column), span_of(column)
    return f"r.{quantity}" if span == "all" else f"r.{quantity} - coalesce(r{span}.{quantity}, 0)"


def leading_sql(name: str, column: str) -> str:
    """The value with most of a seller's lines up to an as-of day, from then on; of equals the last by name."""
    since_ever = "order by as_of rows unbounded preceding"
    return f"""create table {name}_leads as
        with codes as (select value, row_number() over (order by value) as code
            from (select distinct {column} as value from orders where {column} is not null) as v),
        weekly as (select seller_id, {column} as value, as_of, count(*) as lines
            from orders as o asof join as_of_days as d on o.ordered_at_day <= d.as_of group by all),
        scored as (select seller_id, as_of, max(score) as score
            from (select seller_id, as_of,
                    sum(lines) over (partition by seller_id, code {since_ever}) * {CODES} + code as score
                from weekly join codes using (value)) as s group by all),
        leads as (select seller_id, as_of,
                cast(max(score) over (partition by seller_id {since_ever}) % {CODES} as bigint) as code
            from scored)
        select n.seller, l.as_of, c.value as {name}
        from leads as l join codes as c using (code) join numbered as n using (seller_id)"""


def attributes_sql(needs: Plan) -> str:
    """Window rows with the attributes of their sellers, and the days since something last happened."""
    since = "".join(f", w.as_of - {name}.day as {name}" for name in sorted(needs.since))
    last = " ".join(
        f"asof left join (select seller, day from ledger where {name.removeprefix('since_')} > 0) as {name} "
        f"on {name}.seller = w.seller and w.as_of >= {name}.day"
        for name in sorted(needs.since)
    )
    size = f"when ordered_60 < {SMALL} then 'small' when ordered_60 < {MEDIUM} then 'medium'"
    return f"""create table attributes as select w.*, n.seller_id, coalesce(c.category, '') as category,
            coalesce(i.item, '') as item, coalesce(n.region, '') as region,
            coalesce(n.fulfilment, '') as fulfilment, case {size} else 'large' end as size,
            '' as worst_item, '' as troubled_item{since}
        from windows as w join numbered as n using (seller)
        asof left join category_leads as c on c.seller = w.seller and w.as_of >= c.as_of
        asof left join item_leads as i on i.seller = w.seller and w.as_of >= i.as_of {last}"""


def figures_sql(needs: Plan) -> str:
    """Every group's sums of window columns, all levels in one pass."""
    sums = ", ".join(f"cast(sum({c}) as bigint) as {c}" for c in sorted({c for _, c in needs.groups}))
    sets = ", ".join(f"({', '.join(('as_of', *keys))})" for keys in LEVELS.values())
    return f"""create table figures as select as_of, {", ".join(LEVELS["size"])}, item, region,
            grouping(category, item, region, fulfilment, size) as level,
            count(*) filter (ordered_60 > 0) as sellers, {sums}
        from attributes group by grouping sets ({sets})"""


def rows_sql(needs: Plan) -> str:
    """Window rows with their groups' figures and the formulas."""
    figures = ", ".join(f"{_figure(g, c)} as {g}_{c}" for g, c in sorted(needs.groups))
    names = [f"concat_ws('{SEPARATOR}', {', '.join(f'a.{k}' for k in LEVELS[level])})" for level in PEERS]
    rows = f"""select a.* exclude (seller), {figures}, {_figure("peer", "sellers")} as peer_sellers,
            {_finest([*names, "''"])} as peer_group
        from attributes as a {" ".join(_join(level, keys) for level, keys in LEVELS.items())}"""
    active = "case when ordered_28 > 0 or ordered_all > closed_all then 1 else 0 end as active"
    return f"select r.*, {active}, {', '.join(f'{f.formula} as {f.name}' for f in needs.features)} from ({rows}) as r"


def _figure(group: str, column: str) -> str:
    return _finest([f"{level}.{column}" for level in (*PEERS, "market")]) if group == "peer" else f"{group}.{column}"


def _finest(values: Sequence[str]) -> str:
    """The value of the finest peer group that is large enough; the last where none is."""
    cases = " ".join(
        f"when {level}.sellers >= {MINIMUM_PEERS} then {value}" for level, value in zip(PEERS, values, strict=False)
    )
    return f"case {cases} else {values[-1]} end"


def _join(level: str, keys: Iterable[str]) -> str:
    left_out = "".join("0" if k in keys else "1" for k in ("category", "item", "region", "fulfilment", "size"))
    same = "".join(f" and {level}.{k} = a.{k}" for k in keys)
    return f"join figures as {level} on {level}.level = {int(left_out, 2)} and {level}.as_of = a.as_of{same}"
