"""The API, its model files and its records under faults and attacks: `python -m benchmarks.faults [PART ...]`.

Every part can be run alone; its figures are then put among those of the others. The service is the real one, with two
workers, on a small marketplace; short forms of all parts are tests of the suite.
"""

import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks import run
from benchmarks.run import Measurement
from core.settings import Settings

KILLS, RESTARTS = 100, 50
WORKERS_ENDED = 4  # of the service whose workers are killed or restarted: while some start, others answer
MUTATIONS, MISMATCHES = 1_000, 20
ATTACK_SECONDS = 10.0
CRASHES = 500
REGISTRY_SECONDS = 20.0  # in each mode
INPUTS = 100_000
STEPS = 10_000
SOAK_SECONDS = 30 * 60.0
NOTES = (
    "Two workers, SQLite, 60 sellers; the load is made on the same machine. Where workers are killed or restarted, "
    "there are four workers, and one is ended while at least one other answers. fuzzed_inputs: half come from the "
    "OpenAPI document, each once as schemathesis makes it and nine times damaged; the other half are damaged "
    "requests. restart_sent_again: requests whose idle connection a stopping worker had closed; they were sent again "
    "with the same Idempotency-Key. soak_mb: the slope (least squares) of the workers' own memory, after the first "
    "fifth of the time. write_crashes: processes killed at any moment of a write; synchronous=FULL protects against a "
    "power cut, which was not tested. slow_left_after_10_s: sockets with endless headers that the service itself "
    "leaves open; nginx in front closes them (docs/deploy). p99 ratios: with the attack over without, the median of "
    "pairs of time windows."
)


def measure() -> Measurement:
    """Every part."""
    figures: dict[str, float] = {}
    for name in PARTS:
        print(f"  {name} ...", flush=True)
        figures |= measured(name)
    return Measurement(figures, {}, NOTES)


def measured(name: str) -> Mapping[str, float]:
    """The figures of one part, in a home of its own."""
    logging.disable(logging.CRITICAL)  # what is refused is told each time
    with _home() as settings:
        return PARTS[name](settings)


def _kills(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.kills import killed

    return killed(settings.model_copy(update={"workers": WORKERS_ENDED}), KILLS)


def _restarts(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.kills import restarted

    return restarted(settings.model_copy(update={"workers": WORKERS_ENDED}), RESTARTS)


def _bundles(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.bundles import mutated

    return mutated(settings.home, MUTATIONS, settings.home / "scratch")


def _mismatches(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.bundles import mismatched

    return mismatched(settings.home, MISMATCHES, settings.home / "scratch")


def _crashes(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.crashes import crashed

    return crashed(settings.home, CRASHES)


def _registry(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.registry import without_registry

    return without_registry(settings, REGISTRY_SECONDS)


def _fuzz(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.fuzz import fuzzed

    return fuzzed(settings, INPUTS)


def _attacks(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.attacks import attacked

    return attacked(settings, ATTACK_SECONDS)


def _roles(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.roles import matrix

    return matrix(settings)


def _keys(_: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.idempotency import stepped

    return stepped(STEPS)


def _soak(settings: Settings) -> Mapping[str, float]:
    from benchmarks.faulting.soak import soaked

    return soaked(settings, SOAK_SECONDS)


Part = Callable[[Settings], Mapping[str, float]]
PARTS: Mapping[str, Part] = {
    "kills": _kills,
    "restarts": _restarts,
    "bundles": _bundles,
    "mismatches": _mismatches,
    "crashes": _crashes,
    "registry": _registry,
    "fuzz": _fuzz,
    "idempotency": _keys,
    "roles": _roles,
    "attacks": _attacks,
    "soak": _soak,
}


@contextmanager
def _home() -> Iterator[Settings]:
    """A home with a trained bundle and a store, and a port nobody listens on."""
    from tests.support.serving_fixture import free_settings
    from tests.support.serving_market import make_home

    folder = Path(tempfile.mkdtemp(prefix="foresell-faults-"))
    try:
        make_home(folder)
        yield free_settings(folder).model_copy(update={"workers": 2})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(names: list[str]) -> int:
    """Run the named parts, or all, and put their figures into results/faults.json."""
    strange = [name for name in names if name not in PARTS]
    if strange:
        sys.exit(f"usage: python -m benchmarks.faults [{' '.join(PARTS)}]")
    for name in names or PARTS:
        _keep(name, dict(measured(name)))
    return 0


def _keep(name: str, found: Mapping[str, float]) -> None:
    """Put the figures of one part among those of the others."""
    print(name, json.dumps(found), flush=True)
    path = run.RESULTS / "faults.json"
    before = json.loads(path.read_bytes())["figures"] if path.exists() else {}
    run.record("faults", lambda: Measurement({**before, **found}, {}, NOTES))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
