"""Cases and their events in the database. Every change of a case is a new version with an event."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from features.table import NEW_SELLER_DAYS
from serving.audit_log.chain import record
from serving.casework.cases import experiment_arms, rules
from serving.casework.cases.case import FORESELL, LIVE, OPEN, Case, CaseEvent, CaseFacts, CaseRisk, Person
from serving.casework.cases.rules import ConflictError, MissingError
from serving.database.clock import written
from serving.database.tables.casework import CASE_DECISIONS, CASE_EVENTS, CASES

PLAIN_COLUMNS = tuple(f.name for f in fields(Case) if f.name != "facts")
# Facts that the queue is filtered and ranked by have columns of their own.
RANKED_COLUMNS = ("loss_avoided", "family", "seller_name", "category", "region", "size", "fulfilment", "tenure_days")
TENURES = {"new": (0, NEW_SELLER_DAYS - 1), "first_year": (NEW_SELLER_DAYS, 364), "older": (365, 1_000_000)}  # days
FILTERS = ("risk", "band", "family", "category", "region", "size", "fulfilment", "assignee")


def find(con: sa.Connection, case_id: str) -> Case:
    """The case; MissingError when there is none."""
    row = con.execute(sa.select(CASES).where(CASES.c.case_id == case_id)).mappings().first()
    if row is None:
        raise MissingError("The case must exist.", case_id, "go back to the queue")
    return from_row(row)


def of_seller(con: sa.Connection, seller_id: str) -> list[Case]:
    """All cases of a seller, the newest first."""
    chosen = sa.select(CASES).where(CASES.c.seller_id == seller_id).order_by(CASES.c.opened_at.desc(), CASES.c.case_id)
    return [from_row(row) for row in con.execute(chosen).mappings()]


def withheld(con: sa.Connection, seller_ids: Iterable[str]) -> dict[tuple[str, str], str]:
    """What the sellers' live cases withhold until a first look, `score` or `reasons`, by seller and risk."""
    c = CASES.c
    mine = c.seller_id.in_(list(seller_ids)) & c.state.in_(LIVE) & (c.arm != experiment_arms.FULL)
    rows = con.execute(sa.select(c.seller_id, c.risk, c.arm, c.first_look).where(mine)).all()
    return {(r.seller_id, r.risk): hidden for r in rows for hidden in experiment_arms.withheld(r.arm, r.first_look)}


def waiting(at: datetime) -> sa.ColumnElement[bool]:
    """The condition that a case is in the queue at a moment and that nobody has it."""
    state, moment = CASES.c.state, written(at)
    unlocked = (state == "taken") & (CASES.c.locked_until <= moment)
    return (state == OPEN) | unlocked | ((state == "snoozed") & (CASES.c.snoozed_until <= moment))


def matching(chosen: Mapping[str, str], search: str = "") -> list[sa.ColumnElement[bool]]:
    """Conditions of a filter: columns by value, and a text in the seller's id or name."""
    found = [CASES.c[name] == value for name, value in chosen.items() if name in FILTERS and value]
    if chosen.get("family"):  # this filter would reveal the strongest reason of a case that withholds its reasons
        found.append((CASES.c.arm != experiment_arms.NO_REASONS) | (CASES.c.first_look != ""))
    if tenure := TENURES.get(chosen.get("tenure", "")):
        found.append(CASES.c.tenure_days.between(*tenure))
    if search:
        found.append(
            sa.or_(*(CASES.c[name].icontains(search, autoescape=True) for name in ("seller_id", "seller_name")))
        )
    return found


def events(con: sa.Connection, case_id: str) -> list[CaseEvent]:
    """What happened to a case, the oldest first."""
    rows = con.execute(sa.select(CASE_EVENTS).where(CASE_EVENTS.c.case_id == case_id).order_by(CASE_EVENTS.c.version))
    return [_event(row) for row in rows.mappings()]


def events_of_kind(con: sa.Connection, action: str) -> list[CaseEvent]:
    """Events of one action on any case, the oldest first."""
    rows = con.execute(sa.select(CASE_EVENTS).where(CASE_EVENTS.c.action == action).order_by(CASE_EVENTS.c.at))
    return [_event(row) for row in rows.mappings()]


def last_event(con: sa.Connection, case: Case) -> CaseEvent | None:
    """The event of the case's newest version."""
    same = (CASE_EVENTS.c.case_id == case.case_id) & (CASE_EVENTS.c.version == case.version)
    row = con.execute(sa.select(CASE_EVENTS).where(same)).mappings().first()
    return _event(row) if row else None


def decided_by(con: sa.Connection, case_id: str) -> str:
    """Who made the case's standing decision; "" where there is none."""
    mine = (CASE_DECISIONS.c.case_id == case_id) & (CASE_DECISIONS.c.undone_at == "")
    newest = sa.select(CASE_DECISIONS.c.decided_by).where(mine).order_by(CASE_DECISIONS.c.decided_at.desc()).limit(1)
    return str(con.scalar(newest) or "")


