"""From scores to answers: what the API says of a seller, and what the log keeps of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic_core import to_json

from features.formulas import PRIOR
from features.table import FeatureTable
from models.bundle import NAME
from models.explain import Explanation, Reason
from models.score import Score, score
from serving import metrics
from serving.holder import Held
from serving.problems import Problem
from serving.records.predictions import Prediction

Orders = Mapping[str, Sequence[tuple[int, str]]]  # by ledger quantity: day and order_id, newest first
Items = Sequence[Mapping[str, Any]]  # a seller's items that came back, the most surprising first
ITEMS_RISK = "returns"  # the risk whose answer holds them
WHOLE_MARKET = "market"  # the name of a peer group that no attribute narrows


@dataclass(frozen=True)
class Question:
    """How to score: horizon in days, and whether reasons are wanted."""

    horizon: int
    explain: bool


@dataclass(frozen=True)
class Rows:
    """Sellers to score: their rows, the orders behind each one's quantities, and which items came back."""

    table: FeatureTable
    orders: Sequence[Orders]
    items: Sequence[Items]


def predict(held: Held, rows: Rows, question: Question, day: str, layout: str) -> list[Prediction]:
    """One prediction a row, its answer in the bytes that will be sent."""
    scores = score(held.bundle, rows.table, question.horizon, question.explain)
    for by_risk in scores:
        for risk, s in by_risk.items():
            metrics.observe_probability(risk, s.probability)
    return [_prediction(held, rows, i, by_risk, question, day, layout) for i, by_risk in enumerate(scores)]


def _prediction(
    held: Held, rows: Rows, i: int, by_risk: Mapping[str, Score], question: Question, day: str, layout: str
) -> Prediction:
    table = rows.table
    decision_id = str(uuid4())
    return Prediction(
        decision_id=decision_id,
        seller_id=table.seller_id[i],
        as_of=day,
        horizon_days=question.horizon,
        model_version=held.version,
        model_digest=held.bundle.digest,
        layout=layout,
        vector=table.block.values[i].astype("<f8").tobytes(),
        attributes=json.dumps({name: column[i] for name, column in table.text.items()}),
        offsets=json.dumps({risk: s.offset for risk, s in by_risk.items()}),
        answer=to_json(result(decision_id, rows, i, by_risk)),
    )


def body(held: Held, day: str, results: Sequence[bytes]) -> bytes:
    """The answer to a request, made of its results' bytes."""
    return opening(held, day) + b',"results":[' + b",".join(results) + b"]}"


def opening(held: Held, day: str) -> bytes:
    """How every answer begins; more members and a brace follow."""
    return to_json({"as_of": day, "model": model_used(held)})[:-1]


def model_used(held: Held) -> dict[str, str]:
    """The model behind an answer."""
    bundle = held.bundle
    return {"name": NAME, "version": held.version, "digest": bundle.digest, "calibrated_to": bundle.calibrated_to}


def unknown(seller_id: str) -> bytes:
    """What stands in the place of a seller that the store does not know."""
    return to_json({"seller_id": seller_id, "problem": Problem("unknown-seller").as_json()})


def result(decision_id: str, rows: Rows, i: int, by_risk: Mapping[str, Score]) -> dict[str, Any]:
    table, as_of = rows.table, int(rows.table.as_of[i])
    return {
        "seller_id": table.seller_id[i],
        "decision_id": decision_id,
        "evidence": {
            "orders_in_window": int(table.block["ordered_60"][i]),
            "low_evidence": any(s.low_evidence for s in by_risk.values()),
            "peer_group": {
                "name": table.text["peer_group"][i] or WHOLE_MARKET,
                "sellers": int(table.block["peer_sellers"][i]),
                "prior_orders": PRIOR,
            },
        },
        "risks": {
            risk: _risk(s, rows.orders[i], as_of) | _items(risk, s, rows.items[i]) for risk, s in by_risk.items()
        },
    }


def _items(risk: str, s: Score, items: Items) -> dict[str, Any]:
    return {"items": items} if risk == ITEMS_RISK and s.explanation else {}


def _risk(s: Score, orders: Orders, as_of: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "probability": s.probability,
        "interval_90": s.interval_90,
        "band": s.band,
        "in_breach": s.in_breach,
        "standard": vars(s.standard),
        "expected_rate": s.expected_rate,
        "expected_rate_interval_90": s.expected_rate_interval_90,
    }
    if s.explanation:
        said["explanation"] = _explanation(s.explanation, orders, as_of)
    if s.parts:
        said["parts"] = {part: {"probability": probability} for part, probability in s.parts.items()}
    return said


def _explanation(why: Explanation, orders: Orders, as_of: int) -> dict[str, Any]:
    reasons = [_reason(reason, orders, as_of) for reason in why.reasons]
    return {"base": why.base, "arithmetic": why.arithmetic, "reasons": reasons}


def _reason(reason: Reason, orders: Orders, as_of: int) -> dict[str, Any]:
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
