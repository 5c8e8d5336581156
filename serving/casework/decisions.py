"""Decisions: help first, restrain later, or no action; each is kept with what was shown.

A restriction needs a named person, a ground, facts and an appeal route. It also needs to come later than help: the
seller is in breach today, or was helped before, or the facts say why customers cannot wait.
"""

import json
from datetime import date, datetime
from uuid import uuid4

import sqlalchemy as sa

from features.contract import HELPING, RESTRICTING
from serving.casework import arms, book, records, regimes
from serving.casework.cases import Case
from serving.casework.clock import UNDO, closing, later
from serving.casework.decision import KINDS, NAMES, NO_ACTION, Choice, Decision, Setup, to_row
from serving.casework.people import Person
from serving.casework.records import Record
from serving.casework.refusals import IncompleteError, NotAllowedError
from serving.casework.telling import packs_of, write_letter
from serving.records.clock import written
from serving.records.database import writing
from serving.records.tables.casework import CASE_DECISIONS

LEAST_FACTS = 20  # characters: a word is no reason
LONGEST_TEXT = 4000
LONGEST_RESTRICTION = 90  # days, after which it must be decided anew; our assumption


def decide(
    engine: sa.Engine, case_id: str, seen: int, person: Person, at: datetime, choice: Choice, setup: Setup
) -> Decision:
    """Decide a case that the person has: checked, kept with what was shown, and told in a letter."""
    with writing(engine) as con:
        case = book.find(con, case_id)
        if seen != case.version:
            raise book.conflict(con, case)
        record = records.read(con, case.facts.decision_id)
        check(con, case, record, choice)
        made = _made(con, case, record, person, at, choice, setup)
        if made.letter:
            regimes.check(packs_of(case, choice, setup), made.letter)
        told = {"kind": made.kind, "case_decision_id": made.case_decision_id, **made.shown}
        told["digest_of_decision"] = records.digest(json.dumps(to_row(made), sort_keys=True).encode())
        book.step(con, case, seen, "decide", person, at, told, locked_until="")
        con.execute(sa.insert(CASE_DECISIONS), to_row(made))
        return made


def check(con: sa.Connection, case: Case, record: Record, choice: Choice) -> None:
    """Refuse a choice that lacks something; IncompleteError names the field."""
    if choice.kind not in KINDS:
        raise IncompleteError("kind", f"A decision is one of {', '.join(KINDS)}.", choice.kind or "none", "choose one")
    if arms.withheld(case.arm, case.first_look):
        step = "say first what you would do without it; then it is shown"
        raise NotAllowedError("A case that withholds something is decided after a first look.", case.arm, step)
    for name in ("facts", "appeal", "urgent"):
        if len(getattr(choice, name)) > LONGEST_TEXT:
            found = f"{len(getattr(choice, name)):,}"
            raise IncompleteError(name, f"A text has at most {LONGEST_TEXT:,} characters.", found, "write it shorter")
    if choice.kind in RESTRICTING:
        _check_restriction(con, case, record, choice)


def _check_restriction(con: sa.Connection, case: Case, record: Record, choice: Choice) -> None:
    held = record.said["risks"][case.risk]["standard"]
    ground = (choice.standard, choice.standard_version)
    if ground != (held["name"], held["version"]):
        rule = "A restriction rests on the standard of its case, in the version that the record names."
        step = f"choose {held['name']}, version {held['version']}"
        raise IncompleteError("standard", rule, " ".join(ground).strip() or "none", step)
    for name, told in (("facts", "what happened, with orders and counts"), ("appeal", "how the seller can object")):
        if len(getattr(choice, name).strip()) < LEAST_FACTS:
            rule = f"A restriction says {told}, in at least {LEAST_FACTS} characters."
            raise IncompleteError(name, rule, repr(getattr(choice, name)), "write it for the seller to read")
    _check_later(con, case, record, choice)


def _check_later(con: sa.Connection, case: Case, record: Record, choice: Choice) -> None:
    """Help first: a restriction without a breach and without earlier help says why it cannot wait."""
    in_breach = record.said["risks"][case.risk]["in_breach"]
    urgent = len(choice.urgent.strip()) >= LEAST_FACTS
    if not (in_breach or urgent or _helped(con, case)):
        rule = "Help comes before a restriction, unless the standard is missed today or customers cannot wait."
        step = "offer help first, or write why customers cannot wait"
        raise IncompleteError("urgent", rule, "no breach today and no help so far", step)


def _helped(con: sa.Connection, case: Case) -> bool:
    d = CASE_DECISIONS.c
    mine = (d.seller_id == case.seller_id) & (d.risk == case.risk) & d.kind.in_(HELPING) & (d.undone_at == "")
    return con.scalar(sa.select(d.case_decision_id).where(mine).limit(1)) is not None


def _made(
    con: sa.Connection, case: Case, record: Record, person: Person, at: datetime, choice: Choice, setup: Setup
) -> Decision:
    held = record.said["risks"][case.risk]["standard"]
    arm, propensity = _assigned(con, case, choice.kind, setup.holdout)
    facts = "\n\n".join(text.strip() for text in (choice.facts, choice.urgent) if text.strip())
    plain = Decision(
        case_decision_id=uuid4().hex,
        case_id=case.case_id,
        seller_id=case.seller_id,
        risk=case.risk,
        kind=choice.kind,
        decided_at=written(at),
        decided_by=person.name,
        effective_at=later(at, UNDO),
        ends_at=_ends(choice, at),
        standard=held["name"],
        standard_version=held["version"],
        facts=facts,
        appeal=choice.appeal.strip(),
        shown={
            "decision_id": record.decision_id,
            "digest": record.digest,
            "arm": case.arm,
            "first_look": case.first_look,
        },
        arm=arm,
        propensity=propensity,
        letter=None,
    )
    told = choice.kind != NO_ACTION and arm != "holdout"
    letter = write_letter(plain, case, record, choice, setup) if told else None
    return Decision(**{name: getattr(plain, name) for name in NAMES} | {"letter": letter})


def _assigned(con: sa.Connection, case: Case, kind: str, holdout: float) -> tuple[str, float | None]:
    """Arm and propensity of help, where a share is held out to learn what it does; restrictions are never drawn."""
    if kind not in HELPING or not holdout:
        return "", None
    place = arms.drawn(arms.salt_of(con, arms.HOLDOUT), case.seller_id, case.risk, case.opened_at)
    return ("holdout" if place < holdout else "treatment"), 1 - holdout


def _ends(choice: Choice, at: datetime) -> str:
    if choice.kind not in RESTRICTING or not choice.until:
        return ""
    try:
        days = (date.fromisoformat(choice.until) - at.date()).days
    except ValueError:
        days = 0
    if not 0 < days <= LONGEST_RESTRICTION:
        rule = f"A restriction ends 1 to {LONGEST_RESTRICTION} days from now, or when it is lifted."
        raise IncompleteError("until", rule, choice.until, "choose a nearer day")
    return closing(choice.until)
