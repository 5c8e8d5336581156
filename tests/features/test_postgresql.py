"""The contract's tables in PostgreSQL: the same rows, report and quarantine as from files, of one moment."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.errors import ForesellError
from features.importing.import_source import import_mapped
from features.importing.mapping import parse_mapping
from features.ingest.contract import TABLES
from features.ingest.databases import postgresql as source
from features.ingest.databases.schema import KINDS, Kind, table_columns
from features.ingest.intake import Marketplace, open_folder
from tests.support.market_rows import rows
from tests.support.postgresql_server import fresh

pytestmark = pytest.mark.slow

TABLES_SQL = """
create type fulfilment as enum ('seller', 'platform');
create domain exact as numeric; create domain price as exact;
create table orders (order_id bigint, line_id text, seller_id varchar(40), price price, ordered_at timestamptz,
    promised_at date, tracking_valid boolean, colour text, delivered_at timestamptz);
create table returns (return_id text, order_id bigint, line_id text, opened_at timestamptz, refund_amount money);
create table feedback (feedback_id text, order_id bigint, seller_id text, rating smallint, created_at timestamptz);
create table sellers (seller_id uuid, fulfilment fulfilment);
insert into sellers values ('00000000-0000-0000-0000-000000000001', 'platform');
insert into orders select 100 + n, '1', '00000000-0000-0000-0000-000000000001', 0.1 * n,
    timestamptz '2024-01-01 10:00+02' + n * interval '1 day', date '2024-02-01', mod(n, 2) = 0, 'red', null
    from generate_series(1, 50) as g(n);
update orders set price = 1.005 where order_id = 150;
insert into orders values
    (101, '1', '00000000-0000-0000-0000-000000000001', 0.1, '2024-01-02 08:00Z', '2024-02-01', false, 'red', null),
    (201, '1', 'x', -1, '2024-01-02 08:00Z', null, null, null, null),
    (202, '1', 'x', 'NaN', '2024-01-02 08:00Z', null, null, null, null),
    (203, '1', 'x', 12345678901.235, '1924-01-02 08:00Z', null, null, null, null),
    (204, '1', null, 2, '2024-01-02 08:00Z', null, null, null, null);
insert into returns values ('r1', 101, '1', '2024-01-05 08:00Z', 12.34), ('r2', 999, '1', '2024-01-05 08:00Z', null);
insert into feedback values ('f1', 101, 'x', 5, '2024-01-05 08:00Z'), ('f2', 102, 'x', 6, '2024-01-05 08:00Z');
"""
CSV = {
    "orders": """select order_id, line_id, seller_id, price, ordered_at, promised_at,
        tracking_valid::text, colour, delivered_at from orders""",
    "returns": "select return_id, order_id, line_id, opened_at, refund_amount::numeric from returns",
    "feedback": "select * from feedback",
    "sellers": "select * from sellers",
}


@pytest.fixture
def database(postgresql: sa.URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """A database of a few rows, reached as the environment says."""
    with fresh(postgresql) as url:
        monkeypatch.setenv("PGHOST", str(url.query["host"]))
        monkeypatch.setenv("PGUSER", str(url.username))
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as con:
            con.exec_driver_sql(TABLES_SQL)
        yield engine
        engine.dispose()


def name_of(database: sa.Engine) -> str:
    return str(database.url.database)


def as_files(database: sa.Engine, folder: Path) -> Path:
    """The same tables as the database itself writes them as CSV, in UTC."""
    with database.connect() as con:
        con.exec_driver_sql("set time zone 'UTC'")
        for table, query in CSV.items():
            copy = f"copy ({query}) to stdout (format csv, header)"
            driver: Any = con.connection  # psycopg's own
            with driver.cursor() as cursor, cursor.copy(copy) as lines:
                (folder / f"{table}.csv").write_bytes(b"".join(lines))
    return folder


def broken(market: Marketplace) -> list[tuple[object, ...]]:
    found = market.con.execute("select table_name, column_name, rule, row from quarantine order by all")
    return found.fetchall()


def test_a_database_reads_as_the_same_tables_in_files(database: sa.Engine, tmp_path: Path) -> None:
    ours = source.open_database(name_of(database), quarantine_share=1)
    theirs = open_folder(as_files(database, tmp_path), quarantine_share=1)
    assert replace(ours.report, source="") == replace(theirs.report, source="")
    assert broken(ours) == broken(theirs)
    for name, table in TABLES.items():
        assert rows(ours, name, *table.typed) == rows(theirs, name, *table.typed), name
    orders = ours.report.table("orders")
    assert (orders.read, orders.kept, orders.duplicates) == (55, 50, 1)
    assert orders.quarantined["ordered_at: time outside 1970 to 2199"] == 1
    assert ours.report.table("returns").quarantined == {"line_id: refers to no order line": 1}
    assert orders.ignored_columns == ("colour",)


def test_infinite_times_are_too_far(database: sa.Engine) -> None:
    with database.begin() as con:
        con.exec_driver_sql("update orders set ordered_at = 'infinity' where order_id = 105")
        con.exec_driver_sql("update orders set promised_at = '-infinity' where order_id = 106")
    bad = source.open_database(name_of(database), quarantine_share=1).report.table("orders").quarantined
    assert bad["ordered_at: time outside 1970 to 2199"] == 2
    assert bad["promised_at: time outside 1970 to 2199"] == 1


def test_the_tables_are_of_one_moment_and_only_read(database: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    staged, name = source._staged, name_of(database)
    told: list[object] = []

    def then_change(*args: object) -> object:
        """Once the first table is read, the database changes behind the reader's back."""
        found = staged(*args)  # type: ignore[arg-type]
        if not told:
            with database.begin() as con:
                con.exec_driver_sql("insert into sellers values ('00000000-0000-0000-0000-000000000002', 'seller')")
        told.append(args)
        return found

    monkeypatch.setattr(source, "_staged", then_change)
    assert source.open_database(name, quarantine_share=1).report.table("sellers").read == 1
    assert source.open_database(name, quarantine_share=1).report.table("sellers").read == 2
    with source._snapshot(name) as cursor, pytest.raises(Exception, match="read-only transaction"):
        cursor.execute("delete from sellers")


