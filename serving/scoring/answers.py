"""From scores to answers: what the API says of a seller, and what the log keeps of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

from pydantic_core import to_json

from features.catalogue.formulas import PRIOR
from models.bundle.bundle import NAME
from models.explain.reasons import ScoreExplanation, ScoreReason
from models.score import Score, score
from serving import metrics
from serving.audit_log.predictions import PredictionRecord
from serving.problems import Problem
from serving.scoring.champion_loader import ServingModel
from serving.scoring.results import ExplanationResult, ReasonResult, RiskResult, SellerResult, StandardResult
from serving.store.rows import Items, Orders, Rows

ITEMS_RISK = "returns"  # the risk whose answer holds them
WHOLE_MARKET = "market"  # the name of a peer group that no attribute narrows


@dataclass(frozen=True)
class ScoreOptions:
    """How to score: horizon in days, and whether reasons are wanted."""

    horizon: int
    explain: bool


def predict(
    serving_model: ServingModel, rows: Rows, options: ScoreOptions, day: str, layout: str
) -> list[PredictionRecord]:
    """One prediction a row, its answer in the bytes that will be sent."""
    scores = score(serving_model.bundle, rows.table, options.horizon, options.explain)
    for by_risk in scores:
        for risk, s in by_risk.items():
            metrics.observe_probability(risk, s.probability)
    return [_prediction(serving_model, rows, i, by_risk, options, day, layout) for i, by_risk in enumerate(scores)]


def _prediction(
    serving_model: ServingModel,
    rows: Rows,
    i: int,
    by_risk: Mapping[str, Score],
    options: ScoreOptions,
    day: str,
    layout: str,
) -> PredictionRecord:
    table = rows.table
    decision_id = str(uuid4())
    return PredictionRecord(
        decision_id=decision_id,
        seller_id=table.seller_id[i],
        as_of=day,
        horizon_days=options.horizon,
        model_version=serving_model.version,
        model_digest=serving_model.bundle.digest,
        layout=layout,
        vector=table.block.values[i].astype("<f8").tobytes(),
        attributes=json.dumps({name: column[i] for name, column in table.text.items()}),
        offsets=json.dumps({risk: s.offset for risk, s in by_risk.items()}),
        answer=to_json(result(decision_id, rows, i, by_risk)),
    )


def body(serving_model: ServingModel, day: str, results: Sequence[bytes]) -> bytes:
    """The answer to a request, made of its results' bytes."""
    return opening(serving_model, day) + b',"results":[' + b",".join(results) + b"]}"


def opening(serving_model: ServingModel, day: str) -> bytes:
    """How every answer begins; more members and a brace follow."""
    return to_json({"as_of": day, "model": model_used(serving_model)})[:-1]


def model_used(serving_model: ServingModel) -> dict[str, str]:
    """The model behind an answer."""
    bundle = serving_model.bundle
    return {
        "name": NAME,
        "version": serving_model.version,
        "digest": bundle.digest,
        "calibrated_to": bundle.calibrated_to,
    }


def unknown(seller_id: str) -> bytes:
    """What stands in the place of a seller that the store does not know."""
    return to_json({"seller_id": seller_id, "problem": Problem("unknown-seller").as_json()})


def result(decision_id: str, rows: Rows, i: int, by_risk: Mapping[str, Score]) -> SellerResult:
    """What the API says of row i, before it is written as JSON."""
    table, as_of = rows.table, int(rows.table.as_of[i])
    return {
        "seller_id": table.seller_id[i],
        "decision_id": decision_id,
        "evidence": {
            "orders_in_window": int(table.block["ordered_60"][i]),
            "low_evidence": any(s.low_evidence for s in by_risk.values()),
            "incomplete": table.seller_id[i] in rows.incomplete,
            "peer_group": {
                "name": table.text["peer_group"][i] or WHOLE_MARKET,
                "sellers": int(table.block["peer_sellers"][i]),
                "prior_orders": PRIOR,
            },
        },
        "risks": {risk: _risk(risk, s, rows.orders[i], rows.items[i], as_of) for risk, s in by_risk.items()},
    }


def _risk(risk: str, s: Score, orders: Orders, items: Items, as_of: int) -> RiskResult:
    found: RiskResult = {
        "probability": s.probability,
        "interval_90": s.interval_90,
        "band": s.band,
        "in_breach": s.in_breach,
        "standard": cast(StandardResult, vars(s.standard)),
        "expected_rate": s.expected_rate,
        "expected_rate_interval_90": s.expected_rate_interval_90,
    }
    if s.explanation:
        found["explanation"] = _explanation(s.explanation, orders, as_of)
    if s.parts:
        found["parts"] = {part: {"probability": probability} for part, probability in s.parts.items()}
    if risk == ITEMS_RISK and s.explanation:
        found["items"] = items
    return found


def _explanation(why: ScoreExplanation, orders: Orders, as_of: int) -> ExplanationResult:
    reasons = [_reason(reason, orders, as_of) for reason in why.reasons]
    return {"base": why.base, "arithmetic": why.arithmetic, "reasons": reasons}


def _reason(reason: ScoreReason, orders: Orders, as_of: int) -> ReasonResult:
    behind = reason.evidence
    after = as_of - behind.span if behind.span else float("-inf")
    newest = [order for day, order in orders.get(behind.quantity, ()) if day > after]
    return {
        "code": reason.code,
        "contribution": reason.contribution,
        "direction": reason.direction,
        "text": reason.text,
        "evidence": {"order_ids": newest, "count": behind.orders},
    }
