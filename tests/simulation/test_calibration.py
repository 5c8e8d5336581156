"""The simulated marketplace as a whole: as many sellers in breach as one would want to measure a warning on."""

from pathlib import Path

import pytest

from benchmarks.simulation import LIMITS, shares, timed
from simulation.market import Run

SIZE = Run(sellers=2_000, days=400, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_few_sellers_are_in_breach_and_fewer_come_to_be(seed: int, tmp_path: Path) -> None:
    """Shares of eligible sellers for each headline, by the product's own ledger, rows and labels."""
    timed(Run(SIZE.sellers, SIZE.days, seed), tmp_path / "market")
    found = shares(tmp_path / "market")
    assert set(found) == {f"{name}_{risk}" for name in LIMITS for risk in ("returns", "service")}
    for name, value in found.items():
        least, most = LIMITS[name.rsplit("_", 1)[0]]
        assert least <= value <= most, (name, value)
