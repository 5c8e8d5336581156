"""What appeals change: the ledger of the corrected order minus the ledger of the order, known from the day decided.

The rows that can touch an appealed order are copied once for each day on which appeals about it were decided, as they
stand after that day's decisions (stage 0: as they were). The ledger of the copies is made by the same statements as
any other; the difference between one stage and the one before it joins `ledger_corrections`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from features.contract import CORRECTED, TABLES
from features.engine import Engine
from features.quantities import NOVELTIES
from features.states import BASICS, Sources, Step

SCHEMA = "appeals"
Statements = Callable[[tuple[str, ...], Sources], list[Step]]


def add_appeals(con: Engine, quantities: tuple[str, ...], sources: Sources, statements: Statements) -> None:
    """Add what the table `corrections` changes to `ledger_corrections`; nothing to do without one."""
    if con.execute("select count(*) from corrections").fetchall()[0][0] == 0:
        return
    home = con.execute("select current_schema()").fetchall()[0][0]
    con.execute(f"drop schema if exists {SCHEMA} cascade")
    con.execute(f"create schema {SCHEMA}")
    for name, query in copies_sql(home):
        con.execute(f"create table {SCHEMA}.{name} as {query}")
    con.execute(f"use {SCHEMA}")
    try:
        appealed = tuple(q for q in quantities if q not in NOVELTIES)
        # A case whose fault an appeal decides may change its order's state at its close, as no row of the source does.
        for step in (*BASICS, *statements(appealed, replace(sources, ruled=True, stateful=True))):
            con.execute(step.sql)
    finally:
        con.execute(f"use {home}")
    con.execute(f"insert into ledger_corrections {difference_sql(quantities)}")


def known_by(con: Engine, day: int) -> None:
    """Take corrections that were decided after a day as decided on it.

    What is served now speaks of the last complete day, and heeds the appeals decided since. Rows of the past never see
    them: this is for the rows of one day alone.
    """
    con.execute(f"""update corrections set decided_at_day = least(decided_at_day, {day}),
        recorded_at_day = least(recorded_at_day, {day})""")


def copies_sql(home: str) -> list[tuple[str, str]]:
    """The staged copies, in order: which groups of rows were appealed, when, and the rows after each stage."""
    return [
        ("appealed", appealed_sql(home)),
        ("stages", STAGES),
        ("parties", parties_sql(home)),
        *((table, _copy(home, table)) for table in CORRECTED),
        ("sellers", _seller_copies(home)),
    ]


def appealed_sql(home: str) -> str:
    """Corrections with the group of rows they are about: an order, or a case or rating without one."""
    found = " union all ".join(
        f"""select distinct {_group(t, "r")} as unit, c.*
        from {home}.corrections as c join {home}.{t} as r on c.table_name = '{t}' and c.row_key = {_key(t, "r")}"""
        for t in CORRECTED
    )
    return f"select * from ({found}) as a"


STAGES = f"""select unit, stage, decided_day, lead(decided_day) over (partition by unit order by stage) as next_day
    from (select distinct unit, 0 as stage, cast(null as integer) as decided_day from {SCHEMA}.appealed
    union all
    select unit, row_number() over (partition by unit order by decided_at_day) as stage, decided_at_day as decided_day
    from (select distinct unit, decided_at_day from {SCHEMA}.appealed) as d) as s"""


def _copy(home: str, table: str) -> str:
    """Every stage's rows of a table: excluded rows left out, faults as decided by then."""
    renamed = {"seller_id": STAGED_SELLER, "order_id": _staged("r.order_id")}
    renamed |= {TABLES[table].key[0]: _staged(f"r.{TABLES[table].key[0]}")}
    if table != "orders":
        renamed |= {"fault": "coalesce(a.ruled, r.fault)"}
    columns = ", ".join(f"{renamed.get(c, f'r.{c}')} as {c}" for c in TABLES[table].typed)
    extra = ", a.ruled as ruled_fault" if table == "orders" else ""
    return f"""select {columns}{extra} from {home}.{table} as r
        join {SCHEMA}.stages as s on s.unit = {_group(table, "r")}
        left join ({_decisions(table)}) as a
        on a.unit = s.unit and a.stage = s.stage and a.row_key = {_key(table, "r")}
        where coalesce(a.excluded, 0) = 0"""


def _decisions(table: str) -> str:
    """For each stage and row, what all decisions up to then come to: taken out, or the fault that was decided last."""
    changed = "case when effect = 'fault_changed' then"
    return f"""select s.unit, s.stage, a.row_key, max(case when effect = 'excluded' then 1 else 0 end) as excluded,
            max_by({changed} new_fault end, {changed} concat(decided_at, correction_id) end) as ruled
        from {SCHEMA}.appealed as a join {SCHEMA}.stages as s on s.unit = a.unit and a.decided_at_day <= s.decided_day
        where a.table_name = '{table}' group by s.unit, s.stage, a.row_key"""


def parties_sql(home: str) -> str:
    """Every stage of every appealed group with the sellers its rows name."""
    named = " union ".join(
        f"select seller_id, {_group(t, 'r')} as unit from {home}.{t} as r" for t in ("orders", "cases", "feedback")
    )
    return f"""select r.seller_id as original, {STAGED_SELLER} as seller_id, s.decided_day, s.next_day
        from ({named}) as r join {SCHEMA}.stages as s on s.unit = r.unit"""


def _seller_copies(home: str) -> str:
    columns = ", ".join(f"{'p.seller_id' if c == 'seller_id' else f'r.{c}'} as {c}" for c in TABLES["sellers"].typed)
    return f"select {columns} from {home}.sellers as r join {SCHEMA}.parties as p on p.original = r.seller_id"


STAGED_SELLER = "concat(r.seller_id, chr(31), s.unit, chr(31), s.stage)"


def _staged(column: str) -> str:
    return f"concat({column}, chr(31), s.stage)"


def _key(table: str, alias: str) -> str:
    return f"concat_ws('/', {', '.join(f'{alias}.{c}' for c in TABLES[table].key)})"


def _group(table: str, alias: str) -> str:
    alone = f"concat('{table} ', {_key(table, alias)})"
    return (
        f"concat('order ', {alias}.order_id)"
        if table == "orders"
        else f"case when {alias}.order_id is null then {alone} else concat('order ', {alias}.order_id) end"
    )


def difference_sql(quantities: Iterable[str]) -> str:
    """Rows for ledger_corrections: each stage's ledger added on its day, and taken back on the next stage's."""
    names = list(quantities)
    entries = {
        "ledger": ("day", "{decided}"),
        "ledger_corrections": ("effective_day", "greatest(e.decided_day, {decided})"),
    }
    rows = " union all ".join(
        f"select t.original as seller_id, e.{day} as effective_day, "
        f"{known.format(decided=f't.{when}')} as decided_day, "
        f"{', '.join(f'0 as {q}' if q in NOVELTIES else f'{sign}e.{q} as {q}' for q in names)}"
        f" from {SCHEMA}.{table} as e join {SCHEMA}.parties as t on t.seller_id = e.seller_id "
        f"where t.{when} is not null"
        for table, (day, known) in entries.items()
        for when, sign in (("decided_day", ""), ("next_day", "-"))
    )
    sums = ", ".join(f"cast(sum({q}) as bigint) as {q}" for q in names)
    changed = " or ".join(f"sum({q}) <> 0" for q in names)
    return f"""select seller_id, effective_day, decided_day, {sums} from ({rows}) as d
        group by seller_id, effective_day, decided_day having {changed}"""
