"""The week's queue: every seller scored, the most worthwhile opened as cases, older cases brought up to date.

A live case gets the new scores; one that nobody took and that the week no longer calls for lapses. After a decision
the same seller and risk get no new case for 28 days, so that help has time to work.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.days import iso
from features.table import FeatureTable
from models.arithmetic.economy import Economy
from models.score import Assessment, assess, headline_models
from serving.audit_log.predictions import record_layout
from serving.casework.cases import case_repository
from serving.casework.cases.case import FORESELL, LAPSED, LIVE, OPEN, Case, CaseFacts
from serving.casework.cases.experiment_arms import FIRST_LOOK, arm_of, salt_of
from serving.casework.cases.rules import COOLING_SPAN, later
from serving.casework.snapshots import logged_answers
from serving.casework.snapshots.seller_snapshot import (
    HORIZON,
    ReviewWorth,
    SellerProfile,
    SellerSnapshot,
    case_facts,
    review_worth,
    take_snapshots,
    within_capacity,
)
from serving.database.clock import written
from serving.database.connection import alone, insert_new, writing
from serving.database.tables.casework import CASE_DECISIONS, CASES, WEEKLY_SCORES
from serving.scoring.champion_loader import ServingModel
from serving.store.online_store import Store
from serving.store.rows import Rows

AT_ONCE = 500  # sellers explained, or rows written, at a time
WEEK = 7
SellerRisk = tuple[str, str]  # seller_id and risk


@dataclass(frozen=True)
class WeekSellers:
    """Every seller's row at one as-of day; `scoring_rows` gives some of them by number, with the orders behind them."""

    table: FeatureTable
    scoring_rows: Callable[[NDArray[np.int64]], Rows]
    profiles: Mapping[str, SellerProfile]
    layout: str

    @property
    def as_of(self) -> str:
        """The day as an ISO date."""
        return iso(int(self.table.as_of[0]))


@dataclass(frozen=True)
class RiskScores:
    """The scores of one risk for every seller, and what each review is worth."""

    found: Assessment
    worth: ReviewWorth

    @property
    def risk(self) -> str:
        """Its name."""
        return self.found.model.key.risk


@dataclass(frozen=True)
class OpeningCounts:
    """How many cases an opening opened, refreshed and let lapse."""

    as_of: str
    opened: int
    refreshed: int
    lapsed: int


def open_week(
    engine: sa.Engine, serving_model: ServingModel, sellers: WeekSellers, economy: Economy, at: datetime
) -> OpeningCounts:
    """Score every seller and update the queue to this as-of day. A second run for the same day changes nothing."""
    scored = score_risks(serving_model, sellers.table, economy)
    with writing(engine) as con:
        alone(con, WEEKLY_SCORES)  # if two processes open the same day at once, the second finds the first one's cases
        if _already_opened(con, sellers.as_of):
            return OpeningCounts(sellers.as_of, 0, 0, 0)
        wanted = _within_capacity(scored, sellers.table, economy)
        live = {(c.seller_id, c.risk): c for c in _live_cases(con)}
        needed = {seller_id for seller_id, _ in [*wanted, *live]}
        snapshots = _snapshots(serving_model, sellers, economy, needed)
        logged_answers.keep(con, [one.prediction for one in snapshots.values()])
        opening = OpeningContext(con, sellers, snapshots, _week_before(con, sellers.as_of), at)
        refreshed, lapsed = _refresh_or_lapse(opening, live, set(wanted))
        opened = _open_new(opening, wanted, {*live, *_decided_lately(con, at)})
        _keep_scores(con, sellers, scored)
    return OpeningCounts(sellers.as_of, opened, refreshed, lapsed)


def score_risks(serving_model: ServingModel, table: FeatureTable, economy: Economy) -> list[RiskScores]:
    """Each headline risk of every row."""
    found = [assess(model, table.block) for model in headline_models(serving_model.bundle, HORIZON)]
    return [RiskScores(one, review_worth(one, table.block, economy)) for one in found]


def _within_capacity(scored: list[RiskScores], table: FeatureTable, economy: Economy) -> list[SellerRisk]:
    """Sellers and risks that fit into the week's capacity, chosen for each risk by itself."""
    active = table.block["active"] > 0
    rows = {
        s.risk: within_capacity(s.worth.loss_avoided, active & ~s.found.in_breach, economy.capacity) for s in scored
    }
    return [(str(table.seller_id[n]), risk) for risk, numbers in rows.items() for n in numbers.tolist()]


def _snapshots(
    serving_model: ServingModel, sellers: WeekSellers, economy: Economy, needed: set[str]
) -> dict[str, SellerSnapshot]:
    rows = np.flatnonzero(np.isin(sellers.table.seller_id.astype(str), sorted(needed)))
    found: list[SellerSnapshot] = []
    for piece in _pieces(rows.tolist()):
        scoring_rows = sellers.scoring_rows(np.array(piece, dtype=np.int64))
        found += take_snapshots(serving_model, scoring_rows, economy, sellers.as_of, sellers.layout)
    return {one.prediction.seller_id: one for one in found}


