"""Cases and their events in the database; nothing changes a case but `step`, and each step is a version."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from serving.casework import arms, rules
from serving.casework.cases import LIVE, OPEN, Case, Event, Facts, RiskShown
from serving.casework.people import FORESELL, Person
from serving.casework.refusals import ConflictError, MissingError
from serving.records.chain import record
from serving.records.clock import written
from serving.records.tables.casework import CASE_DECISIONS, CASE_EVENTS, CASES

PLAIN = tuple(f.name for f in fields(Case) if f.name != "facts")
# Facts that the queue is filtered and ranked by have columns of their own.
RANKED = ("loss_avoided", "family", "seller_name", "category", "region", "size", "fulfilment", "tenure_days")
TENURES = {"new": (0, 89), "first_year": (90, 364), "older": (365, 1_000_000)}  # days since the first order
FILTERS = ("risk", "band", "family", "category", "region", "size", "fulfilment", "assignee")


def find(con: sa.Connection, case_id: str) -> Case:
    """The case; MissingError when there is none."""
    row = con.execute(sa.select(CASES).where(CASES.c.case_id == case_id)).mappings().first()
    if row is None:
        raise MissingError("The case must exist.", case_id, "go back to the queue")
    return from_row(row)


def live_case(con: sa.Connection, seller_id: str, risk: str) -> Case | None:
    """The one case of a seller and risk that waits for a decision."""
    mine = (CASES.c.seller_id == seller_id) & (CASES.c.risk == risk) & CASES.c.state.in_(LIVE)
    row = con.execute(sa.select(CASES).where(mine)).mappings().first()
    return from_row(row) if row else None


def of_seller(con: sa.Connection, seller_id: str) -> list[Case]:
    """All cases of a seller, the newest first."""
    chosen = sa.select(CASES).where(CASES.c.seller_id == seller_id).order_by(CASES.c.opened_at.desc(), CASES.c.case_id)
    return [from_row(row) for row in con.execute(chosen).mappings()]


def withheld(con: sa.Connection, seller_ids: Iterable[str]) -> dict[tuple[str, str], str]:
    """What the live cases of sellers withhold until a first look: score or reasons, by seller and risk."""
    c = CASES.c
    mine = c.seller_id.in_(list(seller_ids)) & c.state.in_(LIVE) & (c.arm != arms.FULL)
    rows = con.execute(sa.select(c.seller_id, c.risk, c.arm, c.first_look).where(mine)).all()
    return {(r.seller_id, r.risk): hidden for r in rows for hidden in arms.withheld(r.arm, r.first_look)}


def waiting(at: datetime) -> sa.ColumnElement[bool]:
    """The condition of cases that are in the queue and that nobody has, at a moment."""
    state, moment = CASES.c.state, written(at)
    unlocked = (state == "taken") & (CASES.c.locked_until <= moment)
    return (state == OPEN) | unlocked | ((state == "snoozed") & (CASES.c.snoozed_until <= moment))


def matching(chosen: Mapping[str, str], search: str = "") -> list[sa.ColumnElement[bool]]:
    """Conditions of a filter: columns by value, and a text in the seller's id or name."""
    found = [CASES.c[name] == value for name, value in chosen.items() if name in FILTERS and value]
    if chosen.get("family"):  # of a case that withholds its reasons, this would tell the strongest
        found.append((CASES.c.arm != arms.NO_REASONS) | (CASES.c.first_look != ""))
    if tenure := TENURES.get(chosen.get("tenure", "")):
        found.append(CASES.c.tenure_days.between(*tenure))
    if search:
        found.append(
            sa.or_(*(CASES.c[name].icontains(search, autoescape=True) for name in ("seller_id", "seller_name")))
        )
    return found


def events(con: sa.Connection, case_id: str) -> list[Event]:
    """What happened to a case, the oldest first."""
    rows = con.execute(sa.select(CASE_EVENTS).where(CASE_EVENTS.c.case_id == case_id).order_by(CASE_EVENTS.c.version))
    return [_event(row) for row in rows.mappings()]


def events_of_kind(con: sa.Connection, action: str) -> list[Event]:
    """Events of one action on any case, the oldest first."""
    rows = con.execute(sa.select(CASE_EVENTS).where(CASE_EVENTS.c.action == action).order_by(CASE_EVENTS.c.at))
    return [_event(row) for row in rows.mappings()]


