"""A seller at one moment: its logged answer, what a review of it is worth, and the facts of a case.

The loss is defined once, in `models.arithmetic.economy.Economy.loss_avoided`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.block import Block
from features.table import HORIZONS
from models.arithmetic.economy import Economy, failures_ahead, order_value
from models.score import Assessment, assess, headline_models, score
from serving.audit_log.predictions import PredictionRecord
from serving.casework.cases.case import CaseFacts, CaseRisk
from serving.casework.snapshots import logged_answers
from serving.scoring.answers import ScoreOptions, predict
from serving.scoring.champion_loader import ServingModel
from serving.scoring.results import RiskResult, SellerResult, read_result
from serving.store.rows import Rows

HORIZON = 28
LIKELY = 0.5  # from here a breach is likelier than not
RAISES = "raises"


@dataclass(frozen=True)
class SellerProfile:
    """Name and legal form of a seller, from the sellers table; None: not known."""

    name: str = ""
    natural_person: bool | None = None


@dataclass(frozen=True)
class SellerSnapshot:
    """One seller at one as-of day. worth: at stake and loss avoided, by risk; breach_by: ISO day by risk, or ""."""

    prediction: PredictionRecord
    names: tuple[str, ...]  # columns of the row that was scored
    worth: Mapping[str, tuple[float, float]]
    breach_by: Mapping[str, str]
    attributes: Mapping[str, str]
    tenure_days: int

    @cached_property
    def result(self) -> SellerResult:
        """The answer's members."""
        return read_result(self.prediction.answer)


def take_snapshots(
    serving_model: ServingModel, rows: Rows, economy: Economy, day: str, layout: str
) -> list[SellerSnapshot]:
    """Score the rows with reasons, as the API does, and add what the queue needs beside the answers."""
    if not len(rows.table):
        return []
    predictions = predict(serving_model, rows, ScoreOptions(HORIZON, explain=True), day, layout)
    worths = _worth_by_risk(serving_model, rows, economy)
    nearest = _nearest_breach(serving_model, rows, day)
    tenure = rows.table.block["tenure_days"].tolist()
    return [
        SellerSnapshot(
            prediction,
            rows.table.block.names,
            {risk: (stake[i], loss[i]) for risk, (stake, loss) in worths.items()},
            nearest[i],
            {name: str(column[i]) for name, column in rows.table.text.items()},
            int(tenure[i]) if tenure[i] == tenure[i] else 0,
        )
        for i, prediction in enumerate(predictions)
    ]


def case_facts(snapshot: SellerSnapshot, risk: str, profile: SellerProfile, before: float | None) -> CaseFacts:
    """The facts of a case about one risk; before: its probability a week earlier."""
    result, own = snapshot.result, snapshot.result["risks"][risk]
    strongest = next((r for r in own["explanation"]["reasons"] if r["direction"] == RAISES), None)
    stake, loss = snapshot.worth[risk]
    return CaseFacts(
        as_of=snapshot.prediction.as_of,
        decision_id=snapshot.prediction.decision_id,
        digest=logged_answers.digest(snapshot.prediction.answer),
        seller_name=profile.name,
        natural_person=profile.natural_person,
        risks={name: _case_risk(one) for name, one in result["risks"].items()},
        current_rate=own["standard"]["current_rate"],
        expected_rate=own["expected_rate"],
        limit=own["standard"]["limit"],
        reason=strongest["text"] if strongest else "",
        family=strongest["code"] if strongest else "",
        breach_by=snapshot.breach_by.get(risk, ""),
        change=None if before is None else own["probability"] - before,
        orders_in_window=result["evidence"]["orders_in_window"],
        low_evidence=result["evidence"]["low_evidence"],
        at_stake=stake,
        loss_avoided=loss,
        category=snapshot.attributes["category"],
        region=snapshot.attributes["region"],
        size=snapshot.attributes["size"],
        fulfilment=snapshot.attributes["fulfilment"],
        tenure_days=snapshot.tenure_days,
    )


def _case_risk(risk: RiskResult) -> CaseRisk:
    low, high = risk["interval_90"]
    return CaseRisk(risk["probability"], (low, high), risk["band"])


def _worth_by_risk(
    serving_model: ServingModel, rows: Rows, economy: Economy
) -> dict[str, tuple[list[float], list[float]]]:
    block = rows.table.block
    found = {
        m.key.risk: review_worth(assess(m, block), block, economy)
        for m in headline_models(serving_model.bundle, HORIZON)
    }
    return {risk: (one.at_stake.tolist(), one.loss_avoided.tolist()) for risk, one in found.items()}


def _nearest_breach(serving_model: ServingModel, rows: Rows, day: str) -> list[dict[str, str]]:
    """By risk, the day of the nearest horizon at which a breach is likelier than not, of those that were trained."""
    trained = sorted({m.key.horizon for m in serving_model.bundle.models} & {*HORIZONS})
    ahead = {h: score(serving_model.bundle, rows.table, h, reasons=False) for h in trained}
    nearest: list[dict[str, str]] = [{} for _ in range(len(rows.table))]
    for horizon, scores in ahead.items():
        close = (date.fromisoformat(day) + timedelta(days=horizon)).isoformat()
        for i, by_risk in enumerate(scores):
            for risk, one in by_risk.items():
                if one.probability >= LIKELY:
                    nearest[i].setdefault(risk, close)
    return nearest


Array = NDArray[np.float64]


@dataclass(frozen=True)
class ReviewWorth:
    """Per row: what is at stake in the horizon, and the loss that a review is expected to avoid; shape (rows,)."""

    at_stake: Array
    loss_avoided: Array


def review_worth(found: Assessment, block: Block, economy: Economy) -> ReviewWorth:
    """What reviewing each row is worth, for one risk."""
    ahead = found.prediction.projection
    stake = economy.at_stake(failures_ahead(ahead), order_value(block))
    return ReviewWorth(stake, economy.loss_avoided(found.prediction.probability, stake))


def within_capacity(loss_avoided: Array, eligible: NDArray[np.bool_], capacity: float) -> NDArray[np.int64]:
    """Row numbers of the week's queue, the largest loss first: as many as the share of eligible rows allows.

    eligible: active and not in breach, shape (rows,); capacity: 0..1, at least one row where any is eligible.
    """
    rows = np.flatnonzero(eligible)
    order = rows[np.argsort(-loss_avoided[rows], kind="stable")]
    return order[: int(np.ceil(capacity * len(rows)))].astype(np.int64)
