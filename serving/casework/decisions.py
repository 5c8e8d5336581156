"""Decisions: help first, restrain later, or no action; each is kept with what was shown.

A restriction needs a named person, a ground, facts and an appeal route. It also needs to come later than help: the
seller is in breach today, or was helped before, or the facts say why customers cannot wait.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from features.contract import HELPING, RESTRICTING
from features.standards import Standard
from serving.casework import arms, book, letters, records, regimes
from serving.casework.cases import Case
from serving.casework.clock import UNDO, closing, later
from serving.casework.letters import Letter
from serving.casework.people import Person
from serving.casework.records import Record
from serving.casework.refusals import IncompleteError, MissingError, NotAllowedError
from serving.casework.standings import standing
from serving.records.clock import written
from serving.records.database import reading, writing
from serving.records.tables.casework import CASE_DECISIONS

NO_ACTION = "no_action"
KINDS = (*HELPING, *RESTRICTING, NO_ACTION)
LEAST_FACTS = 20  # characters: a word is no reason
LONGEST_TEXT = 4000
LONGEST_RESTRICTION = 90  # days, after which it must be decided anew; our assumption
APPEAL = "Object on your own page of this marketplace, within six months; a colleague decides it."


@dataclass(frozen=True)
class Choice:
    """What a reviewer has filled in."""

    kind: str
    facts: str = ""
    standard: str = ""  # the ground: a standard's name
    standard_version: str = ""
    appeal: str = APPEAL
    until: str = ""  # ISO day on which a restriction ends; "": when it is lifted
    urgent: str = ""  # why help cannot come first, where it did not


@dataclass(frozen=True)
class Setup:
    """What a marketplace decides under: its standards, its laws (None: all), and the share held out of help."""

    standards: Sequence[Standard]
    regimes: tuple[str, ...] | None = None
    holdout: float = 0.0

    def standard(self, name: str, version: str) -> Standard:
        """The standard of a name and version."""
        found = next((s for s in self.standards if (s.name, s.version) == (name, version)), None)
        if found is None:
            raise MissingError("A decision rests on a standard in force.", f"{name} {version}", "open the cases anew")
        return found


@dataclass(frozen=True)
class Decision:
    """A decision as it is kept."""

    case_decision_id: str
    case_id: str
    seller_id: str
    risk: str
    kind: str
    decided_at: str
    decided_by: str
    effective_at: str
    ends_at: str
    standard: str
    standard_version: str
    facts: str
    appeal: str
    shown: Mapping[str, Any]
    arm: str
    propensity: float | None
    letter: Letter | None
    undone_at: str = ""
    overturned_at: str = ""

    def stands_at(self, at: datetime) -> bool:
        """Whether it is in effect at a moment: past the time to undo, not undone, not overturned, not over."""
        moment = written(at)
        over = self.ends_at and self.ends_at <= moment
        return self.effective_at <= moment and not (self.undone_at or self.overturned_at or over)


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
            regimes.check(_packs(case, choice, setup), made.letter)
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
    return Decision(**{name: getattr(plain, name) for name in _NAMES} | {"letter": letter})


def write_letter(made: Decision, case: Case, record: Record, choice: Choice, setup: Setup) -> Letter:
    """The letter of a decision, from the record and nothing else that was measured."""
    said = record.said["risks"][case.risk]
    held = setup.standard(made.standard, made.standard_version)
    now = standing(held, record.block, record.as_of, record.horizon_days)
    restricting = made.kind in RESTRICTING
    raising = [r["text"] for r in said["explanation"]["reasons"] if r["direction"] == "raises"]
    expected = said["expected_rate_interval_90"]
    return Letter(
        case_decision_id=made.case_decision_id,
        seller_id=made.seller_id,
        seller_name=case.facts.seller_name,
        natural_person=case.facts.natural_person,
        risk=made.risk,
        kind=made.kind,
        decided_by=made.decided_by,
        decided_at=made.decided_at,
        effective_at=made.effective_at,
        ends_at=made.ends_at,
        scope="all" if restricting else "",
        duration=("until" if made.ends_at else "open") if restricting else "",
        origin="own",
        facts=made.facts or letters.figures_speak(),
        appeal=made.appeal,
        standard=made.standard,
        standard_version=made.standard_version,
        standard_title=held.title,
        comparator=held.comparator,
        limit=said["standard"]["limit"],
        window_days=held.window_days,
        window_from=now.window_from,
        minimum_volume=said["standard"]["minimum_volume"],
        unit=now.unit,
        bad=now.bad,
        volume=said["standard"]["volume"],
        current_rate=said["standard"]["current_rate"],
        in_breach=said["in_breach"],
        low_evidence=record.said["evidence"]["low_evidence"],
        as_of=record.as_of,
        horizon_day=(date.fromisoformat(record.as_of) + timedelta(days=record.horizon_days)).isoformat(),
        probability=said["probability"],
        interval_90=tuple(said["interval_90"]),
        expected_rate=said["expected_rate"],
        expected_rate_interval_90=tuple(expected) if expected else None,
        reasons=tuple(raising[: letters.SHOWN_REASONS]),
        coming=now.coming,
        room=now.room,
        decision_id=record.decision_id,
        digest=record.digest,
        model_version=record.model_version,
        regimes=tuple(pack.name for pack in _packs(case, choice, setup)),
    )


def of_seller(engine: sa.Engine, seller_id: str) -> list[Decision]:
    """Every decision about a seller, the newest first."""
    with reading(engine) as con:
        return select(con, CASE_DECISIONS.c.seller_id == seller_id)


def find(con: sa.Connection, case_decision_id: str) -> Decision:
    """The decision of that id; MissingError when there is none."""
    found = select(con, CASE_DECISIONS.c.case_decision_id == case_decision_id)
    if not found:
        raise MissingError("The decision must exist.", case_decision_id, "go back to the seller's page")
    return found[0]


def select(con: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Decision]:
    """Decisions under conditions, the newest first."""
    rows = con.execute(sa.select(CASE_DECISIONS).where(*conditions).order_by(CASE_DECISIONS.c.decided_at.desc()))
    return [from_row(row) for row in rows.mappings()]


def to_row(made: Decision) -> dict[str, Any]:
    """A decision as its table keeps it."""
    plain = {name: getattr(made, name) for name in _NAMES}
    letter = json.dumps(asdict(made.letter), ensure_ascii=False) if made.letter else ""
    return plain | {"shown": json.dumps(made.shown), "letter": letter}


def from_row(row: Any) -> Decision:
    """A decision from its row."""
    letter = letters.from_json(json.loads(row["letter"])) if row["letter"] else None
    return Decision(**{**row, "shown": json.loads(row["shown"]), "letter": letter})


_NAMES = tuple(Decision.__dataclass_fields__)


def _packs(case: Case, choice: Choice, setup: Setup) -> tuple[regimes.Regime, ...]:
    return regimes.applying(choice.kind, case.facts.natural_person, setup.regimes)


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
