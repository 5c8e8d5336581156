"""The catalogue as a whole, and how its sentences are put into words."""

import math

import pytest

from features.catalogue.failure_kinds import FAMILIES
from features.catalogue.features import CATALOGUE, available_features
from features.catalogue.sentences import fill, value
from features.ledger.quantities import QUANTITIES

TEXTS = {
    "category": "hats",
    "item": "a hat",
    "region": "north",
    "peer_group": "hats",
    "worst_item": "a hat",
    "troubled_item": "a hat",
}
NUMBERS = {c: 0.0 for f in CATALOGUE for c in f.columns()} | {"tenure_days": 0.0, "peer_sellers": 0.0}


def test_features_whose_quantities_the_source_lacks_are_left_out() -> None:
    names = {f.name for f in available_features(("ordered", "late"))}
    assert {"late_rate_28", "days_since_late"} <= names
    assert not any("returned" in name for name in names)


def test_late_rates_give_way_to_those_that_tell_whose_fault() -> None:
    names = {f.name for f in available_features(q.name for q in QUANTITIES)}
    assert "late_seller_fault_rate_28" in names
    assert not {"late_rate_28", "delivery_slowdown"} & names


def test_the_catalogue_has_its_families_and_no_feature_twice() -> None:
    assert {f.family for f in CATALOGUE} == {*FAMILIES}
    full = f"{len(CATALOGUE)} features, 150 allowed: see 'Add a feature' in CONTRIBUTING.md"
    assert 100 <= len(CATALOGUE) <= 150, full
    assert len({f.name for f in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("number", [0.0, 1.0, 7.0, math.nan])
def test_every_feature_says_something(number: float) -> None:
    for feature in CATALOGUE:
        said = feature.sentence_of({**dict.fromkeys(NUMBERS, number), **TEXTS})
        assert said.endswith("."), feature.name
        assert not {"{", "[", "|", "nan"} & {*said, *said.split()}, said


def test_without_texts_a_sentence_leaves_out_what_it_would_say_of_them() -> None:
    for feature in CATALOGUE:
        said = feature.sentence_of({**dict.fromkeys(NUMBERS, 3.0), **dict.fromkeys(TEXTS, "")})
        assert "unknown" not in said, feature.name


def test_a_sentence_fills_in_counts_shares_and_expectations() -> None:
    values = {"late_28": 5.0, "ordered_28": 38.0, "peer_late_60": 9.0, "peer_ordered_60": 380.0}
    text = "{late_28} of {ordered_28} ({late_28/ordered_28|share}); peers {peer_late_60*ordered_28/peer_ordered_60}"
    assert fill(text, values) == "5 of 38 (13%); peers 0.9"
    assert math.isnan(value("a/b", {"a": 1.0, "b": 0.0}))
    assert fill("is {category}", {"category": ""}) == "Is unknown"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "None was late."),
        (1, "1 was late."),
        (2, "2 were late."),
        (1200, "1,200 were late."),
        (math.nan, "Who knows."),
    ],
)
def test_words_follow_the_number(number: float, said: str) -> None:
    words = "{late_28|none was late/1 was late/# were late/who knows}."
    assert fill(words, {"late_28": float(number)}) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{a|hours}", "25 hours"),
        ("{a*4|hours}", "4.2 days"),
        ("{zero|hours}", "Less than an hour"),
        ("{a|money}", "15.00"),
        ("{zero|money}", "Nothing"),
        ("{small}", "Fewer than 0.1"),
        ("{small|share}", "3.0%"),
        ("all[, of {a}]", "All, of 1,500"),
        ("all[, of {zero}]", "All"),
        ("all[, of {a/zero}]", "All"),
        ("all[, {zero/a|share}]", "All, 0%"),
        ("[of {zero}]", "Nothing is known of this yet."),
    ],
)
def test_styles_and_optional_parts(text: str, said: str) -> None:
    assert fill(text, {"a": 1500.0, "zero": 0.0, "small": 0.03}) == said