def add(con: sa.Connection, case: Case, person: Person) -> None:
    """A new case, with the event that opens it."""
    con.execute(sa.insert(CASES), to_row(case) | {"opened_as_of": case.facts.as_of, "breached": None})
    opened = {"as_of": case.facts.as_of, "decision_id": case.facts.decision_id, "digest": case.facts.digest}
    opened |= {"arm": case.arm}
    _keep(con, CaseEvent(case.case_id, case.version, case.opened_at, person.name, person.role, "open", detail=opened))


def apply_action(
    con: sa.Connection,
    case: Case,
    seen_version: int,
    action: str,
    person: Person,
    at: datetime,
    detail: Mapping[str, object] | None = None,
    **changed: Any,
) -> Case:
    """Check an action against the rules, write it with its event, and return the new version of the case.

    ConflictError when the person has seen an older version, also when another transaction is faster.
    """
    if seen_version != case.version:
        raise conflict_error(con, case)
    rule = rules.check(case, action, person, at, decided_by(con, case.case_id))
    after = {"state": rule.to, **changed} if rule.to else dict(changed)
    return write_version(con, case, action, person, at, after, detail or {})


def write_version(
    con: sa.Connection,
    case: Case,
    action: str,
    person: Person,
    at: datetime,
    changed: Mapping[str, Any],
    detail: Mapping[str, object],
) -> Case:
    """Write changed fields as a new version, if the version is still the newest."""
    after = Case(
        **{name: getattr(case, name) for name in (*PLAIN_COLUMNS, "facts")} | {**changed, "version": case.version + 1}
    )
    same = (CASES.c.case_id == case.case_id) & (CASES.c.version == case.version)
    if con.execute(sa.update(CASES).where(same).values(to_row(after))).rowcount != 1:
        raise conflict_error(con, find(con, case.case_id))
    names = [name for name in PLAIN_COLUMNS if name != "version" and getattr(case, name) != getattr(after, name)]
    before_values = {name: str(getattr(case, name)) for name in names}
    after_values = {name: str(getattr(after, name)) for name in names}
    _keep(
        con,
        CaseEvent(
            case.case_id,
            after.version,
            written(at),
            person.name,
            person.role,
            action,
            before_values,
            after_values,
            detail,
        ),
    )
    return after


def refresh(con: sa.Connection, case: Case, now: CaseFacts, at: datetime) -> Case:
    """The case with facts of newer scores."""
    detail = {"as_of": now.as_of, "decision_id": now.decision_id, "digest": now.digest}
    return write_version(con, case, "refresh", FORESELL, at, {"facts": now}, detail)


def conflict_error(con: sa.Connection, case: Case) -> ConflictError:
    """The error for a person who acted on an older version: who made the newest one, and when."""
    last = last_event(con, case)
    found = f"{last.action.replace('_', ' ')} by {last.person} at {last.at[:16]}" if last else "a newer version"
    return ConflictError("A change needs the newest version of the case.", found, "read the case again, then decide")


def to_row(case: Case) -> dict[str, Any]:
    """A case as its table keeps it."""
    own = case.facts.risks[case.risk]
    plain = {name: getattr(case, name) for name in PLAIN_COLUMNS}
    ranked = {name: getattr(case.facts, name) for name in RANKED_COLUMNS}
    facts = json.dumps(asdict(case.facts), ensure_ascii=False)
    return plain | ranked | {"probability": own.probability, "band": own.band, "facts": facts}


def from_row(row: Any) -> Case:
    """A case from its row."""
    stored = json.loads(row["facts"])
    risks = {
        name: CaseRisk(r["probability"], tuple(r["interval_90"]), r["band"]) for name, r in stored["risks"].items()
    }
    return Case(**{name: row[name] for name in PLAIN_COLUMNS}, facts=CaseFacts(**stored | {"risks": risks}))


def _event(row: Any) -> CaseEvent:
    """An event from its row; after an erasure only the fact that it happened is left."""
    before, after, detail = (json.loads(row[name] or "{}") for name in ("before", "after", "detail"))
    person = row["person"] or ""
    return CaseEvent(
        row["case_id"], row["version"], row["at"], person, row["role"], row["action"], before, after, detail
    )


def _keep(con: sa.Connection, event: CaseEvent) -> None:
    """Write an event as a record of the chain, so that an altered or missing event is detected."""
    plain = asdict(event)
    packed = {name: json.dumps(plain[name], ensure_ascii=False) for name in ("before", "after", "detail")}
    record(con, CASE_EVENTS, [plain | packed | {"event_id": f"{event.case_id}-{event.version}"}])


def by_loss_avoided(
    con: sa.Connection, conditions: Sequence[sa.ColumnElement[bool]], limit: int, offset: int = 0
) -> list[Case]:
    """Cases by expected loss avoided, the largest first."""
    chosen = sa.select(CASES).where(*conditions).order_by(CASES.c.loss_avoided.desc(), CASES.c.case_id)
    return [from_row(row) for row in con.execute(chosen.limit(limit).offset(offset)).mappings()]
