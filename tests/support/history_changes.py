"""What may be done to a history without a past day noticing: another future, another order of rows, a late version."""

from datetime import UTC, datetime, timedelta
from random import Random

from tests.support.histories import VERSIONED, History, only
from tests.support.oracle import BORN, SPOKEN
from tests.support.oracle_appeals import KEYS
from tests.support.oracle_orders import earliest
from tests.support.random_rows import Draw, Row, Tables, edited, not_cancelled, seller_rows, versions_of

LATER: dict[str, dict[str, list[str]]] = {"sellers": {"left_at": []}, **SPOKEN}
EVENT = {"interventions": "started_at", "corrections": "decided_at"}


def other_future(history: History, day: int, rng: Random) -> History:
    """The same history up to the close of a day, and another one after it."""
    draw = Draw(rng, after(day), history.zone, history.dates_only)
    tables = {
        table: [new for row in rows for new in kept(history, draw, table, row, day)]
        for table, rows in history.tables.items()
    }
    for table, rows in later_rows(history, draw).items():
        tables[table] += rows
    return history.with_tables(tables)


def after(day: int) -> datetime:
    """A moment after the close of a day, in every zone."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day + 2)


def kept(history: History, draw: Draw, table: str, row: Row, day: int) -> list[Row]:
    """The row as it was known at the close of the day, and otherwise later; nothing where it was not known yet."""
    told = (
        row.get("recorded_at")
        or row.get(EVENT.get(table, ""))
        or earliest(row.get(moment) for moment in BORN.get(table, ()))
    )
    if told is not None and history.day(told) > day:
        return [otherwise(draw, table, row)] if draw.maybe(0.3) and table in VERSIONED else []
    return [row if row.get("recorded_at") else otherwise_later(history, draw, table, row, day)]


def otherwise(draw: Draw, table: str, row: Row) -> Row:
    """A row of the future with other values, still of the future."""
    other = edited(draw, table, row)
    fixed = ["recorded_at"] if row.get("recorded_at") else BORN.get(table, ())
    return only({**other, **{column: row.get(column) for column in fixed}}, list(row))


def otherwise_later(history: History, draw: Draw, table: str, row: Row, day: int) -> Row:
    """Without recorded_at: every value that speaks of a later moment is blank, or speaks of another one."""
    new = dict(row)
    for moment, values in LATER.get(table, {}).items():
        if moment in row and (row[moment] is None or history.day(row[moment]) > day):
            new[moment] = draw.moment(0, 20) if draw.maybe(0.6) else None
            other = edited(draw, table, row)
            new.update({column: other[column] for column in values if column in row})
    return new if new.get("cancelled_at") or "cancelled_at" not in row else not_cancelled(new)


def later_rows(history: History, draw: Draw) -> Tables:
    """New rows after the draw's start: of known sellers and a new one, some of them about old orders."""
    old = sorted({(line["seller_id"], line["order_id"]) for line in history.tables["orders"]})
    sellers = sorted({seller for seller, _ in old})
    tables: Tables = {table: [] for table in history.tables}
    for seller in [*draw.rng.sample(sellers, min(len(sellers), 8)), "new"]:
        orders = [order for who, order in old if who == seller]
        rows = seller_rows(draw, seller, 3, 2, appeals=bool(history.tables["corrections"]))
        if seller != "new":
            rows["sellers"] = []
        for table in tables:
            for row in rows[table]:
                tables[table] += as_told(history, draw, table, renamed(row, orders[:1]))
    return tables


def renamed(row: Row, orders: list[str]) -> Row:
    """New keys for a new row; its first order is an old one, where there is any."""
    new = {name: f"later-{value}" if name in IDS else value for name, value in row.items()}
    if orders and str(row.get("order_id", "")).endswith("-0"):
        new["order_id"] = orders[0]
    return new


IDS = {"order_id", "line_id", "return_id", "case_id", "feedback_id", "intervention_id", "correction_id"}


def as_told(history: History, draw: Draw, table: str, row: Row) -> list[Row]:
    if row.get("order_id") == "later-None":
        row["order_id"] = None
    versions = versions_of(draw, table, row) if table in history.versioned else [row]
    return [only(version, history.columns(table)) for version in versions]


def shuffled_and_doubled(history: History, rng: Random) -> History:
    """The same rows in another order, some of them twice or three times."""
    tables = {}
    for table, rows in history.tables.items():
        tables[table] = rows + [dict(row) for row in rows for _ in range(rng.choice((0, 0, 1, 2)))]
        rng.shuffle(tables[table])
    return history.with_tables(tables)


def with_late_versions(history: History, day: int, rng: Random) -> History:
    """Some rows of the versioned tables with one more version, recorded on a later day than this one."""
    draw = Draw(rng, after(day), history.zone, history.dates_only)
    tables = dict(history.tables)
    for table in sorted(history.versioned):
        keys = {tuple(row[key] for key in KEYS[table]): row for row in history.tables[table]}
        late = [late_version(draw, table, row) for row in keys.values() if row["recorded_at"] and draw.maybe(0.3)]
        tables[table] = history.tables[table] + [only(row, history.columns(table)) for row in late]
    return history.with_tables(tables)


def late_version(draw: Draw, table: str, row: Row) -> Row:
    # An odd microsecond, so that it never has the moment of another version of its key.
    return {**edited(draw, table, row), "recorded_at": draw.moment(0, 20).replace(microsecond=777)}


def overwritten(orders: list[Row]) -> list[Row]:
    """A planted fault: of each order line the newest version, told when its first was: a table kept in place."""
    told = sorted(orders, key=lambda row: (row["recorded_at"] is not None, row["recorded_at"] or 0))
    last = {(row["order_id"], row["line_id"]): row for row in told}
    first = {(row["order_id"], row["line_id"]): row["recorded_at"] for row in reversed(told)}
    return [{**row, "recorded_at": first[key]} for key, row in last.items()]
