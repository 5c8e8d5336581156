"""Ten weeks of practice casework on the demo's marketplace, so that the review pages show a queue and its history.

The reviewers are simulated, and their names say so. They help where a breach is likely, do nothing where it is not, and
sometimes decide wrongly. They do not read the simulation's known causes.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from features.ledger.build import Ledger
from features.standards.standard import Standard
from features.table import FeatureTable, build_table
from foresell.console import StepReporter
from models.arithmetic.economy import Economy
from models.score import headline_models
from serving.audit_log.predictions import record_layout
from serving.casework.cases import case_actions, case_repository
from serving.casework.cases.case import Case, Person
from serving.casework.decisions.decide import decide
from serving.casework.decisions.decision import NO_ACTION, DecisionForm, DecisionSettings, of_seller
from serving.casework.figures.case_outcomes import fill_outcomes
from serving.casework.objections import objections, rulings
from serving.casework.objections.objections import ObjectionForm
from serving.casework.objections.recompute import SourceFolder, order_entries
from serving.casework.objections.rulings import Ruling, RulingContext
from serving.casework.snapshots import logged_answers
from serving.casework.snapshots.seller_snapshot import HORIZON, SellerProfile
from serving.casework.week import WEEK, WeekSellers, open_week
from serving.database.connection import reading
from serving.database.tables.casework import CASES
from serving.scoring.champion_loader import ServingModel
from serving.scoring.model_watcher import ModelAndStore
from serving.store.evidence import items_of, orders_of
from serving.store.online_store import open_store, sellers_of
from serving.store.rows import Rows

WEEKS = 10
SHARE = 0.75  # share of a week's cases that are decided in that week
ACTS_FROM = 0.25  # the simulated reviewers act at this probability or above
ERRS = 0.12  # share of cases in which they decide wrongly
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
FACTS = (
    "We have read the orders that these figures count. They have one thing in common, which we would like to show you."
)
REASON = "The parcel was handed over in time. The carrier scanned it a week late, as its tracking page shows."
ANSWER = "The carrier's scans confirm what you say. The order no longer counts against you."


@dataclass(frozen=True)
class PracticeContext:
    """The inputs of the simulated reviewers."""

    engine: sa.Engine
    champion: ServingModel
    ledger: Ledger
    standards: Sequence[Standard]
    draws: random.Random

    @property
    def setup(self) -> DecisionSettings:
        """The standards that a decision may refer to."""
        return DecisionSettings(self.standards)


def open_practice_weeks(
    engine: sa.Engine,
    ledger: Ledger,
    champion: ServingModel,
    standards: Sequence[Standard],
    capacity: int,
    progress: StepReporter,
) -> None:
    """Open the queue of each week before the last day, and let the simulated reviewers work on it."""
    draws = random.Random(7)  # noqa: S311 - practice, not a secret
    context = PracticeContext(engine, champion, ledger, standards, draws)
    days = [ledger.last_day - WEEK * back for back in range(WEEKS, 0, -1)]
    progress(f"{WEEKS} weeks of simulated casework")
    table = build_table(ledger, days, context.standards)
    for back, day in zip(range(WEEKS, 0, -1), days, strict=True):
        at = datetime.now(UTC) - timedelta(days=WEEK * back)
        rows = table.take(table.as_of == day)
        share = capacity / max(int(rows.block["active"].sum()), 1)
        open_week(engine, context.champion, _sellers(context, rows, day), Economy(capacity=min(share, 1.0)), at)
        _work(context, at)
    fill_outcomes(engine, ledger, {m.key.risk: m.standard for m in headline_models(champion.bundle, HORIZON)})


def raise_practice_objections(
    engine: sa.Engine, place: Path, data: Path, champion: ServingModel, setup: DecisionSettings
) -> None:
    """Two sellers object to a decision: one objection is granted, the other waits."""
    store = open_store(place)
    ruling_context = RulingContext(
        SourceFolder(data), ModelAndStore(champion, store, record_layout(engine, store.names)), setup.standards
    )
    at = datetime.now(UTC) - timedelta(days=1)
    raised = 0
    for case in _acted_on(engine):
        decision = of_seller(engine, case.seller_id)[0]
        order = _order_of(engine, case)
        entries = order_entries(ruling_context.source, case.seller_id, order, store.as_of) if order else []
        if not entries:
            continue
        seller = Person(f"owner of {case.seller_id}", "seller", case.seller_id)
        form = ObjectionForm(order, tuple(e.row for e in entries), "excluded", REASON, "", decision.case_decision_id)
        objection = objections.raise_objection(engine, seller, at, form, [e.row for e in entries])
        if raised == 0:
            other = next(p for p in REVIEWERS if p.name != decision.decided_by)
            rulings.answer_objection(
                engine,
                objection.objection_id,
                1,
                other,
                at + timedelta(hours=5),
                Ruling(True, ANSWER, decision_stands=False),
                ruling_context,
            )
        raised += 1
        if raised == 2:
            return


def _acted_on(engine: sa.Engine) -> list[Case]:
    """Cases that ended in an action, one per seller."""
    with reading(engine) as con:
        cases = case_repository.by_loss_avoided(con, [CASES.c.state == "decided", CASES.c.risk == "returns"], 200)
    acted = [c for c in cases if any(d.letter and d.case_id == c.case_id for d in of_seller(engine, c.seller_id))]
    alone = [c for c in acted if len({d.decided_by for d in of_seller(engine, c.seller_id)}) == 1]
    return list({c.seller_id: c for c in alone}.values())


def _order_of(engine: sa.Engine, case: Case) -> str:
    """An order that counted against the seller."""
    with reading(engine) as con:
        answer = logged_answers.read(con, case.facts.decision_id).result["risks"][case.risk]
    named = [o for item in answer.get("items", []) for o in item["order_ids"]]
    return str(named[0]) if named else ""


def _sellers(context: PracticeContext, table: FeatureTable, as_of: int) -> WeekSellers:
    orders, items = orders_of(context.ledger, table, as_of), items_of(context.ledger, table, as_of)

    def rows_of(numbers: NDArray[np.int64]) -> Rows:
        part = table.take(numbers)
        ids = part.seller_id.tolist()
        return Rows(part, [orders.get(i, {}) for i in ids], [items.get(i, []) for i in ids])

    profiles = {
        i: SellerProfile(s["name"] or "", s["natural_person"]) for i, s in sellers_of(context.ledger, as_of).items()
    }
    return WeekSellers(table, rows_of, profiles, record_layout(context.engine, table.block.names))


def _work(context: PracticeContext, opened: datetime) -> None:
    """Decide most of the week's cases, and give second opinions."""
    cases = case_actions.queue(context.engine, opened, limit=500)
    for number in range(round(SHARE * len(cases))):
        at = opened + timedelta(hours=3 + 120 * context.draws.random() ** 2, minutes=number)
        person = context.draws.choice(REVIEWERS)
        case = case_actions.take_next(context.engine, person, at)
        if case is None:
            return
        _handle(context, case, person, at + timedelta(minutes=context.draws.randint(4, 25)))
    for case in case_actions.second_opinion_cases(context.engine, REVIEWERS[1], share=0.5):
        choice = "act" if _would_act(context, case) else "wait"
        case_actions.second_opinion(
            context.engine, case.case_id, case.version, REVIEWERS[1], opened + timedelta(days=6), choice
        )


def _handle(context: PracticeContext, case: Case, person: Person, at: datetime) -> None:
    acts = _would_act(context, case)
    if case.arm != "full":
        first_choice = "act" if acts else "wait"
        case = case_actions.first_look(context.engine, case.case_id, case.version, person, at, first_choice)
    kind = HELP.get(case.facts.family, "coaching") if acts else NO_ACTION
    helped = any(d.kind != NO_ACTION and d.risk == case.risk for d in of_seller(context.engine, case.seller_id))
    standard = next(m.standard for m in headline_models(context.champion.bundle, HORIZON) if m.key.risk == case.risk)
    if acts and helped:
        kind = "order_cap"
    choice = DecisionForm(kind, FACTS if acts else "", standard.name, standard.version)
    decide(context.engine, case.case_id, case.version, person, at, choice, context.setup)


def _would_act(context: PracticeContext, case: Case) -> bool:
    """Whether the simulated reviewers would act. They decide wrongly more often where the page hides the score."""
    likely = case.facts.risks[case.risk].probability >= ACTS_FROM
    errs = ERRS if case.arm == "full" else 2 * ERRS
    return likely != (context.draws.random() < errs)
