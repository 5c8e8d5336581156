"""The week's queue: every seller scored, the most worthwhile opened as cases, older cases seen again.

A live case gets the new scores; one that nobody took and that the week no longer calls for lapses. After a decision
the same seller and risk rest, so that help has time to show.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from features.table import FeatureTable
from models.economy import Economy
from models.score import Assessment, assess, headline_models
from serving.answers import Rows
from serving.casework import book, records
from serving.casework.arms import FIRST_LOOK, arm_of, salt_of
from serving.casework.cases import LAPSED, LIVE, OPEN, Case, Facts
from serving.casework.clock import COOLING, later
from serving.casework.looks import HORIZON, Known, Look, facts, look
from serving.casework.loss import Worth, chosen, worth
from serving.casework.people import FORESELL
from serving.holder import Held
from serving.records.clock import written
from serving.records.database import alone, insert_new, writing
from serving.records.tables.casework import CASE_DECISIONS, CASES, WEEKLY_SCORES

AT_ONCE = 500  # sellers explained, or rows written, at a time
WEEK = 7
Key = tuple[str, str]  # seller_id and risk


@dataclass(frozen=True)
class Sellers:
    """Every seller's row at one as-of day; `behind` gives the rows of some by number, with the orders behind them."""

    table: FeatureTable
    behind: Callable[[NDArray[np.int64]], Rows]
    known: Mapping[str, Known]
    layout: str

    @property
    def as_of(self) -> str:
        """The day as an ISO date."""
        return (date(1970, 1, 1) + timedelta(days=int(self.table.as_of[0]))).isoformat()


@dataclass(frozen=True)
class Scored:
    """One risk of every seller."""

    found: Assessment
    worth: Worth

    @property
    def risk(self) -> str:
        """Its name."""
        return self.found.model.key.risk


@dataclass(frozen=True)
class Opened:
    """What an opening did, in cases."""

    as_of: str
    opened: int
    refreshed: int
    lapsed: int


def open_week(engine: sa.Engine, held: Held, sellers: Sellers, economy: Economy, at: datetime) -> Opened:
    """Score every seller and bring the queue up to this as-of day; a second time on the same day changes nothing."""
    scored = assessed(held, sellers.table, economy)
    with writing(engine) as con:
        alone(con, WEEKLY_SCORES)  # of two that open the same day at once, the second finds what the first has opened
        if _seen(con, sellers.as_of):
            return Opened(sellers.as_of, 0, 0, 0)
        wanted = _wanted(scored, sellers.table, economy)
        live = {(c.seller_id, c.risk): c for c in _live(con)}
        needed = {seller_id for seller_id, _ in [*wanted, *live]}
        looks = _looks(held, sellers, economy, needed)
        records.keep(con, [one.prediction for one in looks.values()])
        opening = Opening(con, sellers, looks, _week_before(con, sellers.as_of), at)
        refreshed, lapsed = _renew(opening, live, set(wanted))
        opened = _open(opening, wanted, {*live, *_resting(con, at)})
        _keep_scores(con, sellers, scored)
    return Opened(sellers.as_of, opened, refreshed, lapsed)


def assessed(held: Held, table: FeatureTable, economy: Economy) -> list[Scored]:
    """Each headline risk of every row."""
    found = [assess(model, table.block) for model in headline_models(held.bundle, HORIZON)]
    return [Scored(one, worth(one, table.block, economy)) for one in found]


def _wanted(scored: list[Scored], table: FeatureTable, economy: Economy) -> list[Key]:
    """Sellers and risks that the week's capacity reaches, each risk by itself."""
    active = table.block["active"] > 0
    rows = {s.risk: chosen(s.worth.loss_avoided, active & ~s.found.in_breach, economy.capacity) for s in scored}
    return [(str(table.seller_id[n]), risk) for risk, numbers in rows.items() for n in numbers.tolist()]


