"""docs/scale.md says what was measured, and marks what was not."""

import json
from pathlib import Path

import pytest

from docs.build import scale_page as page
from docs.build.scale_page import scale_page

MEASURED = {"ledger_1m_seconds": 5.0, "ledger_10m_seconds": 60.0, "ledger_100m_seconds": 720.0}


def written(folder: Path, figures: dict[str, float]) -> str:
    machine = {"cores": 2, "memory_gb": 8, "cpu": "a processor"}
    body = {"figures": figures, "notes": "as noted", "date": "2026-01-01", "machine": machine}
    (folder / "scale.json").write_text(json.dumps(body))
    return scale_page(folder)


def test_growth_goes_on_as_it_went(tmp_path: Path) -> None:
    more = {"ledger_growth_exponent": 1.08, "append_day_ratio": 0.021, "batch_1m_seconds": 180.0}
    text = written(tmp_path, MEASURED | more)
    assert "| ledger built, s | 5 | 60 | 720 | about 8,640 |" in text
    assert "n to the power 1.08; a day is added in 2.1% of a full build" in text
    assert "| a million sellers scored and explained | 180 | 0.0041 |" in text


def test_what_was_not_measured_is_not_made_up(tmp_path: Path) -> None:
    text = written(tmp_path, {"ledger_1m_seconds": 5.0})
    assert "| ledger built, s | 5 | not measured yet | not measured yet | - |" in text
    (tmp_path / "scale.json").unlink()
    assert "Not measured yet." in scale_page(tmp_path)


@pytest.mark.parametrize(("before", "last", "ahead"), [(10, 100, 1_000), (10, 10, 10), (2, 30, 450)])
def test_the_same_power_is_carried_on(before: float, last: float, ahead: float) -> None:
    assert page.extrapolated(before, last) == pytest.approx(ahead)
