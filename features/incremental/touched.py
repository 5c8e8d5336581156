"""The stored rows that new rows touch: those of the same orders and all versions of their keys, until none is added.

The ledger is a sum over orders (and over cases without an order). So the change of the ledger is the ledger of the
touched rows with the new rows, minus the ledger of the touched rows without them.
"""

from collections.abc import Sequence

import duckdb

from core.packed_keys import ShortKey
from features.ingest.contract import TABLES

KEPT, ARRIVED = "kept.main", "memory.arrived"  # the schemas of stored and of new rows
ROWS = tuple(TABLES)
KEYED = ("returns", "cases", "feedback")  # tables whose rows are about an order and have a key of their own
NAMING = ("orders", "cases", "feedback")  # tables with a seller_id
ORDER = ShortKey("order_key", "order_id")
SHORT = {"orders": (ORDER,)}  # short keys that the file stores with the typed columns
TOUCHED = """
create or replace table touched_orders (order_id varchar);
create or replace table touched_keys (table_name varchar, key varchar)"""


def touch(con: duckdb.DuckDBPyConnection) -> None:
    """Make tables of the touched orders, keys and stored rows (`was_<table>`); the stored history is read only once."""
    con.execute(TOUCHED)
    for query in (*_of_new_rows(), *_of_sellers()):
        con.execute(query)
    spread(con)
    for table in ("orders", *KEYED):
        con.execute(f"create or replace table was_{table} as {few_rows(table)}")
    con.execute(touched_sellers())


def subset(schema: str) -> dict[str, str]:
    """Selects of a schema's touched rows by table (all new rows are touched), their sellers, and all corrections."""
    rows = {t: f"from was_{t}" if schema == KEPT else _rows(schema, t, "true") for t in ("orders", *KEYED)}
    others = {
        "sellers": "seller_id in (from touched_sellers)",
        "interventions": "false",
        "corrections": "true",
        "aliases": "false",
    }
    return rows | {t: _rows(schema, t, chosen) for t, chosen in others.items()}


def touched_sellers() -> str:
    """SQL that makes the table of the touched rows' sellers."""
    tables = [f"was_{t}" for t in NAMING] + [f"{ARRIVED}.{t}" for t in NAMING]
    named = " union ".join(f"select seller_id from {table}" for table in tables)
    return f"create or replace table touched_sellers as {named}"


def touched_rows(schema: str, table: str) -> str:
    """A select of a schema's touched rows of an order, return, case or rating."""
    return _rows(schema, table, _is_touched(table))


def few_rows(table: str) -> str:
    """A select of a stored table's touched rows, if they are few: of other rows only the keys are read.

    An order that is selected by mistake, because of its short key, changes nothing.
    """
    short = f"{ORDER.name} in (select {ORDER.sql} from touched_orders)"
    touched = short if table in SHORT else _is_touched(table)
    return _rows(KEPT, table, f"rowid in (select rowid from {KEPT}.{table} where {touched})")


def stored(table: str) -> dict[str, str]:
    """The columns of a table in the file, with their types."""
    return TABLES[table].typed | {short.name: short.TYPE for short in SHORT.get(table, ())}


def _is_touched(table: str) -> str:
    keyed = f" or {_known_key(table)}" if table in KEYED else ""
    return f"(order_id in (from touched_orders){keyed})"


def _rows(schema: str, table: str, chosen: str) -> str:
    return f"select {', '.join(TABLES[table].typed)} from {schema}.{table} where {chosen}"


def key(table: str) -> str:
    """SQL for a row's key as corrections write it."""
    return f"concat_ws('/', {', '.join(TABLES[table].key)})"


def _known_key(table: str) -> str:
    return f"{key(table)} in (select key from touched_keys where table_name = '{table}')"


def _of_new_rows() -> list[str]:
    orders = " union ".join(
        f"select order_id from {ARRIVED}.{t} where order_id is not null" for t in ("orders", *KEYED)
    )
    keys = " union ".join(f"select '{t}', {key(t)} from {ARRIVED}.{t}" for t in KEYED)
    corrected = f"select table_name, row_key from {ARRIVED}.corrections where table_name <> 'orders'"
    # An order's id may contain the sign between order and line, so every possible order of the key counts as touched.
    readings = f"""select array_to_string(parts[1:n], '/') from (select parts, unnest(range(1, len(parts))) as n
        from (select string_split(row_key, '/') as parts from {ARRIVED}.corrections
            where table_name = 'orders') as p) as r"""
    return [
        f"insert into touched_orders {orders} union {readings}",
        f"insert into touched_keys {keys} union {corrected}",
    ]


def _of_sellers() -> list[str]:
    """All rows of the reopened sellers; usually there are none."""
    found = {
        t: " union all ".join(
            f"select order_id, {', '.join(TABLES[t].key)} from {s}.{t} where seller_id in (from reopened)"
            for s in (KEPT, ARRIVED)
        )
        for t in NAMING
    }
    orders = " union ".join(f"select order_id from ({rows}) as r where order_id is not null" for rows in found.values())
    keys = " union ".join(f"select '{t}', {key(t)} from ({found[t]}) as r" for t in ("cases", "feedback"))
    return [f"insert into touched_orders {orders}", f"insert into touched_keys {keys}"]


def spread(con: duckdb.DuckDBPyConnection, schemas: Sequence[str] = (KEPT, ARRIVED)) -> None:
    """Add all rows of the same orders and keys to the touched ones, until none is added."""
    while _step(con, schemas):
        pass


def _step(con: duckdb.DuckDBPyConnection, schemas: Sequence[str]) -> bool:
    """Add the keys of the touched orders and the orders of the touched keys; returns whether any was added."""
    both = [(s, t) for s in schemas for t in KEYED]
    keys = " union ".join(
        f"select '{t}' as table_name, {key(t)} as key from {s}.{t} where order_id in (from touched_orders)"
        for s, t in both
    )
    orders = " union ".join(
        f"select order_id from {s}.{t} where order_id is not null and {_known_key(t)}" for s, t in both
    )
    added = [
        con.execute(f"insert into touched_keys ({keys}) except from touched_keys").fetchall(),
        con.execute(f"insert into touched_orders ({orders}) except from touched_orders").fetchall(),
    ]
    return any(rows[0][0] for rows in added)
