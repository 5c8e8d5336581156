"""What appeals change: the ledger of the corrected order minus the ledger of the order, from the day of the decision.

All rows of an appealed order are copied once for each day on which appeals about it were decided, as they are after
that day's decisions (stage 0: before any). The same statements as for any ledger make the ledger of the copies. The
difference between one stage and the stage before it is added to `ledger_corrections`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from core.sql_text import Step
from features.engines.duckdb import Engine, with_own_schema
from features.ingest.contract import CORRECTED, TABLES
from features.ledger.order_versions import BASICS, Sources
from features.ledger.quantities import NEW_TO_SELLER

Statements = Callable[[tuple[str, ...], Sources], list[Step]]


def add_appeals(con: Engine, quantities: tuple[str, ...], sources: Sources, statements: Statements) -> None:
    """Add the changes of the table `corrections` to `ledger_corrections`."""
    if con.execute("select count(*) from corrections").fetchall()[0][0] == 0:
        return
    home = con.execute("select current_schema()").fetchall()[0][0]
    schema = f"{home}_appeals"
    staged = with_own_schema(con, schema)
    for name, query in copies_sql(home):
        staged.execute(Step(name, query).sql)
    appealed = tuple(q for q in quantities if q not in NEW_TO_SELLER)
    # If an appeal decides the fault of a case, its order's state may change at the case's close.
    for step in (*BASICS, *statements(appealed, replace(sources, ruled=True, stateful=True))):
        staged.execute(step.sql)
    con.execute(f"insert into ledger_corrections {difference_sql(quantities, schema)}")
    con.execute(f"drop schema {schema} cascade")


def known_by(con: Engine, day: int) -> None:
    """Treat corrections that were decided after a day as decided on it.

    The service scores the last complete day, with the appeals decided since. This is for the rows of that day only:
    rows of earlier days must not contain later decisions.
    """
    con.execute(f"""update corrections set decided_at_day = least(decided_at_day, {day}),
        recorded_at_day = least(recorded_at_day, {day})""")


def copies_sql(home: str) -> list[tuple[str, str]]:
    """The copies, in order: the appealed groups of rows, the days of the decisions, and the rows after each stage."""
    return [
        ("appealed", appealed_sql(home)),
        ("stages", STAGES),
        ("parties", parties_sql(home)),
        *((table, _copy(home, table)) for table in CORRECTED),
        ("sellers", _seller_copies(home)),
    ]


def appealed_sql(home: str) -> str:
    """Corrections with the group of rows they are about: an order, or a case or rating without an order."""
    corrections = " union all ".join(
        f"""select distinct {_group(t, "r")} as unit, c.*
        from {home}.corrections as c join {home}.{t} as r on c.table_name = '{t}' and c.row_key = {_key(t, "r")}"""
        for t in CORRECTED
    )
    return f"select * from ({corrections}) as a"


STAGES = """select unit, stage, decided_day, lead(decided_day) over (partition by unit order by stage) as next_day
    from (select distinct unit, 0 as stage, cast(null as integer) as decided_day from appealed
    union all
    select unit, row_number() over (partition by unit order by decided_at_day) as stage, decided_at_day as decided_day
    from (select distinct unit, decided_at_day from appealed) as d) as s"""


def _copy(home: str, table: str) -> str:
    """The rows of a table at every stage, without excluded rows and with the faults decided by then."""
    renamed = {"seller_id": STAGED_SELLER, "order_id": _staged("r.order_id")}
    renamed |= {TABLES[table].key[0]: _staged(f"r.{TABLES[table].key[0]}")}
    if table != "orders":
        renamed |= {"fault": "coalesce(a.ruled, r.fault)"}
    columns = ", ".join(f"{renamed.get(c, f'r.{c}')} as {c}" for c in TABLES[table].typed)
    extra = ", a.ruled as ruled_fault" if table == "orders" else ""
    return f"""select {columns}{extra} from {home}.{table} as r
        join stages as s on s.unit = {_group(table, "r")}
        left join ({_decisions(table)}) as a
        on a.unit = s.unit and a.stage = s.stage and a.row_key = {_key(table, "r")}
        where coalesce(a.excluded, 0) = 0"""


def _decisions(table: str) -> str:
    """For each stage and row, the result of all decisions up to then: excluded, or the fault that was decided last."""
    changed = "case when effect = 'fault_changed' then"
    return f"""select s.unit, s.stage, a.row_key, max(case when effect = 'excluded' then 1 else 0 end) as excluded,
            max_by({changed} new_fault end, {changed} concat(decided_at, correction_id) end) as ruled
        from appealed as a join stages as s on s.unit = a.unit and a.decided_at_day <= s.decided_day
        where a.table_name = '{table}' group by s.unit, s.stage, a.row_key"""


def parties_sql(home: str) -> str:
    """Every stage of every appealed group, with the sellers of its rows."""
    named = " union ".join(
        f"select seller_id, {_group(t, 'r')} as unit from {home}.{t} as r" for t in ("orders", "cases", "feedback")
    )
    return f"""select r.seller_id as original, {STAGED_SELLER} as seller_id, s.decided_day, s.next_day
        from ({named}) as r join stages as s on s.unit = r.unit"""


def _seller_copies(home: str) -> str:
    columns = ", ".join(f"{'p.seller_id' if c == 'seller_id' else f'r.{c}'} as {c}" for c in TABLES["sellers"].typed)
    return f"select {columns} from {home}.sellers as r join parties as p on p.original = r.seller_id"


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


def difference_sql(quantities: Iterable[str], schema: str) -> str:
    """Rows for ledger_corrections: each stage's ledger is added on its day, and taken back on the next stage's day."""
    names = list(quantities)
    entries = {
        "ledger": ("day", "{decided}"),
        "ledger_corrections": ("effective_day", "greatest(e.decided_day, {decided})"),
    }
    rows = " union all ".join(
        f"select t.original as seller_id, e.{day} as effective_day, "
        f"{known.format(decided=f't.{when}')} as decided_day, "
        f"{', '.join(f'0 as {q}' if q in NEW_TO_SELLER else f'{sign}e.{q} as {q}' for q in names)}"
        f" from {schema}.{table} as e join {schema}.parties as t on t.seller_id = e.seller_id "
        f"where t.{when} is not null"
        for table, (day, known) in entries.items()
        for when, sign in (("decided_day", ""), ("next_day", "-"))
    )
    sums = ", ".join(f"cast(sum({q}) as bigint) as {q}" for q in names)
    changed = " or ".join(f"sum({q}) <> 0" for q in names)
    return f"""select seller_id, effective_day, decided_day, {sums} from ({rows}) as d
        group by seller_id, effective_day, decided_day having {changed}"""
