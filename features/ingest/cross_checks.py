"""Checks on rows of a table together, and on rows that refer to others; the same SQL on both engines.

In this order: renamed sellers get their new id, lines that are no sales are set aside, rows that share a key without
being versions of one row stop the run, rows that differ with nothing to order them go to quarantine, copies count once,
and rows that refer to nothing go to quarantine. What is odd but has a meaning stays, and is counted.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from core.errors import ForesellError
from core.sql_text import quoted
from core.words import count_of
from features.engines.duckdb import Engine
from features.ingest.checks import is_repeated, repeated
from features.ingest.column_parsers import DAY_MICROS, Zones
from features.ingest.contract import NO_SALES, TABLES, Table
from features.ingest.far_days import find_usual_days, is_far

UNKNOWN_LINE = "refers to no order line"
DIFFERENT = "rows of one key differ, and nothing orders them"
OTHER_SELLER = "names an order of another seller"
SHOWN = 3  # examples in an error
DEADLINES = ("ship_by", "promised_at")
DESCRIBED = ("orders", "cases", "feedback", "returns", "sellers")  # tables of which odd rows are counted
EVENTS = ("shipped_at", "delivered_at", "cancelled_at")


@dataclass(frozen=True)
class TableEditor:
    """How an engine changes a typed table: `remove` the rows of a condition, `replace` it by a query over it."""

    con: Engine
    remove: Callable[[str, str], None]
    replace: Callable[[str, str], None]
    drop_copies: Callable[[Table], int]


@dataclass(frozen=True)
class CheckedCounts:
    """Rows by table: copies dropped, lines that are no sales, rows kept although something about them is odd, and
    rows of days far from the rest, with the names of these days."""

    duplicates: Mapping[str, int]
    not_sales: Mapping[str, int]
    noted: Mapping[str, Mapping[str, int]]
    far: Mapping[str, int]
    far_days: tuple[str, ...]


def check_across(editor: TableEditor, available: frozenset[str], zones: Zones, all_days: bool) -> CheckedCounts:
    """Run all checks on the typed tables; ForesellError names all faults that stop the run.

    all_days: keep days far from the rest too, because the caller names the last day.
    """
    tables = [TABLES[name] for name in TABLES if name in available]
    merged = _rename_sellers(editor, tables) if "aliases" in available else 0
    _refuse(editor.con, tables, available, zones)
    not_sales = _set_aside(editor) if "orders.kind" in available else {}
    duplicates = {
        table.name: drop_repeated(editor, table, several_of(table) if table.fixed else "") for table in tables
    }
    duplicates["sellers"] = duplicates.get("sellers", 0) + merged
    for name in (t.name for t in tables if t.name in ("returns", "cases", "feedback")):
        take_wrong_references(editor, name)
    noted = {table.name: _noted(editor.con, table.name) for table in tables}
    return CheckedCounts(duplicates, not_sales, noted, *(({}, ()) if all_days else _hold_far(editor, tables)))


def check_arrived(editor: TableEditor, available: frozenset[str], zones: Zones) -> CheckedCounts:
    """The checks on the rows of a delivery alone; what they refer to may have come before, or come later."""
    tables = [TABLES[name] for name in TABLES if name in available]
    _refuse(editor.con, tables, available, zones)
    not_sales = _set_aside(editor) if "orders.kind" in available else {}
    duplicates = {
        table.name: drop_repeated(editor, table, several_of(table) if table.fixed else "") for table in tables
    }
    return CheckedCounts(duplicates, not_sales, {}, {}, ())


def delivery_faults(con: Engine, rows: Mapping[str, str]) -> list[ForesellError]:
    """The faults of stored and new rows together, by the table that they belong to."""
    faults = [fault for name, both in rows.items() for fault in collisions(con, TABLES[name], both)]
    return faults or [fault for name, both in rows.items() for fault in _changed(con, TABLES[name], both)]


def _changed(con: Engine, table: Table, rows: str) -> list[ForesellError]:
    """The fault that a new row differs from a stored one of the same key and version."""
    key, names = ", ".join(table.version_key), ", ".join(table.typed)
    different = f"""select {", ".join(table.key)}, count(*) over () as n from (select distinct {names} from {rows} as r)
