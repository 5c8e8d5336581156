"""The manager's figures: how much was done, how fast, how well, how evenly, and whether explanations help."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from features.ingest.contract import RESTRICTING
from features.table import NEW_SELLER_DAYS
from serving.casework.cases import case_repository
from serving.casework.cases.experiment_arms import ARMS, FULL
from serving.casework.decisions.decision import DECISION_KINDS, NO_ACTION
from serving.casework.figures.intervals import (
    DifferenceEstimate,
    ShareEstimate,
    bootstrap_difference,
    bootstrap_share,
    wilson_share,
)
from serving.database.tables.casework import CASE_DECISIONS, CASES, OBJECTIONS

SLICES = ("region", "size", "fulfilment", "tenure")


@dataclass(frozen=True)
class ReviewedCase:
    """One case with its first standing decision. breached: None while the outcome is not known."""

    case_id: str
    seller_id: str
    risk: str
    arm: str
    first_look: str
    opened_at: str
    as_of: str
    category: str
    region: str
    size: str
    fulfilment: str
    tenure: str
    probability: float
    breached: bool | None
    kind: str = ""  # "" while undecided
    decided_at: str = ""
    decided_by: str = ""
    overturned: bool = False
    second: str = ""  # act or wait, of a second reviewer who had not seen the decision

    @property
    def acted(self) -> bool:
        """Whether the reviewer chose to do something."""
        return self.kind not in ("", NO_ACTION)

    @property
    def judged(self) -> bool | None:
        """Whether the reviewer would act, given what the case's arm showed; None while there is no judgement."""
        if self.arm != FULL:
            return self.first_look == "act" if self.first_look else None
        return self.acted if self.kind else None


@dataclass(frozen=True)
class WeekFigure:
    """Cases opened from one day's scores, how many are decided, and how many were followed by a breach."""

    as_of: str
    opened: int
    decided: int
    breached: ShareEstimate


@dataclass(frozen=True)
class ArmFigure:
    """How often the first judgement of an arm's cases was right, and the difference from the arm that shows all."""

    arm: str
    cases: int
    right: ShareEstimate
    against_full: DifferenceEstimate


@dataclass(frozen=True)
class SliceFigure:
    """One group of sellers: shares acted on, restricted, overturned (of the decided), in breach (of the matured)."""

    by: str
    value: str
    decided: int
    acted: ShareEstimate
    restricted: ShareEstimate
    overturned: ShareEstimate
    breached: ShareEstimate


@dataclass(frozen=True)
class ManagerFigures:
    """All of the manager's figures over a time. hours: from opening to decision."""

    opened: int
    decided: int
    waiting_objections: int
    kinds: Mapping[str, int]
    weeks: tuple[WeekFigure, ...]
    median_hours: float | None
    ninth_decile_hours: float | None
    agreement: ShareEstimate
    kappa: float | None
    overturned: ShareEstimate
    precision: ShareEstimate
    precision_untouched: ShareEstimate
    expected: float | None  # mean probability of the matured cases: of a breach on the 28th day, not on any before
    arms: tuple[ArmFigure, ...]
    slices: tuple[SliceFigure, ...]


def reviewed_cases(con: sa.Connection, since: str = "", until: str = "") -> list[ReviewedCase]:
    """Cases opened in a time (ISO days, "" for no bound) with their first standing decision."""
    end = f"{until}T24" if until else "9"
    cases = con.execute(sa.select(CASES).where(CASES.c.opened_at >= since, CASES.c.opened_at < end)).mappings().all()
    decided: dict[str, Any] = {}
    of_time = sa.select(CASE_DECISIONS).where(CASE_DECISIONS.c.undone_at == "")
    for row in con.execute(of_time.order_by(CASE_DECISIONS.c.decided_at)).mappings():
        decided.setdefault(row["case_id"], row)
    seconds = {
        event.case_id: str(event.detail.get("said", ""))
        for event in case_repository.events_of_kind(con, "second_opinion")
    }
    return [_reviewed_case(row, decided.get(row["case_id"]), seconds.get(row["case_id"], "")) for row in cases]


