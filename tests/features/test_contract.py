"""The schema object, and the SQL that the checks make from it."""

import pytest
import sqlglot
from sqlglot import exp

from features.engines.duckdb import connect
from features.ingest.checks import SourcePart, checked, known_day, repeated
from features.ingest.column_parsers import ACCEPTED, Zones
from features.ingest.contract import TABLES, Column, Table
from features.ingest.cross_checks import UNKNOWN_LINE, no_line, quarantined

# A DuckDB type of each family that a source column may have.
TYPES = {
    "text": "VARCHAR",
    "whole": "BIGINT",
    "decimal": "DECIMAL(12,2)",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "instant": "TIMESTAMP WITH TIME ZONE",
    "naive": "TIMESTAMP",
    "date": "DATE",
}

# Functions of Spark SQL by their names there, from its documentation; none of it was run on Spark.
SPARK = {
    *("ABS", "CAST", "COALESCE", "CONCAT_WS", "COUNT", "DATEDIFF", "FLOOR", "FROM_UTC_TIMESTAMP", "GREATEST", "ISNAN"),
    *("LOWER", "NULLIF", "ROUND", "TO_DATE", "TO_UTC_TIMESTAMP", "TRY_CAST", "UNIX_MICROS"),
}
OPERATORS = (exp.Case, exp.If, exp.And, exp.Or, exp.Xor, exp.Exists, exp.RegexpLike, exp.IntDiv)


def test_the_tables_of_the_contract() -> None:
    assert {t.name: t.key for t in TABLES.values()} == {
        "orders": ("order_id", "line_id"),
        "returns": ("return_id",),
        "cases": ("case_id",),
        "feedback": ("feedback_id",),
        "sellers": ("seller_id",),
        "interventions": ("intervention_id",),
        "corrections": ("correction_id",),
        "aliases": ("old_seller_id",),
    }
    assert [t.name for t in TABLES.values() if t.required] == ["orders", "sellers"]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_every_table_can_be_versioned_and_dated(table: Table) -> None:
    assert table.column("recorded_at").kind == table.column(table.happened_at).kind == "time"
    assert all(table.column(k).required for k in table.key)


def test_money_is_cents_and_a_time_is_an_instant_and_a_day() -> None:
    assert TABLES["orders"].column("price").typed == {"price_cents": "bigint"}
    assert TABLES["returns"].column("refund_amount").typed == {"refund_cents": "bigint"}
    assert TABLES["orders"].column("promised_at").typed == {"promised_at": "bigint", "promised_at_day": "integer"}
    assert TABLES["corrections"].column("table").typed == {"table_name": "varchar"}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
@pytest.mark.parametrize("zones", [Zones(), Zones("America/Sao_Paulo", "Asia/Tokyo")], ids=["utc", "zoned"])
def test_the_checks_run_on_every_type_a_column_may_have(table: Table, zones: Zones) -> None:
    con = connect()
    for part in layouts(table):
        columns = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in part.columns.items())
        con.execute(f"create or replace table source as select {columns}")
        described = con.execute(f"describe {checked(table, part, zones)}").fetchall()
        assert {name: kind.lower() for name, kind, *_ in described if name[0] != "_"} == table.typed


@pytest.mark.slow
def test_spark_has_every_function_that_the_checks_use() -> None:
    tables, zones = TABLES.values(), Zones("America/Sao_Paulo", "Asia/Tokyo")
    statements = [checked(t, part, zones) for t in tables for part in layouts(t)]
    statements += [repeated(t) for t in tables] + [f"select {known_day(t)} as day from {t.name}" for t in tables]
    statements += [quarantined("returns", "line_id", UNKNOWN_LINE, "order_id", no_line("returns"))]
    assert set().union(*(spark_functions(sql) for sql in statements)) <= SPARK


def test_a_function_that_spark_lacks_is_seen() -> None:
    assert spark_functions("select epoch_us(t), quantile_cont(x, 0.5) from a") - SPARK


def layouts(table: Table) -> list[SourcePart]:
    """Layouts that together show each column in each type it may have."""
    kinds = {c: [TYPES[f] for f in ACCEPTED[c.kind]] for c in table.columns}
    return [part(kinds, i) for i in range(max(len(k) for k in kinds.values()))]


def part(kinds: dict[Column, list[str]], i: int) -> SourcePart:
    return SourcePart("source", {c.name: k[i % len(k)] for c, k in kinds.items()}, "source")


def spark_functions(sql: str) -> set[str]:
    """Names of the functions in a statement once it is Spark's."""
    spark = sqlglot.transpile(sql, read="duckdb", write="spark")[0]
    found = sqlglot.parse_one(spark, read="spark").find_all(exp.Func)
    return {name(f) for f in found if not isinstance(f, OPERATORS)}


def name(function: exp.Func) -> str:
    if isinstance(function, exp.Anonymous):
        return function.name.upper()
    return function.sql(dialect="spark").split("(")[0].upper()