@dataclass(frozen=True)
class OpeningContext:
    """What one opening of the week needs."""

    con: sa.Connection
    sellers: WeekSellers
    snapshots: Mapping[str, SellerSnapshot]
    before: Mapping[SellerRisk, float]
    at: datetime

    def facts(self, key: SellerRisk) -> CaseFacts:
        """Today's facts of a seller's risk."""
        profile = self.sellers.profiles.get(key[0], SellerProfile())
        return case_facts(self.snapshots[key[0]], key[1], profile, self.before.get(key))


def _refresh_or_lapse(
    opening: OpeningContext, live: Mapping[SellerRisk, Case], wanted: Collection[SellerRisk]
) -> tuple[int, int]:
    """Refresh live cases; those that nobody has and that this week did not choose lapse."""
    con, at, refreshed, lapsed = opening.con, opening.at, 0, 0
    for key, case in live.items():
        if key not in wanted and case.state_at(at) == OPEN:
            case_repository.write_version(
                con, case, "lapse", FORESELL, at, {"state": LAPSED}, {"as_of": opening.sellers.as_of}
            )
            lapsed += 1
        elif key[0] in opening.snapshots:
            case_repository.refresh(con, case, opening.facts(key), at)
            refreshed += 1
    return refreshed, lapsed


def _open_new(opening: OpeningContext, wanted: Sequence[SellerRisk], left_out: Collection[SellerRisk]) -> int:
    """Open cases for the chosen sellers and risks that have no live case and no recent decision."""
    con, at, opened = opening.con, written(opening.at), 0
    salt = salt_of(con, FIRST_LOOK)
    for key in wanted:
        if key not in left_out:
            arm = arm_of(salt, *key, opening.sellers.as_of)
            case_repository.add(con, Case(uuid4().hex, *key, OPEN, 1, at, arm, opening.facts(key)), FORESELL)
            opened += 1
    return opened


def _pieces(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE))


def _live_cases(con: sa.Connection) -> list[Case]:
    rows = con.execute(sa.select(CASES).where(CASES.c.state.in_(LIVE))).mappings()
    return [case_repository.from_row(row) for row in rows]


def _already_opened(con: sa.Connection, as_of: str) -> bool:
    return con.scalar(sa.select(WEEKLY_SCORES.c.as_of).where(WEEKLY_SCORES.c.as_of >= as_of).limit(1)) is not None


def _decided_lately(con: sa.Connection, at: datetime) -> set[SellerRisk]:
    """Sellers and risks that were decided in the last 28 days."""
    d = CASE_DECISIONS.c
    lately = (d.decided_at > later(at, -COOLING_SPAN)) & (d.undone_at == "")
    return {(row.seller_id, row.risk) for row in con.execute(sa.select(d.seller_id, d.risk).where(lately))}


def _week_before(con: sa.Connection, as_of: str) -> dict[SellerRisk, float]:
    """Probabilities of the newest scores that are at least a week older, and at most two."""
    day, w = date.fromisoformat(as_of), WEEKLY_SCORES.c
    first, last = ((day - timedelta(days=n)).isoformat() for n in (2 * WEEK, WEEK))
    newest = con.scalar(sa.select(sa.func.max(w.as_of)).where(w.as_of >= first, w.as_of <= last))
    rows = con.execute(sa.select(w.seller_id, w.risk, w.probability).where(w.as_of == newest))
    return {(row.seller_id, row.risk): row.probability for row in rows}


def _keep_scores(con: sa.Connection, sellers: WeekSellers, scored: list[RiskScores]) -> None:
    """Every active seller's scores of the day, for its history."""
    active = np.flatnonzero(sellers.table.block["active"] > 0)
    for one in scored:
        for piece in _pieces(active.tolist()):
            insert_new(con, WEEKLY_SCORES, [_score_row(sellers, one, n) for n in piece])


def _score_row(sellers: WeekSellers, one: RiskScores, n: int) -> dict[str, Any]:
    found = one.found
    rate = float(found.current_rate[n])
    return {
        "seller_id": str(sellers.table.seller_id[n]),
        "risk": one.risk,
        "as_of": sellers.as_of,
        "probability": float(found.prediction.probability[n]),
        "band": found.bands[n],
        "current_rate": None if np.isnan(rate) else rate,
        "in_breach": bool(found.in_breach[n]),
    }


@dataclass(frozen=True)
class OpeningInputs:
    """What cases are opened from: an online store, the rows it was written from, and the rows of the sellers table."""

    store: Store
    table: FeatureTable
    sellers: Mapping[str, Any]


def open_cases(
    engine: sa.Engine, serving_model: ServingModel, inputs: OpeningInputs, capacity: int, at: datetime
) -> OpeningCounts:
    """Update the cases to the store's day: for each risk, as many as the team can review in a week."""
    store, table = inputs.store, inputs.table
    profiles = {
        name: SellerProfile(row.get("name") or "", row.get("natural_person")) for name, row in inputs.sellers.items()
    }
    rows = store.find(table.seller_id.tolist())
    sellers = WeekSellers(
        table, lambda numbers: store.rows(rows[numbers]), profiles, record_layout(engine, store.names)
    )
    share = capacity / max(int(table.block["active"].sum()), 1)
    return open_week(engine, serving_model, sellers, Economy(capacity=min(share, 1.0)), at)
