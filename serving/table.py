"""The table of routes. A new endpoint is a line here, a model of its body and answer, and a function of its call."""

from serving import decisions, explaining, metrics, model_pages, openapi, outcomes, pages
from serving.routes import Route, Routes
from serving.schema import ScoreAnswer, ScoreRequest
from serving.schema_model import ExplainAnswer, ExplainRequest, ModelAnswer, StandardsAnswer
from serving.schema_records import (
    DecisionAnswer,
    OutcomesAnswer,
    OutcomesListed,
    OutcomesQuery,
    OutcomesRequest,
    ReplayAnswer,
)

SCORED = ("not-ready", "log-unavailable")
RECORDED = ("unknown-decision", "erased", "log-unavailable")
OUTCOME = {
    "outcome_id": "payments-2025-00017",
    "seller_id": "s000342",
    "risk": "returns",
    "observed_on": "2025-04-22",
    "in_breach": True,
    "source": "payments",
}

ROUTES = Routes(
    [
        Route("index", "GET", "/", "The index page.", pages.index, media_type="text/html"),
        Route("livez", "GET", "/livez", "The process lives.", media_type="text/plain", probe=True),
        Route(
            "readyz",
            "GET",
            "/readyz",
            "A model and a store are loaded.",
            media_type="text/plain",
            problems=("not-ready",),
            probe=True,
        ),
        Route("metrics", "GET", "/metrics", "Prometheus metrics.", metrics.page, media_type="text/plain"),
        Route("docs", "GET", "/docs.json", "The API as OpenAPI 3.1.", openapi.page),
        Route(
            "score",
            "POST",
            "/v1/score",
            "Score sellers: the probability of a breach, why, and how sure.",
            body=ScoreRequest,
            answer=ScoreAnswer,
            problems=SCORED,
            roles=frozenset({"score"}),
            idempotent=True,
            example={"seller_ids": ["s000342"], "horizon_days": 28, "explain": True},
        ),
        Route(
            "explain",
            "POST",
            "/v1/explain",
            "Explain one seller's score: every contribution, the window's arithmetic, the peers, the evidence.",
            explaining.explain,
            body=ExplainRequest,
            answer=ExplainAnswer,
            problems=(*SCORED, "unknown-seller"),
            roles=frozenset({"score", "read", "review"}),
            idempotent=True,
            example={"seller_id": "s000342", "horizon_days": 28},
        ),
        Route(
            "standards",
            "GET",
            "/v1/standards",
            "The standards that the model speaks of.",
            model_pages.standards,
            answer=StandardsAnswer,
            problems=("not-ready",),
        ),
        Route(
            "model",
            "GET",
            "/v1/model",
            "The model that serves: version, digests, age, and the challenger in its shadow.",
            model_pages.model,
            answer=ModelAnswer,
            problems=("not-ready",),
        ),
        Route(
            "decision",
            "GET",
            "/v1/decisions/{decision_id}",
            "A prediction as it was answered, and what came true.",
            decisions.show,
            answer=DecisionAnswer,
            problems=RECORDED,
            roles=frozenset({"read", "review"}),
        ),
        Route(
            "replay",
            "POST",
            "/v1/decisions/{decision_id}/replay",
            "Score a logged prediction again: the same model, the same inputs.",
            decisions.replay,
            answer=ReplayAnswer,
            problems=(*RECORDED, "model-gone"),
            roles=frozenset({"read", "review"}),
        ),
        Route(
            "keep_outcomes",
            "POST",
            "/v1/outcomes",
            "Record what came true, as another system knows it.",
            outcomes.keep,
            body=OutcomesRequest,
            answer=OutcomesAnswer,
            problems=("outcome-conflict", "erased", "log-unavailable"),
            roles=frozenset({"score", "review"}),
            idempotent=True,
            example={"outcomes": [OUTCOME]},
        ),
        Route(
            "outcomes",
            "GET",
            "/v1/outcomes",
            "What came true, a page at a time.",
            outcomes.list_,
            query=OutcomesQuery,
            answer=OutcomesListed,
            problems=("log-unavailable",),
            roles=frozenset({"read", "review"}),
        ),
    ]
)
