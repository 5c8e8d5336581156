"""PostgreSQL through Spark's JDBC: the embedded engine's report, quarantine and tables; the password shows nowhere."""

import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from core.days import SOURCE_DAYS
from core.errors import ForesellError
from features.engines.duckdb import connect
from features.engines.spark import HOME, Spark
from features.ingest import checks, cross_checks, spark_folder
from features.ingest.checks import checked
from features.ingest.column_parsers import FAR_TIME, NAIVE_TIME, NOT_FINITE, REQUIRED, UNKNOWN_CHOICE, WRONG_TYPE, Zones
from features.ingest.contract import TABLES
from features.ingest.databases import postgresql as embedded
from features.ingest.databases import schema
from features.ingest.databases import spark_postgresql as source
from features.ingest.intake import Marketplace
from foresell.commands.marketplace import EngineChoice, opened
from tests.support.postgresql_rows import CLOCKS_SQL, TABLES_SQL
from tests.support.postgresql_server import fresh, programs, server
from tests.support.spark_session import SMALL, needs_spark

pytestmark = pytest.mark.slow

PASSWORD = "hunter-2-of-the-tests"
READER = f"create role reader login password '{PASSWORD}'; grant pg_read_all_data to reader"
RULES = {REQUIRED, WRONG_TYPE, NAIVE_TIME, FAR_TIME, NOT_FINITE, UNKNOWN_CHOICE, cross_checks.UNKNOWN_LINE}
RULES |= {"below 0", "above 1", "above 1e+12", cross_checks.DIFFERENT}
TIMES = Zones("UTC", "America/Sao_Paulo")


def found(market: Marketplace) -> dict[str, Any]:
    """The report, the quarantine and the rows of each typed table."""
    columns = {name: ", ".join(table.typed) for name, table in TABLES.items()} | {"quarantine": "*"}
    rows = {name: market.con.execute(f"select {asked} from {name}").fetchall() for name, asked in columns.items()}
    return {"report": market.report} | {name: sorted(table, key=repr) for name, table in rows.items()}


def differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> set[str]:
    return {name for name in ours if ours[name] != theirs[name]}


@pytest.fixture(scope="module")
def shop() -> Iterator[sa.Engine]:
    """A database at a port, which a user with a password reads as the environment says."""
    needs_spark()
    if programs() is None or not source.JAR.is_file():
        pytest.skip("PostgreSQL or its driver is missing (Debian: apt-get install postgresql libpostgresql-jdbc-java)")
    port = free_port()
    with server(port) as owner, fresh(owner) as url, pytest.MonkeyPatch.context() as environment:
        for name, value in {"HOST": "127.0.0.1", "PORT": port, "USER": "reader", "PASSWORD": PASSWORD}.items():
            environment.setenv(f"PG{name}", str(value))
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as con:
            con.exec_driver_sql(";".join((READER, TABLES_SQL, CLOCKS_SQL)))
        yield engine
        engine.dispose()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def name_of(shop: sa.Engine) -> str:
    return str(shop.url.database)


