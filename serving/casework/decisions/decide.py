"""Decisions: help first, restrict later, or no action; each is stored with what the page showed.

A restriction needs a named person, a ground, facts and an appeal route. It also needs to come later than help: the
seller is in breach today, or was helped before, or the facts say why customers cannot wait.
"""

import json
from datetime import date, datetime
from uuid import uuid4

import sqlalchemy as sa

from features.ingest.contract import HELPING, RESTRICTING
from serving.casework.cases import case_repository, experiment_arms
from serving.casework.cases.case import Case, Person
from serving.casework.cases.rules import UNDO_SPAN, IncompleteError, NotAllowedError, end_of_day, later
from serving.casework.decisions import regimes
from serving.casework.decisions.decision import (
    DECISION_COLUMNS,
    DECISION_KINDS,
    NO_ACTION,
    Decision,
    DecisionForm,
    DecisionSettings,
    to_row,
)
from serving.casework.decisions.write_letter import packs_of, write_letter
from serving.casework.snapshots import logged_answers
from serving.casework.snapshots.logged_answers import LoggedAnswer
from serving.database.clock import written
from serving.database.connection import writing
from serving.database.tables.casework import CASE_DECISIONS

LEAST_FACTS = 20  # characters: a word is no reason
LONGEST_TEXT = 4000
LONGEST_RESTRICTION = 90  # days, after which it must be decided anew; our assumption


def decide(
    engine: sa.Engine,
    case_id: str,
    seen_version: int,
    person: Person,
    at: datetime,
    form: DecisionForm,
    settings: DecisionSettings,
) -> Decision:
    """Decide a case that the person has: check the form, store it with what the page showed, and write the letter."""
    with writing(engine) as con:
        case = case_repository.find(con, case_id)
        if seen_version != case.version:
            raise case_repository.conflict_error(con, case)
        answer = logged_answers.read(con, case.facts.decision_id)
        check(con, case, answer, form)
        decision = _decision(con, case, answer, person, at, form, settings)
        if decision.letter:
            regimes.check(packs_of(case, form, settings), decision.letter)
        detail = {"kind": decision.kind, "case_decision_id": decision.case_decision_id, **decision.shown}
        detail["digest_of_decision"] = logged_answers.digest(json.dumps(to_row(decision), sort_keys=True).encode())
        case_repository.apply_action(con, case, seen_version, "decide", person, at, detail, locked_until="")
        con.execute(sa.insert(CASE_DECISIONS), to_row(decision))
        return decision


def check(con: sa.Connection, case: Case, answer: LoggedAnswer, form: DecisionForm) -> None:
    """Check the form of a decision; IncompleteError names the field that lacks something."""
    if form.kind not in DECISION_KINDS:
        raise IncompleteError(
            "kind", f"A decision is one of {', '.join(DECISION_KINDS)}.", form.kind or "none", "choose one"
        )
    if experiment_arms.withheld(case.arm, case.first_look):
        step = "take the first look; then everything is shown"
        raise NotAllowedError(
            "A case that hides score or reasons can be decided only after a first look.", case.arm, step
        )
    for name in ("facts", "appeal", "urgent"):
        if len(getattr(form, name)) > LONGEST_TEXT:
            found = f"{len(getattr(form, name)):,}"
            raise IncompleteError(name, f"A text has at most {LONGEST_TEXT:,} characters.", found, "write it shorter")
    if form.kind in RESTRICTING:
        _check_restriction(con, case, answer, form)


