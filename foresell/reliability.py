"""docs/reliability.md: what was done to the service, its models and its records, and what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.markdown import markdown

NOT_MEASURED = "not measured yet"


@dataclass(frozen=True)
class Fault:
    """One fault or attack. tried, found: texts with figures of results/faults.json in braces; test: its short form."""

    fault: str
    expected: str
    tried: str
    found: str
    test: str


FAULTS = (
    Fault(
        "`kill -9` of a worker under load",
        "others serve; what was acknowledged is in the records",
        "{worker_kills:,.0f} kills, {kills_acked:,.0f} predictions acknowledged",
        "{acked_lost:,.0f} lost; {kills_broken_requests:,.0f} requests broke off",
        "test_faults.py",
    ),
    Fault(
        "SIGTERM, one worker after the other, under load",
        "each answers what it holds, and ends",
        "{rolling_restarts:,.0f} restarts, {restart_acked:,.0f} acknowledged",
        "{restart_failed:,.0f} failed, {restart_lost:,.0f} lost; {restart_sent_again:,.0f} sent again by their key",
        "test_faults.py",
    ),
    Fault(
        "model registry dead, hung, slow, failing, or talking nonsense",
        "starts in 20 s and serves the last good model; `foresell_stale` tells",
        "{registry_modes:,.0f} modes, {registry_scores:,.0f} scores",
        "{registry_failed_scores:,.0f} failed; ready after {registry_start_seconds:.1f} s at most",
        "test_faults.py",
    ),
    Fault(
        "model registry away for longer than it may be",
        "`/readyz` stays 200, `foresell_stale` is 1",
        "{registry_modes:,.0f} modes",
        "{registry_stale_told:,.0f} told",
        "test_faults.py, test_serving_model.py",
    ),
    Fault(
        "bundle truncated, bit-flipped, mixed up, sealed anew",
        "refused before LightGBM reads it, or in a trial process; the model before stays",
        "{bundle_mutations:,.0f} damaged bundles",
        "{bundles_activated:,.0f} put to use",
        "test_faults.py, test_models_bundle.py",
    ),
    Fault(
        "features, calibration or trees of another model, under a manifest that fits",
        "refused, with the difference",
        "{manifest_mismatches:,.0f} bundles",
        "{mismatches_activated:,.0f} put to use",
        "test_faults.py, test_models_bundle.py",
    ),
    Fault(
        "writer killed at any moment of a write",
        "the journal recovers; integrity check and chain hold",
        "{write_crashes:,.0f} kills",
        "{write_crashes_damaged:,.0f} damaged, {write_crashes_lost:,.0f} lost",
        "test_faults.py",
    ),
    Fault(
        "disk full",
        "503 with Retry-After, nothing acknowledged, no torn record",
        "a limit on the size of files",
        "held by the test",
        "test_records_faults.py",
    ),
    Fault(
        "database locked, commit slow, server gone",
        "a wait of 5 s at most for a lock, then 503; one commit for all that wait",
        "SQLite and PostgreSQL",
        "held by the tests",
        "test_records_faults.py, test_records_predictions.py",
    ),
    Fault(
        "records altered, lost, added or moved behind the chain's back",
        "`foresell records verify` names them; an erasure does not break it",
        "10 kinds of change, 20 times each, in both databases",
        "held by the tests: all found",
        "test_records_chain.py",
    ),
    Fault(
        "several reviewers on one case, or two who open the same week, at once",
        "one decides or opens; the others are told; no decision is lost",
        "steps of two against a model (SQLite), 8 at once (SQLite and PostgreSQL)",
        "held by the tests",
        "test_casework_two_reviewers.py",
    ),
    Fault(
        "odd inputs of every kind",
        "4xx, or a defined answer; never 5xx",
        "{fuzzed_inputs:,.0f} inputs: by schemathesis from the OpenAPI document, these damaged, and damaged requests",
        "{server_errors:,.0f} answered 5xx or not at all",
        "test_faults.py, test_serving_guard.py",
    ),
    Fault(
        "the same Idempotency-Key again, at once, later, with another body",
        "the same bytes, or 422; one record",
        "{idempotency_steps:,.0f} steps of two workers against a model",
        "held at each step",
        "test_faults.py, test_serving_outcomes.py",
    ),
    Fault(
        "absent, wrong, expired, revoked or other-role key",
        "401, one answer for all",
        "{role_cells:,.0f} cells of routes and keys",
        "{role_cells_wrong:,.0f} wrong, {role_refusals_told_apart:,.0f} told apart",
        "test_serving_access.py",
    ),
    Fault(
        "bodies of 10 MB, nested 100,000 deep, gzip bombs",
        "refused before parsing; memory grows by under 50 MB",
        "{bombs:,.0f} bodies",
        "{bombs_refused:,.0f} refused; {bombs_mb_per_worker:.0f} MB",
        "test_faults.py",
    ),
    Fault(
        "paths that lead out of the folder",
        "404 or 422",
        "{traversals:,.0f} paths",
        "{traversals_through:,.0f} through",
        "test_faults.py",
    ),
    Fault(
        "one key asks far too often",
        "429 with Retry-After; others' p99 less than doubles",
        "one key at many times its rate",
        "{abuse_told_to_wait:,.0f} told to wait; others' p99 x {abuse_other_key_p99_ratio:.2f}",
        "test_faults.py, test_serving_access.py",
    ),
    Fault(
        "sockets with endless headers",
        "others' p99 less than doubles; closed by nginx in front, not by the service",
        "{slow_sockets:,.0f} sockets, no nginx",
        "others' p99 x {slow_others_p99_ratio:.2f}; {slow_left_after_10_s:,.0f} open after 10 s; behind nginx none",
        "test_faults.py, test_deploy.py",
    ),
    Fault(
        "a long load",
        "memory under 1 MB for each 10,000 requests",
        "{soak_seconds:,.0f} s, {soak_requests:,.0f} requests",
        "{soak_mb_per_10k_requests:.2f} MB for each 10,000; {soak_failed:,.0f} failed",
        "test_faults.py",
    ),
)


def reliability_page(results: Path) -> str:
    """The page, with the figures that were measured last."""
    path = results / "faults.json"
    found: Mapping[str, Any] = json.loads(path.read_bytes()) if path.exists() else {"figures": {}, "notes": ""}
    rows = [_row(fault, found["figures"]) for fault in FAULTS]
    heads = ["fault or attack", "what must happen", "tried", "found", "short form"]
    parts = [
        "# Reliability",
        "What was done to the API, its model files and its records, and what came of it. Written by `make docs` from "
        "`benchmarks/results/faults.json`; `make bench ONLY=faults` measures anew, `make test` runs the short forms.",
        markdown(heads, rows),
        found["notes"],
        "What reviewers' pages and data go through is in their tests; the runbook is [runbook.md](runbook.md).",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(fault: Fault, figures: Mapping[str, float]) -> list[str]:
    """A line of the table; what was not measured says so."""
    texts = []
    for text in (fault.tried, fault.found):
        try:
            texts.append(text.format(**figures))
        except KeyError:
            texts.append(NOT_MEASURED)
    return [fault.fault, fault.expected, *texts, ", ".join(f"`{name}`" for name in fault.test.split(", "))]