group by {key} having count(*) > 1 order by 1 limit {SHOWN}"""
    found = con.execute(different).fetchall()
    if not found:
        return []
    step = "give each change its recorded_at, or build from the folder and say in source.toml how versions are ordered"
    shown = ", ".join("/".join(map(str, row[:-1])) for row in found)
    rule = f"A row of {table.name!r} that was added before may only change with another recorded_at."
    return [ForesellError(rule, f"{count_of(found[0][-1], 'row')} that differ, such as {shown}", step)]


def no_line(table: str) -> str:
    """The condition that a row refers to no order line."""
    return f"""not exists (select 1 from orders
where orders.order_id = {table}.order_id and orders.line_id = {table}.line_id)"""


def of_other_seller(table: str) -> str:
    """The condition that a row names an order that has lines, none of them of the row's seller."""
    line = f"select 1 from orders where orders.order_id = {table}.order_id"
    return f"exists ({line}) and not exists ({line} and orders.seller_id = {table}.seller_id)"


def quarantined(table: str, column: str, rule: str, value: str, condition: str) -> str:
    """A select of the quarantine entries of the rows of a condition; a row is named by its key."""
    key = f"concat_ws('/', {', '.join(TABLES[table].key)})"
    seller = "seller_id" if "seller_id" in TABLES[table].typed else "cast(null as varchar)"
    return f"""select {quoted(table)} as table_name, cast(null as varchar) as file, {key} as row,
{quoted(column)} as column_name, {quoted(rule)} as rule, cast({value} as varchar) as value, {seller} as seller_id
from {table} where {condition}"""


def take(editor: TableEditor, table: str, column: str, rule: str, value: str, condition: str) -> None:
    """Move the rows of a condition to quarantine."""
    if editor.con.execute(f"select count(*) from {table} where {condition}").fetchall()[0][0]:
        editor.con.execute(f"insert into quarantine {quarantined(table, column, rule, value, condition)}")
        editor.remove(table, condition)


def drop_repeated(editor: TableEditor, table: Table, among: str = "") -> int:
    """Count equal rows of a key and version once; if they differ, all of them go to quarantine: none is known right.

    among: a table with all keys of several rows, if it is known. Returns the number of copies that were dropped.
    """
    con, key = editor.con, ", ".join(table.version_key)
    con.execute(f"create or replace table doubled as {repeated(table, _has_key(table, among) if among else 'true')}")
    if con.execute("select count(*) from doubled").fetchall()[0][0]:
        rows = f"select distinct * from {table.name} where {is_repeated(table)}"
        different = f"select {key} from ({rows}) as r group by {key} having count(*) > 1"
        con.execute(f"create or replace table different as {different}")
        condition = is_repeated(table).replace("doubled", "different")
        take(editor, table.name, table.key[-1], DIFFERENT, f"concat_ws('/', {', '.join(table.key)})", condition)
        return editor.drop_copies(table)
    return 0


def take_wrong_references(editor: TableEditor, name: str) -> None:
    """Move returns of no order line, and cases and ratings that name an order of another seller, to quarantine."""
    if name == "returns":
        take(editor, name, "line_id", UNKNOWN_LINE, "concat_ws('/', order_id, line_id)", no_line(name))
    else:
        take(editor, name, "order_id", OTHER_SELLER, "order_id", of_other_seller(name))


def _refuse(con: Engine, tables: Iterable[Table], available: frozenset[str], zones: Zones) -> None:
    """ForesellError with every fault that stops the run whatever its share."""
    faults = [fault for table in tables for fault in collisions(con, table)]
    faults += _currencies(con) if "orders.currency" in available else []
    faults += [fault for name in DEADLINES for fault in _midnights(con, name, available, zones)]
    refuse_all(faults)


def refuse_all(faults: list[ForesellError]) -> None:
    """One ForesellError for several faults; nothing without any."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        each = "; ".join(f"{number}) {fault.rule} {fault.found}" for number, fault in enumerate(faults, 1))
        steps = "; ".join(f"{number}) {fault.next_step}" for number, fault in enumerate(faults, 1))
        raise ForesellError(f"The data must not have any of these {len(faults)} faults.", each, steps)


def collisions(con: Engine, table: Table, rows: str = "") -> list[ForesellError]:
    """The fault that rows share a key but not what all versions of a row share, such as the seller of an order."""
    if not table.fixed:
        return []
    source, key = rows or table.name, ", ".join(table.key)
    same = " or ".join(f"min({c}) is distinct from max({c})" for c in table.typed_fixed)
    several = several_of(table)  # few keys, so that the rest is fast
    con.execute(
        f"create or replace table {several} as select {key} from {source} as r group by {key} having count(*) > 1"
    )
    found = f"select {key}, count(*) over () as n from {source} as {table.name} where {_has_key(table, several)}"
    keys = con.execute(f"{found} group by {key} having {same} order by {key} limit {SHOWN}").fetchall()
    if not keys:
        return []
    shown = "; ".join(_collision(con, table, source, row[:-1]) for row in keys)
    what = " and ".join(table.fixed)
    return [
        ForesellError(
            f"Rows of {table.name!r} with the same {' and '.join(table.key)} must have the same {what}.",
            f"{count_of(keys[0][-1], 'key')} of which this is not so, such as {shown}",
            f"give the {table.key[0]} of each shop or source a prefix of its own, so that no two rows share it",
        )
    ]


def several_of(table: Table) -> str:
    """The name of the table with the keys of several rows, which `collisions` makes."""
    return f"several_{table.name}"


def _has_key(table: Table, among: str) -> str:
    """The condition that a row's key is in a table of keys."""
    return f"exists (select 1 from {among} where {' and '.join(f'{among}.{k} = {table.name}.{k}' for k in table.key)})"


