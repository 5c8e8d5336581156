"""The result of a score as the API answers it, as the log keeps it and as pages and letters read it back.

These are the types of one JSON document, from the code that writes it (`answers`) to all that read it. They are typed
dictionaries and not classes: writing an answer makes some hundred of them, and every object more would cost time.
`serving.api.schema.score` describes the same document to callers; a test compares the two.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict, cast

from serving.store.rows import Items


class PeerGroupResult(TypedDict):
    """Who the seller is compared with, and how much that weighs."""

    name: str
    sellers: int
    prior_orders: int


class EvidenceResult(TypedDict):
    """How much is known of the seller."""

    orders_in_window: int
    low_evidence: bool
    incomplete: bool
    peer_group: PeerGroupResult


class StandardResult(TypedDict):
    """The seller under the standard at as_of; no rate without volume."""

    name: str
    version: str
    limit: float
    current_rate: float | None
    volume: int
    minimum_volume: int


class ReasonOrders(TypedDict):
    """The orders behind a reason: how many, and the newest of them."""

    order_ids: Sequence[str]
    count: int


class ReasonResult(TypedDict):
    """What one family of features adds to the log-odds. direction: raises or lowers."""

    code: str
    contribution: float
    direction: str
    text: str
    evidence: ReasonOrders


class ExplanationResult(TypedDict):
    """base + arithmetic + the contributions = the log-odds of the probability."""

    base: float
    arithmetic: float
    reasons: Sequence[ReasonResult]


class PartResult(TypedDict):
    """One part of a risk."""

    probability: float


class RiskResult(TypedDict):
    """One risk, one horizon ahead. items: of returns only; explanation and items: where reasons were asked for."""

    probability: float
    interval_90: Sequence[float]
    band: str
    in_breach: bool
    standard: StandardResult
    expected_rate: float | None
    expected_rate_interval_90: Sequence[float] | None
    explanation: NotRequired[ExplanationResult]
    parts: NotRequired[Mapping[str, PartResult]]
    items: NotRequired[Items]


class SellerResult(TypedDict):
    """A seller's score: its risks by name."""

    seller_id: str
    decision_id: str
    evidence: EvidenceResult
    risks: Mapping[str, RiskResult]


def read_result(answer: bytes) -> SellerResult:
    """A result from the bytes that were answered and logged."""
    return cast(SellerResult, json.loads(answer))