def _check_restriction(con: sa.Connection, case: Case, answer: LoggedAnswer, form: DecisionForm) -> None:
    standard = answer.result["risks"][case.risk]["standard"]
    ground = (form.standard, form.standard_version)
    if ground != (standard["name"], standard["version"]):
        rule = "A restriction must refer to the standard of its case, in the version of the logged answer."
        step = f"choose {standard['name']}, version {standard['version']}"
        raise IncompleteError("standard", rule, " ".join(ground).strip() or "none", step)
    for name, content in (("facts", "what happened, with orders and counts"), ("appeal", "how the seller can object")):
        if len(getattr(form, name).strip()) < LEAST_FACTS:
            rule = f"A restriction must say {content}, in at least {LEAST_FACTS} characters."
            raise IncompleteError(name, rule, repr(getattr(form, name)), "write it for the seller to read")
    _check_help_first(con, case, answer, form)


def _check_help_first(con: sa.Connection, case: Case, answer: LoggedAnswer, form: DecisionForm) -> None:
    """Without a breach today and without earlier help, a restriction must say why customers cannot wait."""
    in_breach = answer.result["risks"][case.risk]["in_breach"]
    urgent = len(form.urgent.strip()) >= LEAST_FACTS
    if not (in_breach or urgent or _helped(con, case)):
        rule = "Help must come before a restriction, unless the standard is in breach today or customers cannot wait."
        step = "offer help first, or write why customers cannot wait"
        raise IncompleteError("urgent", rule, "no breach today and no help so far", step)


def _helped(con: sa.Connection, case: Case) -> bool:
    d = CASE_DECISIONS.c
    mine = (d.seller_id == case.seller_id) & (d.risk == case.risk) & d.kind.in_(HELPING) & (d.undone_at == "")
    return con.scalar(sa.select(d.case_decision_id).where(mine).limit(1)) is not None


def _decision(
    con: sa.Connection,
    case: Case,
    answer: LoggedAnswer,
    person: Person,
    at: datetime,
    form: DecisionForm,
    settings: DecisionSettings,
) -> Decision:
    standard = answer.result["risks"][case.risk]["standard"]
    arm, propensity = _assign_arm(con, case, form.kind, settings.holdout)
    facts = "\n\n".join(text.strip() for text in (form.facts, form.urgent) if text.strip())
    draft = Decision(
        case_decision_id=uuid4().hex,
        case_id=case.case_id,
        seller_id=case.seller_id,
        risk=case.risk,
        kind=form.kind,
        decided_at=written(at),
        decided_by=person.name,
        effective_at=later(at, UNDO_SPAN),
        ends_at=_end_of_restriction(form, at),
        standard=standard["name"],
        standard_version=standard["version"],
        facts=facts,
        appeal=form.appeal.strip(),
        shown={
            "decision_id": answer.decision_id,
            "digest": answer.digest,
            "arm": case.arm,
            "first_look": case.first_look,
        },
        arm=arm,
        propensity=propensity,
        letter=None,
    )
    gets_letter = form.kind != NO_ACTION and arm != "holdout"
    letter = write_letter(draft, case, answer, form, settings) if gets_letter else None
    return Decision(**{name: getattr(draft, name) for name in DECISION_COLUMNS} | {"letter": letter})


def _assign_arm(con: sa.Connection, case: Case, kind: str, holdout: float) -> tuple[str, float | None]:
    """Arm and propensity of help, where a share is held out to measure its effect; never of restrictions."""
    if kind not in HELPING or not holdout:
        return "", None
    place = experiment_arms.hash_fraction(
        experiment_arms.salt_of(con, experiment_arms.HOLDOUT), case.seller_id, case.risk, case.opened_at
    )
    return ("holdout" if place < holdout else "treatment"), 1 - holdout


def _end_of_restriction(form: DecisionForm, at: datetime) -> str:
    if form.kind not in RESTRICTING or not form.until:
        return ""
    try:
        days = (date.fromisoformat(form.until) - at.date()).days
    except ValueError:
        days = 0
    if not 0 < days <= LONGEST_RESTRICTION:
        rule = f"A restriction ends 1 to {LONGEST_RESTRICTION} days from now, or has no end date."
        raise IncompleteError("until", rule, form.until, "choose a nearer day")
    return end_of_day(form.until)
