"""The types of a result, against the description of the same document that callers get."""

import json

import pytest
from pydantic import BaseModel

from serving.api.schema import score
from serving.scoring import results
from serving.scoring.results import read_result
from serving.store.rows import ReturnedItem

PAIRS: dict[type, type[BaseModel]] = {
    results.PeerGroupResult: score.PeerGroup,
    results.EvidenceResult: score.Evidence,
    results.StandardResult: score.StandardUsed,
    results.ReasonOrders: score.ReasonEvidence,
    results.ReasonResult: score.Reason,
    results.ExplanationResult: score.Explanation,
    results.PartResult: score.Part,
    results.RiskResult: score.Risk,
    ReturnedItem: score.Item,
}


@pytest.mark.parametrize("typed", PAIRS, ids=lambda typed: typed.__name__)
def test_a_result_has_the_members_that_callers_are_told_of(typed: type) -> None:
    described = PAIRS[typed].model_fields
    assert list(typed.__annotations__) == list(described)
    optional = {name for name, field in described.items() if not field.is_required()}
    assert set(getattr(typed, "__optional_keys__", ())) == optional


def test_a_scored_seller_has_every_member_but_the_problem() -> None:
    assert {*results.SellerResult.__annotations__} == {*score.Result.model_fields} - {"problem"}


def test_a_result_is_read_from_the_bytes_that_were_answered() -> None:
    answer = {"seller_id": "s1", "decision_id": "d1", "evidence": {}, "risks": {"returns": {"probability": 0.25}}}
    assert read_result(json.dumps(answer).encode())["risks"]["returns"]["probability"] == 0.25
