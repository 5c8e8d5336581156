"""Short forms of the faults benchmark (`make bench ONLY=faults` has the full ones): every part, a few times each."""

from pathlib import Path

import pytest

from benchmarks import faults
from benchmarks.faulting import attacks, bundles, crashes, fuzz, idempotency, kills, registry, soak
from core.settings import Settings
from tests.support import serving_market as market
from tests.support.serving_fixture import free_settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that a service of two workers can start from."""
    home = tmp_path_factory.mktemp("home")
    market.make_home(home)
    return free_settings(home).model_copy(update={"workers": 2})


def test_a_killed_worker_loses_nothing_that_was_acknowledged(settings: Settings) -> None:
    found = kills.killed(settings, 1)
    assert found["acked_lost"] == 0
    assert found["kills_acked"] > 50
    assert found["kills_broken_requests"] <= kills.CALLERS, "no more than were in flight"


def test_a_rolling_restart_fails_and_loses_nothing(settings: Settings) -> None:
    found = kills.restarted(settings, 1)
    assert (found["restart_failed"], found["restart_lost"]) == (0, 0)
    assert found["restart_acked"] > 50


def test_damaged_and_mismatched_bundles_are_not_put_to_use(settings: Settings) -> None:
    found = bundles.mutated(settings.home, 40, settings.home / "scratch")
    found |= bundles.mismatched(settings.home, 1, settings.home / "scratch")
    assert (found["bundles_activated"], found["mismatches_activated"]) == (0, 0)


def test_the_mutator_sees_a_bundle_that_is_put_to_use(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter counts: a change that changes nothing is put to use from the disk."""
    monkeypatch.setattr(bundles, "CHANGES", (lambda folder, rng: None,))
    assert bundles.mutated(settings.home, 3, settings.home / "scratch")["bundles_activated"] > 0


def test_a_writer_killed_at_any_moment_leaves_sound_records(tmp_path: Path) -> None:
    found = crashes.crashed(tmp_path, 5)
    assert (found["write_crashes_damaged"], found["write_crashes_lost"]) == (0, 0)


def test_a_registry_that_hangs_fails_no_score(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MODES", ("hung",))
    found = registry.without_registry(settings, 3)
    assert found["registry_failed_scores"] == 0
    assert found["registry_scores"] > 20
    assert found["registry_stale_told"] == 1


def test_inputs_of_every_kind_are_answered_without_a_5xx(settings: Settings) -> None:
    found = fuzz.fuzzed(settings, 800)
    assert found["server_errors"] == 0
    assert found["fuzzed_inputs"] == 800
    assert found["fuzzed_accepted"] > 20, "some are in order"


def test_keys_hold_over_any_steps() -> None:
    assert idempotency.stepped(150)["idempotency_steps"] >= 150


def test_attacks_are_refused_and_memory_stays(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attacks, "SLOW_SECONDS", 1.0)
    monkeypatch.setattr(attacks, "PAIRS", 1)
    monkeypatch.setattr(attacks, "TRAVERSALS", 100)
    found = attacks.attacked(settings, 2)
    assert (found["bombs_refused"], found["traversals_through"]) == (found["bombs"], 0)
    assert found["bombs_mb_per_worker"] < 50
    assert found["abuse_told_to_wait"] > 0


@pytest.mark.long
def test_the_soak_tells_how_memory_grows(settings: Settings) -> None:
    found = soak.soaked(settings, 6)
    assert found["soak_requests"] > 50
    assert found["soak_failed"] == 0
    assert soak._slope([(0, 0, 100.0), (1, 10_000, 103.0), (2, 20_000, 106.0)]) == pytest.approx(3)


def test_every_part_of_the_benchmark_can_be_run_alone() -> None:
    assert {"kills", "restarts", "bundles", "crashes", "registry", "fuzz", "idempotency", "roles", "soak"} <= {
        *faults.PARTS
    }
    with pytest.raises(SystemExit, match="usage"):
        faults.main(["nothing of the kind"])
