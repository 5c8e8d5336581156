"""The model card: every section, the figures of the report it is made from, and its place in the bundle."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import serving_market
from training_market import found

from features.errors import ForesellError
from models.bundle import load, save
from training.card import card, recalibrated
from training.gates import Gate, judge
from training.slices import HEADLINE

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