def _collision(con: Engine, table: Table, source: str, key: tuple[object, ...]) -> str:
    """Two rows of a key, with the columns that must agree."""
    columns = ", ".join(_shown(table, name) for name in table.fixed)
    where = " and ".join(f"{name} = ?" for name in table.key)
    rows = con.execute(f"select distinct {columns} from {source} where {where} order by all limit 2", [*key]).fetchall()
    pairs = [", ".join(f"{name} {value}" for name, value in zip(table.fixed, row, strict=True)) for row in rows]
    return f"{'/'.join(map(str, key))}: {' beside '.join(pairs)}"


def _shown(table: Table, name: str) -> str:
    column = table.column(name)
    typed = next(iter(column.typed))
    return f"cast(make_timestamp({typed}) as varchar)" if column.kind == "time" else typed


def _currencies(con: Engine) -> list[ForesellError]:
    rows = con.execute("""select currency, count(*) as n from orders where currency is not null
group by currency order by n desc, currency""").fetchall()
    if len(rows) < 2:
        return []
    found = ", ".join(f"{name} ({count_of(n, 'line')})" for name, n in rows)
    step = "import each currency as a marketplace of its own, or convert the amounts before"
    return [ForesellError("The orders of a marketplace must have one currency.", found, step)]


def _midnights(con: Engine, name: str, available: frozenset[str], zones: Zones) -> list[ForesellError]:
    """The fault that all times of a deadline are midnights, and the source does not say whether they mean days."""
    if f"orders.{name}" not in available or zones.dates is not None:
        return []
    local = f"from_utc_timestamp(make_timestamp({name}), {quoted(zones.times or zones.market)})"
    midnight = f"{name} % {DAY_MICROS} = 0 or cast(cast({local} as date) as timestamp) = {local}"
    times, others = con.execute(f"""select count({name}), count(case when not ({midnight}) then 1 end)
from orders""").fetchall()[0]
    if not times or others:
        return []
    return [
        ForesellError(
            f"The source must say whether orders.{name} holds days, because all of its times are midnights.",
            f"{count_of(times, 'time')}, each at 00:00",
            f'add [orders] and date_only = ["{name}"] to source.toml if it means the end of that day, '
            "or date_only = [] if it means midnight",
        )
    ]


def _set_aside(editor: TableEditor) -> dict[str, int]:
    """Remove lines that are no sales, and the rows about orders without any sale; returns how many of each table."""
    con = editor.con
    chosen = f"kind in ({', '.join(map(quoted, NO_SALES))})"
    con.execute(f"create or replace table other_lines as select distinct order_id, line_id from orders where {chosen}")
    sales = f"select order_id from orders where kind is null or not {chosen}"
    con.execute(f"""create or replace table other_orders as
select distinct order_id from other_lines where order_id not in ({sales})""")
    of_line = "exists (select 1 from other_lines as l where l.order_id = {0}.order_id and l.line_id = {0}.line_id)"
    of_order = "exists (select 1 from other_orders as l where l.order_id = {0}.order_id)"
    conditions = {"orders": of_line, "returns": of_line, "cases": of_order, "feedback": of_order}
    return {name: _removed(editor, name, sql.format(name)) for name, sql in conditions.items()}


def _removed(editor: TableEditor, table: str, condition: str) -> int:
    count = int(editor.con.execute(f"select count(*) from {table} where {condition}").fetchall()[0][0])
    if count:
        editor.remove(table, condition)
    return count