def last_event(con: sa.Connection, case: Case) -> Event | None:
    """The event that made the case's present version."""
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
    _keep(con, Event(case.case_id, case.version, case.opened_at, person.name, person.role, "open", detail=opened))


def step(
    con: sa.Connection,
    case: Case,
    seen: int,
    action: str,
    person: Person,
    at: datetime,
    detail: Mapping[str, object] | None = None,
    **changed: Any,
) -> Case:
    """One action on the version that the person has seen: checked, written, and kept as an event; the case after it.

    ConflictError when the case has a newer version by now, also when it gets one in this very moment.
    """
    if seen != case.version:
        raise conflict(con, case)
    rule = rules.check(case, action, person, at, decided_by(con, case.case_id))
    after = {"state": rule.to, **changed} if rule.to else dict(changed)
    return change(con, case, action, person, at, after, detail or {})


def change(
    con: sa.Connection,
    case: Case,
    action: str,
    person: Person,
    at: datetime,
    changed: Mapping[str, Any],
    detail: Mapping[str, object],
) -> Case:
    """Write changed fields as a new version, if the version is still the newest."""
    after = Case(**{name: getattr(case, name) for name in (*PLAIN, "facts")} | {**changed, "version": case.version + 1})
    same = (CASES.c.case_id == case.case_id) & (CASES.c.version == case.version)
    if con.execute(sa.update(CASES).where(same).values(to_row(after))).rowcount != 1:
        raise conflict(con, find(con, case.case_id))
    names = [name for name in PLAIN if name != "version" and getattr(case, name) != getattr(after, name)]
    before = {name: str(getattr(case, name)) for name in names}
    known = {name: str(getattr(after, name)) for name in names}
    _keep(con, Event(case.case_id, after.version, written(at), person.name, person.role, action, before, known, detail))
    return after


def refresh(con: sa.Connection, case: Case, now: Facts, at: datetime) -> Case:
    """The case with facts of newer scores."""
    told = {"as_of": now.as_of, "decision_id": now.decision_id, "digest": now.digest}
    return change(con, case, "refresh", FORESELL, at, {"facts": now}, told)


def conflict(con: sa.Connection, case: Case) -> ConflictError:
    """What a person is told who acted on an older version."""
    last = last_event(con, case)
    found = f"{last.action.replace('_', ' ')} by {last.person} at {last.at[:16]}" if last else "a newer version"
    return ConflictError("A case is changed as it stands, not as it stood.", found, "read the case again, then decide")


def to_row(case: Case) -> dict[str, Any]:
    """A case as its table keeps it."""
    own = case.facts.risks[case.risk]
    plain = {name: getattr(case, name) for name in PLAIN}
    ranked = {name: getattr(case.facts, name) for name in RANKED}
    facts = json.dumps(asdict(case.facts), ensure_ascii=False)
    return plain | ranked | {"probability": own.probability, "band": own.band, "facts": facts}


def from_row(row: Any) -> Case:
    """A case from its row."""
    said = json.loads(row["facts"])
    risks = {name: RiskShown(r["probability"], tuple(r["interval_90"]), r["band"]) for name, r in said["risks"].items()}
    return Case(**{name: row[name] for name in PLAIN}, facts=Facts(**said | {"risks": risks}))


def _event(row: Any) -> Event:
    """An event; one whose payload was erased says only that it happened."""
    before, after, detail = (json.loads(row[name] or "{}") for name in ("before", "after", "detail"))
    person = row["person"] or ""
    return Event(row["case_id"], row["version"], row["at"], person, row["role"], row["action"], before, after, detail)


def _keep(con: sa.Connection, event: Event) -> None:
    """Events are records of the chain: one that is altered or taken out is found."""
    plain = asdict(event)
    packed = {name: json.dumps(plain[name], ensure_ascii=False) for name in ("before", "after", "detail")}
    record(con, CASE_EVENTS, [plain | packed | {"event_id": f"{event.case_id}-{event.version}"}])


def newest(con: sa.Connection, conditions: Sequence[sa.ColumnElement[bool]], limit: int, offset: int = 0) -> list[Case]:
    """Cases by expected loss avoided, the largest first."""
    chosen = sa.select(CASES).where(*conditions).order_by(CASES.c.loss_avoided.desc(), CASES.c.case_id)
    return [from_row(row) for row in con.execute(chosen.limit(limit).offset(offset)).mappings()]
