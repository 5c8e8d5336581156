"""The model card: every section, the figures of the report it is made from, and its place in the bundle."""

import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ForesellError
from models.bundle.bundle import load, save
from tests.support import serving_market
from tests.support.training_market import found
from training.dataset.slices import HEADLINE
from training.promotion.gates import Gate, judge
from training.reports.model_card import card, recalibrated

pytestmark = pytest.mark.slow

SECTIONS = (
    "Purpose and use", "Limits", "Method and assumptions", "Data", "Performance", "Where it works worse",
    "Early warning", "Uncertainty", "Fairness", "Reasons", "Gates", "Monitoring", "Change log",
)  # fmt: skip


def test_a_card_has_every_section_once_and_in_order() -> None:
    assert tuple(re.findall(r"^## (.*)$", card([("small", found())]), re.MULTILINE)) == SECTIONS


def test_the_figures_are_the_report_s_with_their_intervals() -> None:
    text = card([("small", found())], judge(found()), {"Labels to": "2024-09-06"})
    model = found()["risks"]["service"]["slices"][HEADLINE]["scores"]["model"]
    low, high = model["ci95"]["average_precision"]
    assert f"| Foresell | {model['average_precision']:.3f} | [{low:.3f}, {high:.3f}] |" in text
    assert all(gate.line() in text for gate in judge(found()))
    assert "- Labels to: 2024-09-06" in text


def test_small_groups_are_counted_and_not_measured() -> None:
    cell = found()["risks"]["service"]["groups"]["category"]["c0"]
    assert set(cell) == {"rows", "sellers"}
    assert f"| category | c0 | {cell['rows']} | {cell['sellers']} | - | too few |" in card([("small", found())])


def test_a_refresh_is_added_to_the_change_log() -> None:
    gate = Gate("the trees are the champion's", True, "2 of 2", "all")
    text = recalibrated(card([("small", found())]), "2024-12-01", {"service-28": "in full"}, [gate])
    assert text.startswith(card([("small", found())]).rstrip())
    assert "### Line refitted on labels to 2024-12-01\n\n- service-28: line in full\n- passed: the trees" in text


def test_a_bundle_carries_its_card(tmp_path: Path) -> None:
    saved = save(replace(serving_market.bundle(), card="# Card\n\nÜber Händler.\n"), tmp_path / "bundle")
    assert load(tmp_path / "bundle", saved.digest).card == "# Card\n\nÜber Händler.\n"
    (tmp_path / "bundle" / "card.md").write_text("# Another")
    with pytest.raises(ForesellError, match=r"card\.md has sha256:"):
        load(tmp_path / "bundle")


KNOWN = {
    "reasons": {"alerts": 123, "top_reason_share": 0.71, "top3_reason_share": 0.93},
    "limits": {"truth_begun": {"average_precision": 0.654, "reached": {"average_precision": 0.37}}},
    "detection": {
        "episodes": 57,
        "model": {"detected": 0.61, "median_days": 19.0},
        "warn_line": {"detected": 0.43, "median_days": 28.0},
    },
    "groups": {
        "region": {
            "north": {
                **{"rows": 1_234, "sellers": 201, "breach_share": 0.057, "overstated": 1.12},
                **{"ci95": {"overstated": [0.91, 1.33]}, "false_alarms": 0.013, "found": 0.42},
            }
        }
    },
}
EXPECTED = {
    **{"mae": 0.0123, "rows": 4_321, "interval_90_coverage": 0.81, "interval_90_coverage_midp": 0.92},
    "bands": [
        {"rows": 500, "sellers": 100, "interval_90_coverage_midp": 0.883},
        {"rows": 499, "sellers": 100, "interval_90_coverage_midp": 0.5},
        {"rows": 900, "sellers": 99, "interval_90_coverage_midp": 0.6},
        {"rows": 900, "sellers": 110, "interval_90_coverage_midp": 0.925},
    ],
}


@pytest.mark.parametrize(
    "said",
    [
        "Of 123 right alerts inside an episode whose cause is known, the strongest reason named its family in 71%, one "
        "of the first three in 93%.",
        "would reach an average precision of 0.654. The model covers 37% of the distance from the roll-forward to it.",
        "Of 57 simulated episodes that end in a breach, 61% entered the queue before the breach, half of these within "
        "19 days of the start; with the warn-line rule 43% and 28 days.",
        "had 31 alerts; in a copy of the marketplace without the slow carrier, the same sellers had 29 on the same",
        "contained the later rate in 81% of 4,321 rows; the number of bad events among the orders that followed fell "
        "inside its interval in 92% (mid-p), by volume band 0.883 to 0.925. The expected rate missed by 1.2 points "
        "on average.",
        "| region | north | 1,234 | 201 | 5.7% | 1.12 | [0.91, 1.33] | 1.3% | 42% |",
    ],
)
def test_every_sentence_says_its_own_figure(said: str) -> None:
    report = deepcopy(found())
    body = report["risks"]["service"]
    body |= {
        **KNOWN,
        "expected_rate": EXPECTED,
        "alerts": body["alerts"] | {"disruption": {"alerts": 31, "without": 29}},
    }
    assert said in card([("small", report)])