def test_spark_connects_where_libpq_does(shop: sa.Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By a service's file and a file of passwords; a socket is refused, for the driver knows none."""
    port, name = os.environ["PGPORT"], name_of(shop)
    for variable in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD"):
        monkeypatch.delenv(variable)
    (tmp_path / "services").write_text(f"[shop]\nhost=127.0.0.1\nport={port}\nuser=reader\nsslmode=disable\n")
    (tmp_path / "passwords").write_text(f"127.0.0.1:{port}:{name}:reader:{PASSWORD}\n")
    (tmp_path / "passwords").chmod(0o600)
    for variable, value in {"SERVICEFILE": "services", "PASSFILE": "passwords"}.items():
        monkeypatch.setenv(f"PG{variable}", str(tmp_path / value))
    monkeypatch.setenv("PGSERVICE", "shop")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=clocks")
    with source._snapshot(name) as holder:
        options = source._options(holder, name)
    assert options["url"] == f"jdbc:postgresql://127.0.0.1:{port}/{name}"
    carried = ("user", "password", "sslmode", "options")
    assert [options[option] for option in carried] == ["reader", PASSWORD, "disable", "-c search_path=clocks"]
    monkeypatch.delenv("PGSERVICE")
    for variable, setting in {"HOST": shop.url.query["host"], "PORT": port, "USER": shop.url.username}.items():
        monkeypatch.setenv(f"PG{variable}", str(setting))
    with source._snapshot(name) as holder, pytest.raises(ForesellError, match="the socket in"):
        source._options(holder, name)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def loaded(shop: sa.Engine, home: Path) -> Iterator[Marketplace]:
    """The database in Spark as a command opens it, with every event of the session written down."""
    events = {"enabled": "true", "dir": home.as_uri(), "compress": "false", "rolling.enabled": "false"}
    conf = SMALL | {f"spark.eventLog.{name}": value for name, value in events.items()}
    run = EngineChoice("spark", tuple(f"{name}={value}" for name, value in conf.items()))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FORESELL_HOME", str(home))
        environment.setenv("FORESELL_QUARANTINE_SHARE", "1")
        with opened(run, Path(f"postgresql:{name_of(shop)}"), SOURCE_DAYS, lambda step: None) as market:
            yield market


@pytest.fixture(scope="module")
def told(loaded: Marketplace) -> dict[str, Any]:
    """What the intake on Spark found, before another one takes its tables' place."""
    return found(loaded)


@pytest.fixture
def spark(loaded: Marketplace, told: object) -> Spark:
    return cast("Spark", loaded.con)


def test_report_quarantine_and_tables_are_those_of_the_embedded_engine(
    shop: sa.Engine, told: dict[str, Any], home: Path
) -> None:
    ours = embedded.open_database(name_of(shop), quarantine_share=1)
    assert differing(found(ours), told) == set()
    assert {rule.split(": ")[1] for table in ours.report.tables for rule in table.quarantined} == RULES
    assert ours.report.table("orders").duplicates == 1
    kept = connect().execute(f"select * from read_parquet('{home}/quarantine/*/*.parquet')").fetchall()
    assert sorted(kept, key=repr) == told["quarantine"]


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other schema, named as libpq names it, and a stream for each page of a table."""
    monkeypatch.setenv("PGOPTIONS", "-c search_path=clocks")
    monkeypatch.setattr(source, "STREAM", 1)


def emptied(spark: Spark) -> None:
    """No tables, for another intake."""
    for statement in (f"drop schema {HOME} cascade", f"create schema {HOME}", f"use {HOME}"):
        spark.execute(statement)


def judged_here(name: str) -> list[Any]:
    """The order lines and what is wrong with them, by the embedded engine."""
    con, orders = connect(), TABLES["orders"]
    with embedded._snapshot(name) as cursor:
        part = embedded._staged(con, cursor, name, orders, schema.table_columns(cursor, name)["orders"])
    return sorted(con.execute(checked(orders, part, TIMES)).fetchall(), key=repr)


def judged_there(spark: Spark, shop: sa.Engine) -> list[Any]:
    """The same by Spark; once its moment is fixed and before anything is read, a line is added."""
    name, orders, late = name_of(shop), TABLES["orders"], "insert into clocks.orders (order_id) values ('late')"
    with source._snapshot(name) as holder:
        columns = schema.table_columns(holder.cursor(), name)["orders"]
        ranges = source._ranges(holder, "orders")
        part = source._part(spark, source._options(holder, name), name, orders, columns, ranges)
        with shop.begin() as con:
            con.exec_driver_sql(late)
        try:
            lines = spark.execute(checked(orders, part, TIMES)).fetchall()
        finally:
            with shop.begin() as con:
                assert con.exec_driver_sql("delete from clocks.orders where order_id = 'late'").rowcount == 1
    return sorted(lines, key=repr)


@pytest.mark.usefixtures("clocks")
def test_lines_are_read_and_judged_alike_at_one_moment(spark: Spark, shop: sa.Engine) -> None:
    expected = judged_here(name_of(shop))
    assert len(expected) == 6 + 701
    assert judged_there(spark, shop) == expected
    assert spark.session.table("database_orders").rdd.getNumPartitions() == 6


RANGES = source._ranges
AS_BINARY = {"numeric": schema.Kind("VARCHAR", "{}::float8::text")}
FAULTS: dict[str, tuple[Any, str, Any]] = {
    "the snapshot is not used": (source, "_use_snapshot", lambda holder: "select 1"),
    "times pass through those of Java": (source, "_as_text", lambda kind: kind),
    "exact numbers are read as binary ones": (schema, "KINDS", {**schema.KINDS, **AS_BINARY}),
    "the rows past the last page are not read": (source, "_ranges", lambda *given: RANGES(*given)[:-1]),
    "a row that breaks a rule is not marked": (checks, "_first_broken", lambda *_: "cast(null as integer)"),
}


@pytest.mark.usefixtures("clocks")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_planted_in_spark_is_found(
    fault: str, spark: Spark, shop: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = judged_here(name_of(shop))
    monkeypatch.setattr(*FAULTS[fault])
    assert judged_there(spark, shop) != expected


@pytest.mark.usefixtures("clocks")
def test_two_faults_planted_in_the_intake_are_found(
    spark: Spark, shop: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Duplicates kept show in the orders, lines that nobody ordered in the returns and the quarantine."""
    ours = embedded.open_database(name_of(shop), quarantine_share=1, times_zone=TIMES.times)
    monkeypatch.setattr(spark_folder, "_drop_copies", lambda *_: 0)
    monkeypatch.setattr(cross_checks, "take", lambda *_: None)
    emptied(spark)
    theirs = source.open_database(spark, name_of(shop), quarantine_share=1, times_zone=TIMES.times)
    assert differing(found(ours), found(theirs)) == {"report", "orders", "returns", "quarantine"}


@pytest.mark.usefixtures("clocks")
def test_the_password_is_in_no_log_event_or_setting(spark: Spark, shop: sa.Engine, home: Path) -> None:
    context = spark.session.sparkContext
    context.setLogLevel("INFO")
    judged_there(spark, shop)
    context.setLogLevel("ERROR")
    gateway: Any = type(context)._gateway
    log = Path(f"/proc/{gateway.proc.pid}/fd/1").read_text()  # what Java's process says, all of it
    events = "".join(path.read_text() for path in home.glob("*local-*"))
    assert "set transaction snapshot" in log
    assert "JDBCRelation" in events
    settings = str(context.getConf().getAll()) + str(spark.session.sql("set -v").collect())
    assert PASSWORD not in log + events + settings


@pytest.mark.usefixtures("clocks")
def test_an_error_names_what_refused_and_no_password(
    spark: Spark, shop: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, options = name_of(shop), source._options
    gone = f"{schema.SNAPSHOT}; set transaction snapshot '00000003-0000001B-1'"
    wrong = {"password": "wrong-hunter", "sessionInitStatement": gone, "driver": "org.postgresql.NoDriver"}
    said = {
        "password": "The database must be readable",
        "sessionInitStatement": "The table 'orders' must be readable.*snapshot",
        "driver": "must have PostgreSQL's JDBC driver",
    }
    for option, value in wrong.items():
        emptied(spark)
        monkeypatch.setattr(source, "_options", lambda *given, o=option, v=value: options(*given) | {o: v})
        with pytest.raises(ForesellError, match=said[option]) as refused:
            source.open_database(spark, name, times_zone=TIMES.times)
        assert "hunter" not in str(refused.value)
