"""Every statement of the ledger and the features reads the same in Spark: it transpiles, with known functions only."""

import re

import pytest
import sqlglot

from features import table
from features.ledger import appeals, build, evidence
from features.ledger.order_versions import Sources
from features.ledger.quantities import QUANTITIES
from features.standards.load import load

ALL = tuple(q.name for q in QUANTITIES)
VERSIONED = frozenset(("orders", "returns", "cases", "feedback", "sellers"))
PLAIN = Sources(frozenset(), False, False, "America/New_York")
STATEFUL = Sources(VERSIONED, True, True, "America/New_York")
NEEDS = table.plan(ALL, load().standards)
# Functions that Spark 4 has by these names; DuckDB's macros (features.engines.duckdb) supply what it lacks.
ALLOWED = {
    *("SUM", "COUNT", "MIN", "MAX", "MAX_BY", "ROW_NUMBER", "LEAD", "LAG", "LAST_VALUE"),
    *("COALESCE", "NULLIF", "LEAST", "GREATEST", "CAST", "CONCAT", "CONCAT_WS", "CHR", "LOWER", "SHIFTRIGHT"),
    *("DATEDIFF", "TIMESTAMP_MICROS", "FROM_UTC_TIMESTAMP"),
}
# Words before a bracket that call nothing; `d` is the alias of a table whose column is named.
KEYWORDS = {
    "d",
    "AND",
    "AS",
    "FROM",
    "IN",
    "JOIN",
    "NOT",
    "OR",
    "OVER",
    "SELECT",
    "THEN",
    "USING",
    "VALUES",
    "WHEN",
    "ON",
    "WHERE",
}


def statements() -> dict[str, str]:
    made = {f"plain {s.name}": s.query for s in build.statements(ALL, PLAIN)}
    made |= {f"stateful {s.name}": s.query for s in build.statements(ALL, STATEFUL)}
    made |= {f"rows {s.name}": s.query for s in table.statements(NEEDS, [100, 107])}
    made |= {f"appeals {n}": q for n, q in appeals.copies_sql("main")}
    return made | {
        "difference": appeals.difference_sql(ALL, "main_appeals"),
        "evidence": evidence.evidence_sql(ALL, 100),
    }


STATEMENTS = statements()


def spark_functions(query: str) -> set[str]:
    text = sqlglot.transpile(query, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)[0]
    return set(re.findall(r"\b([A-Za-z_]+)\s*\(", re.sub(r"'[^']*'", "''", text))) - KEYWORDS


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_uses_only_functions_that_spark_has(name: str) -> None:
    assert spark_functions(STATEMENTS[name]) <= ALLOWED


def test_a_function_that_spark_lacks_is_noticed() -> None:
    assert spark_functions("select epoch_us(ordered_at) from orders") - ALLOWED == {"EPOCH_US"}
