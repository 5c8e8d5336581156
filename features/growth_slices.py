"""A whole ledger of stored rows, a slice of sellers at a time, so that memory does not grow with the history.

A seller's ledger needs its own rows alone. Sellers that share a key (a line, case or rating that was first the one's
and then the other's) are worked out together, in the first slice.
"""

import duckdb

from features.contract import TABLES
from features.growth_build import CORRECTIONS, Source, build, first_lines, known, line_counts, load, summed
from features.growth_rows import KEPT, NAMING, ROWS, key
from features.ledger import ENTRIES

NAMED_LINES = "(select seller_id, item_id, category from known_lines join seller_codes using (seller))"
SLICE = 4_000_000  # order lines that are worked out at once: about 3 GB where hardly two fall on one day of a seller


def build_whole(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Fill the ledger's tables in the attached file from the rows in it."""
    lines = con.execute(f"select count(*) from {KEPT}.orders").fetchall()[0][0]
    slices = max(1, -(-int(lines) // SLICE))
    if slices > 1:
        con.execute(f"create or replace table entangled as {_entangled()}")
    names = ", ".join(("seller_id", "day", *source.quantities, ENTRIES))
    for number in range(slices):
        load(con, _slice(number, slices))
        build(con, source, known(con, source), firsts=False)
        con.execute(f"insert into kept.ledger select {names} from ledger")
        con.execute(
            f"insert into kept.ledger_corrections {summed(CORRECTIONS, source.quantities, 'ledger_corrections')}"
        )
        con.execute(f"insert into kept.first_lines {first_lines()}")
        con.execute(f"insert into kept.line_counts {line_counts(NAMED_LINES)}")


def _slice(number: int, slices: int) -> dict[str, str]:
    """Selects of the rows of every so manieth seller, by table."""
    if slices == 1:
        mine, theirs = "true", "true"
    else:
        mine = f"case when seller_id in (from entangled) then 0 else hash(seller_id) % {slices} end = {number}"
        theirs = "order_id in (select order_id from memory.main.orders)"
    chosen = dict.fromkeys((*NAMING, "sellers"), mine) | {
        "returns": theirs,
        "interventions": "false",
        "corrections": "true",
    }
    return {t: f"select {', '.join(TABLES[t].typed)} from {KEPT}.{t} where {chosen[t]}" for t in ROWS}


def _entangled() -> str:
    """A select of the sellers that share a key with another."""
    shared = [_of_several(t, f"hash({key(t)})", "seller_id") for t in NAMING]
    moved = f"""select o.seller_id from {KEPT}.orders as o
        where o.order_id in ({_of_several("returns", "return_id", "order_id")})"""
    return f"select distinct seller_id from ({' union all '.join([*shared, moved])}) as e(seller_id)"


def _of_several(table: str, same: str, column: str) -> str:
    """A select of the column's values in rows that share what is the same with a row of another value."""
    several = f"select {same} from {KEPT}.{table} group by {same} having min({column}) <> max({column})"
    return f"select {column} from {KEPT}.{table} where {same} in ({several})"