def test_a_table_is_neither_altered_nor_emptied_before_it_is_read(database: sa.Engine) -> None:
    """Another's `truncate` is seen by a transaction of an earlier moment, so it has to wait."""
    with source._snapshot(name_of(database)) as cursor:
        table_columns(cursor, name_of(database))
        for change in ("alter table sellers add column more text", "truncate sellers"):
            with pytest.raises(sa.exc.OperationalError, match="lock timeout"), database.begin() as con:
                con.exec_driver_sql(f"set lock_timeout = '50ms'; {change}")


def test_a_column_of_another_kind_is_refused_by_its_name(database: sa.Engine) -> None:
    with database.begin() as con:
        con.exec_driver_sql("alter table orders add column shipped_at interval[]")
    with pytest.raises(ForesellError, match=r"orders.shipped_at must hold .* Found: INTERVAL\[\] in the table orders"):
        source.open_database(name_of(database))


def test_a_database_without_a_required_table_is_refused(postgresql: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", str(postgresql.query["host"]))
    monkeypatch.setenv("PGUSER", str(postgresql.username))
    with pytest.raises(ForesellError, match="'orders' is required"):
        source.open_database("postgres")
    with pytest.raises(ForesellError, match="no_such"):
        source.open_database("no_such")


TOO_FAR = "greatest(least({0}, '9999-12-31'), '0001-01-01')"
READ_WRONG = {
    "a missing time is one too far": {"timestamp with time zone": Kind("TIMESTAMP WITH TIME ZONE", TOO_FAR)},
    "money is the number that it is kept as": {"money": Kind("BIGINT")},
    "exact numbers are read as binary ones": {"numeric": Kind("DOUBLE", "{0}::float8")},
}


@pytest.mark.parametrize("fault", READ_WRONG)
def test_a_column_that_is_read_wrong_is_found(
    fault: str, database: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.ingest.databases.schema.KINDS", {**KINDS, **READ_WRONG[fault]})
    with pytest.raises((AssertionError, ForesellError)):
        test_a_database_reads_as_the_same_tables_in_files(database, tmp_path)


def test_tables_of_several_moments_are_found(database: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "SNAPSHOT", "set transaction read only")
    with pytest.raises(AssertionError):
        test_the_tables_are_of_one_moment_and_only_read(database, monkeypatch)


@pytest.mark.parametrize("name", ["shop password=secret", "//me:secret@host/shop", ""])
def test_no_secret_is_taken_or_repeated(name: str) -> None:
    with pytest.raises(ForesellError) as refused:
        source.open_database(name)
    assert "secret" not in str(refused.value)


def test_a_query_is_imported_by_a_mapping(database: sa.Engine, tmp_path: Path) -> None:
    columns = {"order_id": "order_id", "line_id": "line_id", "seller_id": "seller_id", "ordered_at": "ordered_at"}
    query = "select * from orders where order_id < 200"
    table = {"query": query, "columns": columns | {"price": "price", "promised_at": "promised_at"}}
    address = f"postgresql:///{name_of(database)}"
    report = import_mapped(address, tmp_path / "out", parse_mapping({"orders": table}, "the mapping"))
    orders = report.table("orders")
    assert (orders.read, orders.kept, orders.duplicates) == (51, 50, 1)
    for query, said in (
        ("select nothing from orders", 'column "nothing" does not exist'),
        ("delete from orders returning *", "read-only transaction"),
    ):
        mapping = parse_mapping({"orders": table | {"query": query}}, "the mapping")
        with pytest.raises(ForesellError, match=said):
            import_mapped(address, tmp_path / "other", mapping)
