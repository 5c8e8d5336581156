"""A look at sellers: their logged answers, and the facts of a case that follow from each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from features.table import HORIZONS
from models.economy import Economy
from models.score import assess, headline_models, score
from serving.answers import Question, Rows, predict
from serving.casework import records
from serving.casework.cases import Facts, RiskShown
from serving.casework.loss import worth
from serving.holder import Held
from serving.records.predictions import Prediction

HORIZON = 28
LIKELY = 0.5  # from here a breach is likelier than not
RAISES = "raises"


@dataclass(frozen=True)
class Known:
    """What the sellers table says of a seller, beside its row; None: not said."""

    name: str = ""
    natural_person: bool | None = None


@dataclass(frozen=True)
class Look:
    """One seller at one moment. worth: at stake and loss avoided by risk; breach_by: ISO day by risk, or ""."""

    prediction: Prediction
    names: tuple[str, ...]  # columns of the row that was scored
    worth: Mapping[str, tuple[float, float]]
    breach_by: Mapping[str, str]
    attributes: Mapping[str, str]
    tenure_days: int

    @cached_property
    def said(self) -> Mapping[str, Any]:
        """The answer's members."""
        found: Mapping[str, Any] = json.loads(self.prediction.answer)
        return found


def look(held: Held, rows: Rows, economy: Economy, day: str, layout: str) -> list[Look]:
    """Answers with reasons for the rows, as the API gives them, and what the queue needs beside them."""
    if not len(rows.table):
        return []
    predictions = predict(held, rows, Question(HORIZON, explain=True), day, layout)
    worths = _worths(held, rows, economy)
    nearest = _nearest(held, rows, day)
    tenure = rows.table.block["tenure_days"].tolist()
    return [
        Look(
            prediction,
            rows.table.block.names,
            {risk: (stake[i], loss[i]) for risk, (stake, loss) in worths.items()},
            nearest[i],
            {name: str(column[i]) for name, column in rows.table.text.items()},
            int(tenure[i]) if tenure[i] == tenure[i] else 0,
        )
        for i, prediction in enumerate(predictions)
    ]


def facts(seen: Look, risk: str, known: Known, before: float | None) -> Facts:
    """The facts of a case about one risk; before: its probability a week earlier."""
    said, own = seen.said, seen.said["risks"][risk]
    strongest = next((r for r in own["explanation"]["reasons"] if r["direction"] == RAISES), None)
    stake, loss = seen.worth[risk]
    return Facts(
        as_of=seen.prediction.as_of,
        decision_id=seen.prediction.decision_id,
        digest=records.digest(seen.prediction.answer),
        seller_name=known.name,
        natural_person=known.natural_person,
        risks={name: _shown(one) for name, one in said["risks"].items()},
        current_rate=own["standard"]["current_rate"],
        expected_rate=own["expected_rate"],
        limit=own["standard"]["limit"],
        reason=strongest["text"] if strongest else "",
        family=strongest["code"] if strongest else "",
        breach_by=seen.breach_by.get(risk, ""),
        change=None if before is None else own["probability"] - before,
        orders_in_window=said["evidence"]["orders_in_window"],
        low_evidence=said["evidence"]["low_evidence"],
        at_stake=stake,
        loss_avoided=loss,
        category=seen.attributes["category"],
        region=seen.attributes["region"],
        size=seen.attributes["size"],
        fulfilment=seen.attributes["fulfilment"],
        tenure_days=seen.tenure_days,
    )


def _shown(risk: Mapping[str, Any]) -> RiskShown:
    low, high = risk["interval_90"]
    return RiskShown(risk["probability"], (low, high), risk["band"])


def _worths(held: Held, rows: Rows, economy: Economy) -> dict[str, tuple[list[float], list[float]]]:
    block = rows.table.block
    found = {m.key.risk: worth(assess(m, block), block, economy) for m in headline_models(held.bundle, HORIZON)}
    return {risk: (one.at_stake.tolist(), one.loss_avoided.tolist()) for risk, one in found.items()}


def _nearest(held: Held, rows: Rows, day: str) -> list[dict[str, str]]:
    """By risk, the day of the nearest horizon at which a breach is likelier than not, of those that were trained."""
    trained = sorted({m.key.horizon for m in held.bundle.models} & {*HORIZONS})
    ahead = {h: score(held.bundle, rows.table, h, reasons=False) for h in trained}
    nearest: list[dict[str, str]] = [{} for _ in range(len(rows.table))]
    for horizon, scores in ahead.items():
        close = (date.fromisoformat(day) + timedelta(days=horizon)).isoformat()
        for i, by_risk in enumerate(scores):
            for risk, one in by_risk.items():
                if one.probability >= LIKELY:
                    nearest[i].setdefault(risk, close)
    return nearest
