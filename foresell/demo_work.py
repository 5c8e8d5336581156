"""Ten weeks of casework on the demo's marketplace, so that the review pages show a living queue and its history.

The reviewers are simulated: they help where a breach is likely, let be where it is not, and err now and then. Their
names say so. Nothing of it is real, and nothing reads the simulation's known causes.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from features.ledger import Ledger
from features.standards import Standard
from features.table import FeatureTable, build_table
from foresell.console import Say
from models.economy import Economy
from models.score import headline_models
from serving.answers import Rows
from serving.casework import book, objections, records, rulings, work
from serving.casework.cases import Case
from serving.casework.decision import NO_ACTION, Choice, Setup, of_seller
from serving.casework.decisions import decide
from serving.casework.entries import entries
from serving.casework.looks import HORIZON, Known
from serving.casework.objections import Said
from serving.casework.outcomes import mature
from serving.casework.people import Person
from serving.casework.recompute import Source
from serving.casework.rulings import Bench, Ruling
from serving.casework.week import WEEK, Sellers, open_week
from serving.evidence import items_of, orders_of
from serving.holder import Held
from serving.loaded import Loaded
from serving.records.database import reading
from serving.records.predictions import know
from serving.records.tables.casework import CASES
from serving.store import open_store, sellers_of

WEEKS = 10
SHARE = 0.75  # of a week's cases that are decided in it
ACTS_FROM = 0.25  # probability from which the simulated reviewers act
ERRS = 0.12  # share of cases in which they do the other thing
REVIEWERS = (Person("ada (simulated)", "reviewer"), Person("ben (simulated)", "reviewer"))
HELP = {
    "items": "listing_fix",
    "returns_record": "listing_fix",
    "claims": "listing_fix",
    "category_mix": "listing_fix",
    "handling": "handling_time",
    "late_delivery": "handling_time",
    "carrier": "carrier",
}
FACTS = "We have read the orders behind these figures. They have one thing in common, which we would like to show you."
REASON = "The parcel was handed over in time. The carrier scanned it a week late, as its tracking page shows."
ANSWER = "The carrier's scans bear out what you say. The order does not count against you any more."


@dataclass(frozen=True)
class Office:
    """What the simulated reviewers work with."""

    engine: sa.Engine
    held: Held
    ledger: Ledger
    standards: Sequence[Standard]
    draws: random.Random

    @property
    def setup(self) -> Setup:
        """The standards that a decision may rest on."""
        return Setup(self.standards)


def work_for_weeks(
    engine: sa.Engine, ledger: Ledger, held: Held, standards: Sequence[Standard], capacity: int, say: Say
) -> None:
    """Open the queues of the weeks before the last day, and have them worked on."""
    draws = random.Random(7)  # noqa: S311 - practice, not a secret
    office = Office(engine, held, ledger, standards, draws)
    days = [ledger.last_day - WEEK * back for back in range(WEEKS, 0, -1)]
    say(f"{WEEKS} weeks of simulated casework")
    table = build_table(ledger, days, office.standards)
    for back, day in zip(range(WEEKS, 0, -1), days, strict=True):
        at = datetime.now(UTC) - timedelta(days=WEEK * back)
        rows = table.take(table.as_of == day)
        share = capacity / max(int(rows.block["active"].sum()), 1)
        open_week(engine, office.held, _sellers(office, rows, day), Economy(capacity=min(share, 1.0)), at)
        _work(office, at)
    mature(engine, ledger, {m.key.risk: m.standard for m in headline_models(held.bundle, HORIZON)})


def objections_of_sellers(engine: sa.Engine, place: Path, data: Path, held: Held, setup: Setup) -> None:
    """Two sellers object to what was decided about them: one is granted, one waits."""
    store = open_store(place)
    bench = Bench(Source(data), Loaded(held, store, know(engine, store.names)), setup.standards)
    at = datetime.now(UTC) - timedelta(days=1)
    raised = 0
    for case in _told(engine):
        made = of_seller(engine, case.seller_id)[0]
        order = _order_of(engine, case)
        found = entries(bench.source, case.seller_id, order, store.as_of) if order else []
        if not found:
            continue
        seller = Person(f"owner of {case.seller_id}", "seller", case.seller_id)
        said = Said(order, tuple(e.row for e in found), "excluded", REASON, "", made.case_decision_id)
        asked = objections.raise_objection(engine, seller, at, said, [e.row for e in found])
        if raised == 0:
            other = next(p for p in REVIEWERS if p.name != made.decided_by)
            rulings.answer(
                engine,
                asked.objection_id,
                1,
                other,
                at + timedelta(hours=5),
                Ruling(True, ANSWER, decision_stands=False),
                bench,
            )
        raised += 1
        if raised == 2:
            return


def _told(engine: sa.Engine) -> list[Case]:
    """Cases that were acted on, the newest first, one a seller."""
    with reading(engine) as con:
        cases = book.newest(con, [CASES.c.state == "decided", CASES.c.risk == "returns"], 200)
    acted = [c for c in cases if any(d.letter and d.case_id == c.case_id for d in of_seller(engine, c.seller_id))]
    alone = [c for c in acted if len({d.decided_by for d in of_seller(engine, c.seller_id)}) == 1]
    return list({c.seller_id: c for c in alone}.values())


def _order_of(engine: sa.Engine, case: Case) -> str:
    """An order that counted against the seller."""
    with reading(engine) as con:
        said = records.read(con, case.facts.decision_id).said["risks"][case.risk]
    named = [o for item in said.get("items", []) for o in item["order_ids"]]
    return str(named[0]) if named else ""


def _sellers(office: Office, table: FeatureTable, as_of: int) -> Sellers:
    orders, items = orders_of(office.ledger, table, as_of), items_of(office.ledger, table, as_of)

    def behind(numbers: NDArray[np.int64]) -> Rows:
        some = table.take(numbers)
        ids = some.seller_id.tolist()
        return Rows(some, [orders.get(i, {}) for i in ids], [items.get(i, []) for i in ids])

    known = {i: Known(s["name"] or "", s["natural_person"]) for i, s in sellers_of(office.ledger, as_of).items()}
    return Sellers(table, behind, known, know(office.engine, table.block.names))


def _work(office: Office, opened: datetime) -> None:
    """The week's work: most cases decided, some put off, some left."""
    cases = work.queue(office.engine, opened, limit=500)
    for number in range(round(SHARE * len(cases))):
        at = opened + timedelta(hours=3 + 120 * office.draws.random() ** 2, minutes=number)
        person = office.draws.choice(REVIEWERS)
        case = work.take_next(office.engine, person, at)
        if case is None:
            return
        _handle(office, case, person, at + timedelta(minutes=office.draws.randint(4, 25)))
    for case in work.asked_twice(office.engine, REVIEWERS[1], share=0.5):
        said = "act" if _would_act(office, case) else "wait"
        work.second_opinion(office.engine, case.case_id, case.version, REVIEWERS[1], opened + timedelta(days=6), said)


def _handle(office: Office, case: Case, person: Person, at: datetime) -> None:
    acts = _would_act(office, case)
    if case.arm != "full":
        said = "act" if acts else "wait"
        case = work.first_look(office.engine, case.case_id, case.version, person, at, said)
    kind = HELP.get(case.facts.family, "coaching") if acts else NO_ACTION
    helped = any(d.kind != NO_ACTION and d.risk == case.risk for d in of_seller(office.engine, case.seller_id))
    held = next(m.standard for m in headline_models(office.held.bundle, HORIZON) if m.key.risk == case.risk)
    if acts and helped:
        kind = "order_cap"
    choice = Choice(kind, FACTS if acts else "", held.name, held.version)
    decide(office.engine, case.case_id, case.version, person, at, choice, office.setup)


def _would_act(office: Office, case: Case) -> bool:
    """What the simulated reviewers would do, without what the case's arm withholds they err more often."""
    likely = case.facts.risks[case.risk].probability >= ACTS_FROM
    errs = ERRS if case.arm == "full" else 2 * ERRS
    return likely != (office.draws.random() < errs)
