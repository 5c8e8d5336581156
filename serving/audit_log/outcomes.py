"""Outcomes: what other systems say came true, recorded once for each outcome_id."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from serving.audit_log.chain import record
from serving.database.clock import now
from serving.database.tables.predictions import OUTCOMES, PREDICTIONS
from serving.problems import ProblemError, refuse

Row = Mapping[str, Any]
OUTCOME_FIELDS = (
    "seller_id",
    "risk",
    "observed_on",
    "in_breach",
    "source",
    "decision_id",
)  # what makes an outcome this one


def keep(con: sa.Connection, given: Sequence[Row], request_id: str) -> None:
    """Record those that are new. ProblemError when one is known with other contents, or names no prediction of ours."""
    known = {row["outcome_id"]: row for row in _find(con, OUTCOMES.c.outcome_id, [g["outcome_id"] for g in given])}
    for number, row in enumerate(given):
        _check_same(row, known.get(row["outcome_id"]), number)
    new = [row for row in given if row["outcome_id"] not in known]
    _check_decisions(con, given)
    moment = now()
    record(con, OUTCOMES, [{**row, "recorded_at": moment, "request_id": request_id} for row in new])


def listed(con: sa.Connection, wanted: Mapping[str, str | None], limit: int, after: str | None = None) -> list[Row]:
    """Up to `limit` outcomes with the wanted values, the oldest first, those after the outcome_id `after`."""
    time, key = OUTCOMES.c.recorded_at, OUTCOMES.c.outcome_id
    conditions = [OUTCOMES.c[name] == value for name, value in wanted.items() if value is not None]
    if after is not None:
        moment = con.scalar(sa.select(time).where(key == after))
        if moment is None:
            raise _wrong("/after", "There is no such outcome.")
        conditions.append(sa.tuple_(time, key) > sa.tuple_(moment, after))
    found = con.execute(sa.select(OUTCOMES).where(*conditions).order_by(time, key).limit(limit))
    return [_shown(dict(row)) for row in found.mappings()]


def _find(con: sa.Connection, column: sa.Column[Any], values: Sequence[str]) -> Sequence[Row]:
    found = con.execute(sa.select(column.table).where(column.in_(values))).mappings()
    return [dict(row) for row in found]


def _check_same(given: Row, known: Row | None, number: int) -> None:
    if known is None:
        return
    if known["erased_at"] is not None:
        raise refuse("erased", f"The outcome at /outcomes/{number} was recorded before and has been erased.")
    if any(given[name] != known[name] for name in OUTCOME_FIELDS):
        raise refuse(
            "outcome-conflict", f"It is the outcome at /outcomes/{number}; use a new outcome_id for a new outcome."
        )


def _check_decisions(con: sa.Connection, given: Sequence[Row]) -> None:
    """An outcome that names a prediction is of the seller that was predicted."""
    named = [row["decision_id"] for row in given if row["decision_id"]]
    if not named:
        return
    sellers = {row["decision_id"]: row["seller_id"] for row in _find(con, PREDICTIONS.c.decision_id, named)}
    for number, row in enumerate(given):
        if row["decision_id"] and row["decision_id"] not in sellers:
            raise _wrong(f"/outcomes/{number}/decision_id", "There is no such decision.")
        if row["decision_id"] and sellers[row["decision_id"]] not in (row["seller_id"], None):
            raise _wrong(f"/outcomes/{number}/seller_id", "The decision is about another seller.")


def _wrong(pointer: str, detail: str) -> ProblemError:
    return refuse("invalid-request", f"{pointer}: {detail}", errors=[{"pointer": pointer, "detail": detail}])


def _shown(row: Row) -> Row:
    breach = None if row["in_breach"] is None else bool(row["in_breach"])
    return {**{name: row[name] for name in ("outcome_id", "recorded_at", *OUTCOME_FIELDS)}, "in_breach": breach}
