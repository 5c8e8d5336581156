"""Prometheus metrics. Labels come from lists of ours, never from a request: a path as a label would grow for ever.

The metrics are made at the first use: BentoML sets the folder that several workers share after it imports the service.
"""

import os
from dataclasses import dataclass
from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from starlette.responses import Response

from serving.routes import Call

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Meters:
    """What is measured."""

    requests: Counter
    problems: Counter
    seconds: Histogram
    predictions: Counter
    commit_seconds: Histogram


@cache
def meters() -> Meters:
    """The metrics of this process."""
    return Meters(
        requests=Counter("foresell_requests", "Requests answered.", ["route", "status"]),
        problems=Counter("foresell_problems", "Requests answered with a problem.", ["kind"]),
        seconds=Histogram("foresell_request_seconds", "Time to answer a request.", ["route"], buckets=SECONDS),
        predictions=Counter("foresell_predictions", "Sellers scored."),
        commit_seconds=Histogram(
            "foresell_commit_seconds", "From a record made to a record durable: the log's lag.", buckets=SECONDS
        ),
    )


def count_request(route: str, status: int, kind: str, seconds: float) -> None:
    """One request answered (status 0: its caller went away), with a problem of some kind or ""."""
    meters().requests.labels(route, str(status)).inc()
    if kind:
        meters().problems.labels(kind).inc()
    meters().seconds.labels(route).observe(seconds)


def count_predictions(count: int) -> None:
    """So many sellers scored."""
    meters().predictions.inc(count)


def observe_commit(seconds: float) -> None:
    """One request's records are durable, so long after they were made."""
    meters().commit_seconds.observe(seconds)


async def page(_: Call) -> Response:
    """The metrics of all workers as Prometheus reads them."""
    meters()
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