def _looks(held: Held, sellers: Sellers, economy: Economy, needed: set[str]) -> dict[str, Look]:
    rows = np.flatnonzero(np.isin(sellers.table.seller_id.astype(str), sorted(needed)))
    found: list[Look] = []
    for piece in _pieces(rows.tolist()):
        behind = sellers.behind(np.array(piece, dtype=np.int64))
        found += look(held, behind, economy, sellers.as_of, sellers.layout)
    return {one.prediction.seller_id: one for one in found}


@dataclass(frozen=True)
class Opening:
    """What one opening goes by."""

    con: sa.Connection
    sellers: Sellers
    looks: Mapping[str, Look]
    before: Mapping[Key, float]
    at: datetime

    def facts(self, key: Key) -> Facts:
        """Today's facts of a seller's risk."""
        known = self.sellers.known.get(key[0], Known())
        return facts(self.looks[key[0]], key[1], known, self.before.get(key))


def _renew(opening: Opening, live: Mapping[Key, Case], wanted: Collection[Key]) -> tuple[int, int]:
    """New facts for live cases; those that nobody has and that are no longer wanted lapse."""
    con, at, refreshed, lapsed = opening.con, opening.at, 0, 0
    for key, case in live.items():
        if key not in wanted and case.state_at(at) == OPEN:
            book.change(con, case, "lapse", FORESELL, at, {"state": LAPSED}, {"as_of": opening.sellers.as_of})
            lapsed += 1
        elif key[0] in opening.looks:
            book.refresh(con, case, opening.facts(key), at)
            refreshed += 1
    return refreshed, lapsed


def _open(opening: Opening, wanted: Sequence[Key], left_out: Collection[Key]) -> int:
    """New cases for what is wanted and neither live nor resting."""
    con, at, opened = opening.con, written(opening.at), 0
    salt = salt_of(con, FIRST_LOOK)
    for key in wanted:
        if key not in left_out:
            arm = arm_of(salt, *key, opening.sellers.as_of)
            book.add(con, Case(uuid4().hex, *key, OPEN, 1, at, arm, opening.facts(key)), FORESELL)
            opened += 1
    return opened


def _pieces(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE))


def _live(con: sa.Connection) -> list[Case]:
    rows = con.execute(sa.select(CASES).where(CASES.c.state.in_(LIVE))).mappings()
    return [book.from_row(row) for row in rows]


def _seen(con: sa.Connection, as_of: str) -> bool:
    return con.scalar(sa.select(WEEKLY_SCORES.c.as_of).where(WEEKLY_SCORES.c.as_of >= as_of).limit(1)) is not None


def _resting(con: sa.Connection, at: datetime) -> set[Key]:
    """Sellers and risks that were decided lately."""
    d = CASE_DECISIONS.c
    lately = (d.decided_at > later(at, -COOLING)) & (d.undone_at == "")
    return {(row.seller_id, row.risk) for row in con.execute(sa.select(d.seller_id, d.risk).where(lately))}


def _week_before(con: sa.Connection, as_of: str) -> dict[Key, float]:
    """Probabilities of the newest scores that are at least a week older, and at most two."""
    day, w = date.fromisoformat(as_of), WEEKLY_SCORES.c
    first, last = ((day - timedelta(days=n)).isoformat() for n in (2 * WEEK, WEEK))
    newest = con.scalar(sa.select(sa.func.max(w.as_of)).where(w.as_of >= first, w.as_of <= last))
    rows = con.execute(sa.select(w.seller_id, w.risk, w.probability).where(w.as_of == newest))
    return {(row.seller_id, row.risk): row.probability for row in rows}


def _keep_scores(con: sa.Connection, sellers: Sellers, scored: list[Scored]) -> None:
    """Every active seller's scores of the day, for its history and for what came of the cases."""
    active = np.flatnonzero(sellers.table.block["active"] > 0)
    for one in scored:
        for piece in _pieces(active.tolist()):
            insert_new(con, WEEKLY_SCORES, [_score_row(sellers, one, n) for n in piece])


def _score_row(sellers: Sellers, one: Scored, n: int) -> dict[str, Any]:
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
