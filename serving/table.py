"""The table of routes. A new endpoint is a line here, a model of its body and answer, and a function of its call."""

from serving import metrics, openapi, pages
from serving.routes import Route, Routes
from serving.schema import ScoreAnswer, ScoreRequest

SCORED = ("not-ready", "log-unavailable")

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
    ]
)
