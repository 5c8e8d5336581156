"""A mapped source: its rows written as tables of the contract, and the rows that it could not split, kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from core.errors import ForesellError
from core.sql_text import quoted
from features.importing import expressions
from features.importing.expressions import (
    PATH,
    MappedValue,
    MappingContext,
    expression,
    read,
    row_conditions,
    unread_columns,
)
from features.importing.mapping import COLUMN, ColumnMapping, SourceMapping
from features.importing.raw_tables import (
    ADDRESSES,
    RawTable,
    check_columns,
    files_in,
    files_of,
    needs_rows,
    read_query,
    read_raw,
)
from features.ingest.checks import BROKEN_ROW
from features.ingest.contract import TABLES, Column, Table
from features.ingest.cross_checks import refuse_all
from features.ingest.source_settings import moment_of_file

FIRST, LAST = date(1990, 1, 1), date(2100, 1, 1)  # of the calendar of business days
BROKEN = "broken_rows"  # the table of rows that could not be split into columns


@dataclass(frozen=True)
class MappedRows:
    """What a mapping could not take: rows left out by what it says, and rows that were not split, by table."""

    left_out: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)


def write_mapped(
    con: duckdb.DuckDBPyConnection, source: str, mapping: SourceMapping, folder: Path, scratch: Path
) -> MappedRows:
    """Write every table of the mapping as Parquet; rows that could not be split are in the table `broken_rows`."""
    numbered = any(needs_rows(table) for table in mapping.tables.values())
    con.execute(f"set preserve_insertion_order = {str(numbered).lower()}")  # rows are numbered in the order of files
    con.execute(f"create table {BROKEN} (table_name varchar, file varchar, row varchar, value varchar)")
    raw = _opened(con, source, mapping, scratch)
    refuse_all([fault for name, one in raw.items() for fault in check_columns(name, mapping.tables[name], one)])
    rows = MappedRows()
    for name in sorted(raw, key=lambda table: table != "orders"):  # other tables look their lines up in the orders
        _write(con, TABLES[name], mapping, raw[name], folder)
        _count(con, name, mapping, raw[name], rows)
    if "sellers" not in raw:
        _derive_sellers(con, folder)
    return rows


def _opened(con: duckdb.DuckDBPyConnection, source: str, mapping: SourceMapping, scratch: Path) -> dict[str, RawTable]:
    """The rows of every table that the source has."""
    if source.startswith(ADDRESSES):
        return {name: read_query(con, name, table, source) for name, table in mapping.tables.items()}
    place, found = files_in(Path(source), scratch), {}
    for name, table in mapping.tables.items():
        if files := files_of(place, table, name):
            found[name] = read_raw(con, name, table, files, scratch)
    return found


def _write(con: duckdb.DuckDBPyConnection, table: Table, mapping: SourceMapping, raw: RawTable, folder: Path) -> None:
    sql, out = _select(con, table, mapping, raw, folder), folder / f"{table.name}.parquet"
    try:
        con.execute(f"copy ({sql}) to {quoted(out)} (format parquet)")
    except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.BinderException) as e:
        step = "correct the forms of this table's columns in the mapping"
        raise ForesellError(
            f"The mapping of [{table.name}] must fit its source.", str(e).split("\n")[0], step
        ) from None


def _select(con: duckdb.DuckDBPyConnection, table: Table, mapping: SourceMapping, raw: RawTable, folder: Path) -> str:
    """The rows of a table in the columns of the contract."""
    section = mapping.tables[table.name]
    context = MappingContext(section, mapping.zone, raw.named)
    values = {name: _value(table.column(name), one, context) for name, one in section.columns.items()}
    if table.name == "orders" and mapping.currency:
        values.setdefault("currency", MappedValue(quoted(mapping.currency)))
    if section.versions:
        values["recorded_at"] = _version(table, context, raw)
    joins = [_due_join(con, n, one, context, mapping.country) for n, one in section.columns.items() if one.plus]
    if any(one.of_order or one.of_item for one in section.columns.values()):
        items = "item_id" in mapping.tables["orders"].columns
        joins.append(_order_join(values["order_id"].sql, folder, items))
    kept = " and ".join(row_conditions(context).values()) or "true"
    each = ", ".join(f"{value.sql} as {read(name)}" for name, value in values.items())
    rows = f"select raw.*, {each} from {raw.relation} as raw {' '.join(joins)} where {kept}"
    columns = {name: read(name) for name in values} | unread_columns(values)
    shown = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    made = f"select {shown} from ({rows}) as rows"
    return _first_versions(table, made) if section.versions else made


def _value(column: Column, one: ColumnMapping, context: MappingContext) -> MappedValue:
    if one.of_item:
        item = context.text(one.of_item)
        return MappedValue(f"coalesce(lines.by_item[{item}], 'no line of ' || {item})")
    return MappedValue(f"lines.{column.name}") if one.of_order else expression(column, one, context)


def _order_join(order_id: str, folder: Path, items: bool) -> str:
    """The order lines of each order: the seller, the first line, and the first line of each item."""
    orders, item = quoted(folder / "orders.parquet"), "item_id" if items else "cast(null as varchar)"
    first = f"row_number() over (partition by order_id, {item} order by line_id) = 1 as first"
    entries = "list(row(item, line_id)) filter (where first and item is not null)"
    return f"""left join (select order_id, min(seller_id) as seller_id, min(line_id) as line_id,
map_from_entries({entries}) as by_item
from (select order_id, seller_id, line_id, {item} as item, {first} from {orders}) group by order_id) as lines
on lines.order_id = {order_id}"""


def _due_join(
    con: duckdb.DuckDBPyConnection, column: str, one: ColumnMapping, context: MappingContext, country: str
) -> str:
    """The days that each service level leads to, by the day it starts from."""
    name, counts = expressions.due_table(column), list(expressions.day_counts(one).values())
    days = [FIRST + timedelta(n) for n in range((LAST - FIRST).days)]
    columns = {f"due_{i}": _added(days, number, business, country) for i, (number, business) in enumerate(counts)}
    con.register(f"calendar_{name}", pa.table({"day": pa.array(days), **columns}))
    return f"left join calendar_{name} as {name} on {name}.day = {expressions.start_day(one, context)}"


def _added(days: Sequence[date], number: int, business: bool, country: str) -> pa.Array:
    """Each day plus a number of days, or of days that are neither weekend nor holiday."""
    if not business:
        return pa.array([day + timedelta(number) for day in days])
    free = _holidays(country)
    open_days = [day for day in days if day.weekday() < 5 and day not in free]
    due, place = list[date | None](), 0
    for day in days:
        while place < len(open_days) and open_days[place] <= day:
            place += 1
        at = place + number - 1
        due.append(open_days[at] if 0 <= at < len(open_days) else day if number == 0 else None)
    return pa.array(due, pa.date32())


def _holidays(country: str) -> frozenset[date]:
    """The public holidays of a country; none without one. ForesellError for an unknown country."""
    if not country:
        return frozenset()
    import holidays

    try:
        found = holidays.country_holidays(country, years=range(FIRST.year, LAST.year))
    except NotImplementedError:
        step = "write its code of two letters, such as FR"
        raise ForesellError("The country of business days must be known.", repr(country), step) from None
    return frozenset(found)


def _version(table: Table, context: MappingContext, raw: RawTable) -> MappedValue:
    """When a version of a row was recorded, as `versions` says."""
    rule, zone = context.table.versions, context.table.zone or context.market_zone
    if rule.startswith(COLUMN):
        recorded = ColumnMapping.model_validate({"from": rule.removeprefix(COLUMN)})
        return expression(table.column("recorded_at"), recorded, context)
    moments = {path.name: moment_of_file(path, rule, zone) for path in raw.files}
    cases = " ".join(f"when {quoted(name)} then {quoted(moment)}" for name, moment in moments.items())
    return MappedValue(f"case parse_filename({PATH}) {cases} end")


def _first_versions(table: Table, made: str) -> str:
    """The rows, the first version of each without `recorded_at`: it holds from the beginning."""
    key = ", ".join(table.key)
    first = f"recorded_at is not distinct from min(recorded_at) over (partition by {key})"
    return f"select * replace (case when not ({first}) then recorded_at end as recorded_at) from ({made})"


def _count(con: duckdb.DuckDBPyConnection, name: str, mapping: SourceMapping, raw: RawTable, rows: MappedRows) -> None:
    """Keep the rows that were not split, and count those that the mapping leaves out."""
    for prefix in raw.rejects:
        con.execute(f"""insert into {BROKEN} select distinct {quoted(name)}, file_path, cast(line as varchar), csv_line