def _rename_sellers(editor: TableEditor, tables: Iterable[Table]) -> int:
    """Give renamed and merged sellers their newest id in every table; returns the rows of `sellers` that merged."""
    newest = newest_ids(dict(editor.con.execute("select old_seller_id, new_seller_id from aliases").fetchall()))
    if not newest:
        return 0
    rows = " union all ".join(f"select {quoted(a)} as old_id, {quoted(b)} as new_id" for a, b in newest.items())
    editor.con.execute(f"create or replace table renamed as {rows}")
    gone = _described_twice(editor.con, newest)
    merged = _removed(editor, "sellers", f"seller_id in ({', '.join(map(quoted, gone))})") if gone else 0
    for table in (t for t in tables if "seller_id" in t.typed):
        new = {"seller_id": "coalesce(r.new_id, t.seller_id) as seller_id"}
        columns = ", ".join(new.get(name, f"t.{name}") for name in table.typed)
        editor.replace(
            table.name, f"select {columns} from {table.name} as t left join renamed as r on r.old_id = t.seller_id"
        )
    return merged


def _described_twice(con: Engine, newest: Mapping[str, str]) -> list[str]:
    """The old ids whose row of `sellers` goes: the row of the newest id stays, or else that of the smallest old id."""
    present = {str(row[0]) for row in con.execute("select distinct seller_id from sellers").fetchall()}
    groups: dict[str, list[str]] = {}
    for old in sorted({*newest} & present):
        groups.setdefault(newest[old], []).append(old)
    return [old for new, olds in groups.items() for old in (olds if new in present else olds[1:])]


def newest_ids(aliases: Mapping[str, str]) -> dict[str, str]:
    """For each old id the last id of its chain; ForesellError for a chain that returns to itself."""
    out = {}
    for old in aliases:
        new, seen = aliases[old], [old]
        while new in aliases:
            seen.append(new)
            if aliases[new] in seen:
                chain = " to ".join([*seen, aliases[new]])
                raise ForesellError("A seller must not be renamed to itself.", chain, "remove one of these aliases")
            new = aliases[new]
        out[old] = new
    return out


def _hold_far(editor: TableEditor, tables: Iterable[Table]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Keep the rows of days far from the rest in tables of their own."""
    usual = find_usual_days(editor.con)
    if usual is None or not usual.outside:
        return {}, ()
    return {table.name: _hold(editor, table.name, is_far(table.name, usual)) for table in tables}, usual.named


def _hold(editor: TableEditor, table: str, condition: str) -> int:
    editor.con.execute(f"create or replace table far_{table} as select * from {table} where {condition}")
    return _removed(editor, table, condition)


def _noted(con: Engine, name: str) -> dict[str, int]:
    """The rows that stay although something about them is odd, by what it is."""
    if name not in DESCRIBED:
        return {}
    conditions = oddities(name)
    sums = ", ".join(f"count(case when {sql} then 1 end)" for sql in conditions.values())
    counts = con.execute(f"select {sums} from {_with_lookups(name)} as t").fetchall()[0]
    return {what: int(n) for what, n in zip(conditions, counts, strict=True) if n}


def oddities(name: str) -> dict[str, str]:
    """What may be odd about the rows of a table, as conditions over the rows with what they refer to."""
    if name == "orders":
        early = {f"{event} before ordered_at": f"t.{event}_day < t.ordered_at_day" for event in EVENTS}
        return {**early, "seller_id that the table sellers lacks": "t.known_seller is null"}
    if name == "returns":
        return {"opened_at before ordered_at": "t.opened_at_day < t.ordered_at_day"}
    if name in ("cases", "feedback"):
        lost = {"order_id that the table orders lacks": "t.order_id is not null and t.known_order is null"}
        return {**lost, "seller_id that the table sellers lacks": "t.known_seller is null"}
    return {"seller_id that differs from another by leading zeros only": "t.twins > 1"}


def _with_lookups(name: str) -> str:
    sellers = "(select distinct seller_id as known_seller from sellers) as s on s.known_seller = x.seller_id"
    if name == "sellers":
        bare = "ltrim(seller_id, '0')"
        twins = f"select {bare} as bare, count(distinct seller_id) as twins from sellers group by {bare}"
        return f"(select x.*, w.twins from sellers as x join ({twins}) as w on w.bare = ltrim(x.seller_id, '0'))"
    if name == "orders":
        return f"(select x.*, s.known_seller from orders as x left join {sellers})"
    orders = "(select order_id as known_order, min(ordered_at_day) as ordered_at_day from orders group by order_id)"
    order = f"left join {orders} as o on o.known_order = x.order_id"
    if name == "returns":
        return f"(select x.opened_at_day, o.ordered_at_day from returns as x {order})"
    return f"(select x.order_id, o.known_order, s.known_seller from {name} as x {order} left join {sellers})"
