"""docs/sql: every statement on the way to the ledger and the feature rows, as it runs for all quantities.

The statements are those of a marketplace that records versions of all its tables, with the built-in standards and one
as-of day. They run here on empty tables, so that their columns are those that the engine finds.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import groupby
from textwrap import wrap

import duckdb
import sqlglot

from core.markdown import markdown
from core.sql_text import Step
from features.engines.duckdb import connect
from features.ingest.contract import TABLES
from features.ledger.build import statements as ledger_statements
from features.ledger.order_versions import BASICS, Sources
from features.ledger.quantities import QUANTITIES
from features.standards.load import load
from features.table import plan
from features.table import statements as row_statements

FOLDER = "docs/sql"
AS_OF = 20_000  # 2024-10-04
WIDTH = 118
VERSIONED = frozenset(("orders", "returns", "cases", "feedback", "sellers"))


def sql_pages() -> Mapping[str, str]:
    """An index and one file a statement, by path in the checkout."""
    steps = documented_steps()
    columns = columns_of(steps)
    files = {f"{number:02}_{step.name}.sql": step for number, step in enumerate(steps, 1)}
    pages = {f"{FOLDER}/{file}": sql_page(step, columns[step.name]) for file, step in files.items()}
    return pages | {f"{FOLDER}/README.md": _index(files)}


@cache
def documented_steps() -> tuple[Step, ...]:
    """Every step on the way to the feature rows, in the order of running."""
    quantities = tuple(q.name for q in QUANTITIES)
    needs = plan(quantities, load().standards)
    of_ledger = ledger_statements(quantities, Sources(VERSIONED, staggered=True, stateful=True, zone="UTC"))
    return (*BASICS, *of_ledger, *row_statements(needs, [AS_OF]))


def columns_of(steps: Iterable[Step]) -> Mapping[str, str]:
    """The columns of what each step makes, in order, with their types as the engine finds them on empty tables."""
    with connect() as con:
        for name, table in TABLES.items():
            columns = ", ".join(f"{column} {kind}" for column, kind in table.typed.items())
            con.execute(f"create table {name} ({columns})")
        return {step.name: _columns(con, step) for step in steps}


def _columns(con: duckdb.DuckDBPyConnection, step: Step) -> str:
    con.execute(step.sql)
    found = groupby(con.execute(f"describe {step.name}").fetchall(), lambda row: str(row[1]).lower())
    return "; ".join(f"{', '.join(row[0] for row in rows)} ({kind})" for kind, rows in found)


def sql_page(step: Step, columns: str) -> str:
    """The statement below a comment: what it makes, what there is one row of, what it reads, and its columns."""
    head = [
        f"{step.name}: {step.makes}.",
        f"One row: {step.grain}.",
        f"Reads: {', '.join(step.inputs) or 'nothing'}.",
        f"Columns: {columns}.",
        "Written by make docs.",
    ]
    comment = [f"-- {line}" for text in head for line in wrap(text, WIDTH)]
    return "\n".join([*comment, "", f"{step.sql.removesuffix(step.query).rstrip()}\n{formatted(step)};"]) + "\n"


def formatted(step: Step) -> str:
    """The query laid out in lines, or as it was written where that would change what it says."""
    pretty = step.tree.sql("duckdb", pretty=True)
    return pretty if sqlglot.parse_one(pretty, read="duckdb") == step.tree else step.query


def _index(files: Mapping[str, Step]) -> str:
    rows = [[f"[{step.name}]({file})", step.makes, step.grain, ", ".join(step.inputs)] for file, step in files.items()]
    return f"{INTRODUCTION}\n\n{markdown(['statement', 'makes', 'one row', 'reads'], rows)}\n"


INTRODUCTION = f"""# The statements, in the order in which they run

Written by `make docs`: every statement from the typed tables to the ledger, and from there to the feature rows.
They are those of a marketplace that records versions of all its tables, with all quantities, the built-in standards
and one as-of day (number {AS_OF:,}). Days are numbers since 1970-01-01, times are microseconds, amounts are cents.

- Some names end in the as-of day's day of the week (`since_ever_{AS_OF % 7}`): each other one adds such statements.
- A build numbers the tables that its rows are read from (`feature_rows_1`, `figures_1`), so that two builds on one
  connection do not disturb each other.
- Where corrections were decided on appeal, `features/ledger/appeals.py` runs the statements of the ledger again, on
  copies of the rows concerned.
- On Spark the same statements run, translated by `features/engines/spark.py`."""