from {prefix}_rows join {prefix}_files using (file_id, scan_id)""")
    count = con.execute(f"select count(*) from {BROKEN} where table_name = {quoted(name)}").fetchall()[0][0]
    if count:
        rows.broken[name] = int(count)
    conditions = row_conditions(MappingContext(mapping.tables[name], mapping.zone, raw.named))
    for what, number in _left_out(con, raw, conditions):
        rows.left_out[f"{what} ({name})"] = number


def _left_out(con: duckdb.DuckDBPyConnection, raw: RawTable, conditions: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The rows that the first unmet condition leaves out, by what they are called."""
    before = "true"
    for what, condition in conditions.items():
        sql = f"select count(*) from {raw.relation} as raw where {before} and not ({condition})"
        if number := int(con.execute(sql).fetchall()[0][0]):
            yield what, number
        before = f"{before} and {condition}"


def _derive_sellers(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    orders, out = (quoted(folder / f"{name}.parquet") for name in ("orders", "sellers"))
    sellers = f"select distinct seller_id from {orders} where seller_id is not null order by seller_id"
    con.execute(f"copy ({sellers}) to {out} (format parquet)")


def write_quarantine(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Add the rows that could not be split to a quarantine file, and name the files in it without their folder."""
    rows = f"select table_name, file, row, cast(null as varchar), {quoted(BROKEN_ROW)}, value, cast(null as varchar)"
    kept = f"select * replace (parse_filename(file) as file) from read_parquet({quoted(path)})"
    draft = path.with_name(f".{path.name}")
    con.execute(f"copy ({kept} union all {rows} from {BROKEN}) to {quoted(draft)} (format parquet)")
    draft.replace(path)
