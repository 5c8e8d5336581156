"""Prometheus metrics. Labels come from lists of ours, never from a request: a path as a label would grow for ever.

The metrics are made at the first use: BentoML sets the folder that several workers share after it imports the service.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

DAY_SECONDS = 86_400
PROBABILITIES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Meters:
    """What is measured."""

    requests: Counter
    problems: Counter
    seconds: Histogram
    predictions: Counter
    probability: Histogram
    calibrated: Gauge
    store_day: Gauge
    stale: Gauge
    shadow: Gauge
    commit_seconds: Histogram


@cache
def meters() -> Meters:
    """The metrics of this process."""
    return Meters(
        requests=Counter("foresell_requests", "Requests answered.", ["route", "status"]),
        problems=Counter("foresell_problems", "Requests answered with a problem.", ["kind"]),
        seconds=Histogram("foresell_request_seconds", "Time to answer a request.", ["route"], buckets=SECONDS),
        predictions=Counter("foresell_predictions", "Sellers scored."),
        probability=Histogram("foresell_probability", "Probabilities answered.", ["risk"], buckets=PROBABILITIES),
        calibrated=_gauge("foresell_model_calibrated_timestamp_seconds", "Day of the last label the calibration saw."),
        store_day=_gauge("foresell_store_timestamp_seconds", "Day of the rows that are scored."),
        stale=_gauge("foresell_stale", "1 while the registry has not been reached for longer than it may be."),
        shadow=_gauge("foresell_shadow", "The challenger against the answers.", ["risk", "figure"]),
        commit_seconds=Histogram(
            "foresell_commit_seconds", "From a record made to a record durable: the log's lag.", buckets=SECONDS
        ),
    )


def _gauge(name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
    """Of several workers, the one that set it last counts."""
    return Gauge(name, text, labels, multiprocess_mode="mostrecent")


def count_request(route: str, status: int, kind: str, seconds: float) -> None:
    """One request answered (status 0: its caller went away), with a problem of some kind or ""."""
    meters().requests.labels(route, str(status)).inc()
    if kind:
        meters().problems.labels(kind).inc()
    meters().seconds.labels(route).observe(seconds)


def count_predictions(count: int) -> None:
    """So many sellers scored."""
    meters().predictions.inc(count)


def observe_probability(risk: str, probability: float) -> None:
    """One risk of one seller answered."""
    meters().probability.labels(risk).observe(probability)


def set_model(calibrated_to: str, store_day: int, stale: bool) -> None:
    """How old what answers is. Ages are what Prometheus makes of these times: time() minus them."""
    meters().calibrated.set(DAY_SECONDS * (date.fromisoformat(calibrated_to) - date(1970, 1, 1)).days)
    meters().store_day.set(DAY_SECONDS * store_day)
    meters().stale.set(stale)


def set_shadow(report: Mapping[str, Any]) -> None:
    """What the shadow found last."""
    for risk, figures in report.get("risks", {}).items():
        for name, figure in figures.items():
            meters().shadow.labels(risk, name).set(figure)


def observe_commit(seconds: float) -> None:
    """One request's records are durable, so long after they were made."""
    meters().commit_seconds.observe(seconds)


def exposition() -> bytes:
    """The metrics of all workers as Prometheus reads them, in its text format."""
    meters()
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
