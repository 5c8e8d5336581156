"""docs/reliability.md: the faults injected into the service, its models and its records, and what happened."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.markdown import markdown

NOT_MEASURED = "not measured yet"


@dataclass(frozen=True)
class InjectedFault:
    """One fault or attack. tried, found: texts with figures of faults.json in braces; test: its tests under tests/."""

    fault: str
    expected: str
    tried: str
    found: str
    test: str


FAULTS = (
    InjectedFault(
        "`kill -9` of a worker under load",
        "other workers serve; everything that was acknowledged is in the records",
        "{worker_kills:,.0f} kills, {kills_acked:,.0f} predictions acknowledged",
        "{acked_lost:,.0f} lost; {kills_broken_requests:,.0f} requests were cut off",
        "serving/test_faults.py",
    ),
    InjectedFault(
        "SIGTERM, one worker after the other, under load",
        "each finishes its requests, and ends",
        "{rolling_restarts:,.0f} restarts, {restart_acked:,.0f} acknowledged",
        "{restart_failed:,.0f} failed, {restart_lost:,.0f} lost; {restart_sent_again:,.0f} sent again with their key",
        "serving/test_faults.py",
    ),
    InjectedFault(
        "model registry dead, hanging, slow, failing, or answering nonsense",
        "the service starts within 20 s and serves the last good model; `foresell_stale` shows it",
        "{registry_modes:,.0f} modes, {registry_scores:,.0f} scores",
        "{registry_failed_scores:,.0f} failed; ready after {registry_start_seconds:.1f} s at most",
        "serving/test_faults.py",
    ),
    InjectedFault(
        "model registry away for longer than `FORESELL_STALE_SECONDS`",
        "`/readyz` stays 200, `foresell_stale` is 1",
        "{registry_modes:,.0f} modes",
        "shown in {registry_stale_told:,.0f}",
        "serving/test_faults.py, serving/test_model.py",
    ),
    InjectedFault(
        "bundle cut off, bits flipped, files exchanged, digests computed again",
        "refused before LightGBM reads it, or in a trial process; the previous model stays",
        "{bundle_mutations:,.0f} damaged bundles",
        "{bundles_activated:,.0f} used",
        "serving/test_faults.py, models/test_bundle.py",
    ),
    InjectedFault(
        "features, calibration or trees of another model, with a correct manifest",
        "refused, with the difference",
        "{manifest_mismatches:,.0f} bundles",
        "{mismatches_activated:,.0f} used",
        "serving/test_faults.py, models/test_bundle.py",
    ),
    InjectedFault(
        "writer killed at any moment of a write",
        "the journal recovers; the integrity check and the chain are correct",
        "{write_crashes:,.0f} kills",
        "{write_crashes_damaged:,.0f} damaged, {write_crashes_lost:,.0f} lost",
        "serving/test_faults.py",
    ),
    InjectedFault(
        "disk full",
        "503 with Retry-After, nothing acknowledged, no record written in part",
        "a limit on the size of files",
        "as required (test)",
        "serving/audit_log/test_faults.py",
    ),
    InjectedFault(
        "database locked, commit slow, server gone",
        "wait at most 5 s for a lock, then 503; one commit for all that wait",
        "SQLite and PostgreSQL",
        "as required (tests)",
        "serving/audit_log/test_faults.py, serving/audit_log/test_predictions.py",
    ),
    InjectedFault(
        "records altered, lost, added or moved without the chain",
        "`foresell records verify` names them; an erasure does not break it",
        "10 kinds of change, 20 times each, in both databases",
        "all found (tests)",
        "serving/audit_log/test_chain.py",
    ),
    InjectedFault(
        "several reviewers on one case, or two who open the same week, at the same time",
        "one decides or opens; the others get a message; no decision is lost",
        "steps of two, compared with a model (SQLite); 8 at once (SQLite and PostgreSQL)",
        "as required (tests)",
        "serving/casework/test_two_reviewers.py",
    ),
    InjectedFault(
        "unusual and damaged inputs of every kind",
        "4xx or a defined answer, never 5xx",
        "{fuzzed_inputs:,.0f} inputs: from the OpenAPI document (schemathesis), these damaged, and damaged requests",
        "{server_errors:,.0f} answered with 5xx or not at all",
        "serving/test_faults.py, serving/test_middleware.py",
    ),
    InjectedFault(
        "the same Idempotency-Key again: at the same time, later, with another body",
        "the same bytes, or 422; one record",
        "{idempotency_steps:,.0f} steps of two workers, compared with a model",
        "as required at each step",
        "serving/test_faults.py, serving/test_outcomes.py",
    ),
    InjectedFault(
        "key missing, wrong, expired, revoked, or of another role",
        "401, the same answer for all",
        "{role_cells:,.0f} pairs of route and key",
        "{role_cells_wrong:,.0f} wrong, {role_refusals_told_apart:,.0f} refusals that differ",
        "serving/test_access.py",
    ),
    InjectedFault(
        "bodies of 10 MB, nested 100,000 deep, gzip bombs",
        "refused before parsing; memory grows by under 50 MB",
        "{bombs:,.0f} bodies",
        "{bombs_refused:,.0f} refused; {bombs_mb_per_worker:.0f} MB",
        "serving/test_faults.py",
    ),
    InjectedFault(
        "paths that lead out of the folder",
        "404 or 422",
        "{traversals:,.0f} paths",
        "{traversals_through:,.0f} answered with a file",
        "serving/test_faults.py",
    ),
    InjectedFault(
        "one key makes far too many requests",
        "429 with Retry-After; others' p99 less than doubles",
        "one key at many times its rate",
        "{abuse_told_to_wait:,.0f} got 429; others' p99 x {abuse_other_key_p99_ratio:.2f}",
        "serving/test_faults.py, serving/test_access.py",
    ),
    InjectedFault(
        "sockets with endless headers",
        "others' p99 less than doubles; closed by nginx in front, not by the service",
        "{slow_sockets:,.0f} sockets, no nginx",
        "others' p99 x {slow_others_p99_ratio:.2f}; {slow_left_after_10_s:,.0f} open after 10 s; behind nginx none",
        "serving/test_faults.py, house/test_deploy.py",
    ),
    InjectedFault(
        "a long load",
        "memory under 1 MB for each 10,000 requests",
        "{soak_seconds:,.0f} s, {soak_requests:,.0f} requests",
        "{soak_mb_per_10k_requests:.2f} MB for each 10,000; {soak_failed:,.0f} failed",
        "serving/test_faults.py",
    ),
)


def reliability_page(results: Path) -> str:
    """The page, with the figures that were measured last."""
    path = results / "faults.json"
    found: Mapping[str, Any] = json.loads(path.read_bytes()) if path.exists() else {"figures": {}, "notes": ""}
    rows = [_row(fault, found["figures"]) for fault in FAULTS]
    heads = ["fault or attack", "what must happen", "tried", "result", "short test"]
    parts = [
        "# Reliability",
        "Faults and attacks that were tried on the API, its model files and its records, and the results. Written by "
        "`make docs` from `benchmarks/results/faults.json`. `make bench ONLY=faults` measures again; `make test` runs "
        "the short tests, which are under `tests/`.",
        markdown(heads, rows),
        found["notes"],
        "The faults tried on the review pages and on the data are in their tests. What to do about a fault: "
        "[runbook.md](runbook.md).",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(fault: InjectedFault, figures: Mapping[str, float]) -> list[str]:
    """A line of the table; it says so where nothing was measured."""
    texts = []
    for text in (fault.tried, fault.found):
        try:
            texts.append(text.format(**figures))
        except KeyError:
            texts.append(NOT_MEASURED)
    return [fault.fault, fault.expected, *texts, ", ".join(f"`{name}`" for name in fault.test.split(", "))]