def figures(con: sa.Connection, since: str = "", until: str = "") -> ManagerFigures:
    """The figures of the cases opened in a time."""
    rows = reviewed_cases(con, since, until)
    done = [row for row in rows if row.kind]
    ripe = [row for row in rows if row.breached is not None]
    hours = [_hours(row) for row in done]
    twice = [row for row in done if row.second]
    waiting = con.scalar(sa.select(sa.func.count()).select_from(OBJECTIONS).where(OBJECTIONS.c.state == "waiting"))
    return ManagerFigures(
        opened=len(rows),
        decided=len(done),
        waiting_objections=int(waiting or 0),
        kinds={kind: sum(row.kind == kind for row in done) for kind in DECISION_KINDS},
        weeks=_weeks(rows),
        median_hours=float(np.median(hours)) if hours else None,
        ninth_decile_hours=float(np.quantile(hours, 0.9)) if hours else None,
        agreement=wilson_share([row.acted == (row.second == "act") for row in twice]),
        kappa=_kappa([(row.acted, row.second == "act") for row in twice]),
        overturned=wilson_share([row.overturned for row in done if row.acted]),
        precision=wilson_share([bool(row.breached) for row in ripe]),
        precision_untouched=wilson_share([bool(row.breached) for row in ripe if not row.acted]),
        expected=float(np.mean([row.probability for row in ripe])) if ripe else None,
        arms=_arms(ripe),
        slices=tuple(_slice(by, value, rows) for by in SLICES for value in sorted({getattr(r, by) for r in rows})),
    )


def _reviewed_case(row: Any, decision: Any, second: str) -> ReviewedCase:
    known = {name: row[name] for name in ("case_id", "seller_id", "risk", "arm", "first_look", "opened_at", "category")}
    known |= {name: row[name] or "not known" for name in ("region", "size", "fulfilment")}
    case = ReviewedCase(
        **known,
        as_of=row["opened_as_of"],
        tenure="under 90 days" if row["tenure_days"] < NEW_SELLER_DAYS else "90 days or more",
        probability=row["probability"],
        breached=row["breached"],
        second=second,
    )
    if decision is None:
        return case
    decided = {name: decision[name] for name in ("kind", "decided_at", "decided_by")}
    return ReviewedCase(**vars(case) | decided | {"overturned": bool(decision["overturned_at"])})


def _weeks(rows: Sequence[ReviewedCase]) -> tuple[WeekFigure, ...]:
    days = sorted({row.as_of for row in rows})
    counted = {day: [row for row in rows if row.as_of == day] for day in days}
    return tuple(_week(day, of_day) for day, of_day in counted.items())


def _week(day: str, rows: Sequence[ReviewedCase]) -> WeekFigure:
    ripe = [bool(row.breached) for row in rows if row.breached is not None]
    return WeekFigure(day, len(rows), sum(bool(row.kind) for row in rows), wilson_share(ripe))


def _hours(row: ReviewedCase) -> float:
    span = datetime.fromisoformat(row.decided_at) - datetime.fromisoformat(row.opened_at)
    return span.total_seconds() / 3600


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa; None with too few pairs, or where both always say the same."""
    if wilson_share([True] * len(pairs)).share is None or len({word for pair in pairs for word in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    first, second = zip(*pairs, strict=True)
    return float(cohen_kappa_score(first, second))


def _arms(ripe: Sequence[ReviewedCase]) -> tuple[ArmFigure, ...]:
    """Judgements against outcomes: to act is right where a breach followed, to wait where none did."""
    right = {
        arm: [row.judged == row.breached for row in ripe if row.arm == arm and row.judged is not None] for arm in ARMS
    }
    return tuple(
        ArmFigure(
            arm,
            len(values),
            wilson_share(values),
            bootstrap_difference(values, right[FULL]) if arm != FULL else NO_DIFFERENCE,
        )
        for arm, values in right.items()
    )


NO_DIFFERENCE = DifferenceEstimate(None, None, None)


def _slice(by: str, value: str, rows: Sequence[ReviewedCase]) -> SliceFigure:
    mine = [row for row in rows if getattr(row, by) == value]
    done = [row for row in mine if row.kind]
    ripe = [row for row in mine if row.breached is not None]
    shares: Mapping[str, tuple[Sequence[ReviewedCase], Callable[[ReviewedCase], bool]]] = {
        "acted": (done, lambda row: row.acted),
        "restricted": (done, lambda row: row.kind in RESTRICTING),
        "overturned": ([row for row in done if row.acted], lambda row: row.overturned),
        "breached": (ripe, lambda row: bool(row.breached)),
    }
    found = {name: bootstrap_share([test(row) for row in of]) for name, (of, test) in shares.items()}
    return SliceFigure(by, value, len(done), **found)
