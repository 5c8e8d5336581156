"""The proof that a change of structure changes nothing sees numbers, links and fields, and does not see words."""

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.unchanged.__main__ import compare
from benchmarks.unchanged.pages import Reader
from benchmarks.unchanged.plain import frame, leaves

PAGE = '<p>{words} {rate}%</p><form action="/case/{case}/note"><input name="{field}" value="2"></form>'
CASE = "0123456789abcdef0123456789abcdef"


def page(words: str = "The rate is", rate: str = "5.6", case: str = CASE, field: str = "version") -> list[str]:
    """A small page without its words."""
    return Reader(PAGE.format(words=words, rate=rate, case=case, field=field)).found


def test_a_text_counts_by_its_numbers_in_any_order() -> None:
    before = leaves({"text": "3 orders in 28 days", "decision_id": "a", "at": "2025-03-26T09:00:00Z"})
    after = leaves({"text": "Within 28 days, 3 orders", "decision_id": "b", "at": "2025-03-27T10:00:00Z"})
    assert before == after
    assert before != leaves({"text": "4 orders in 28 days", "at": "2025-03-26T09:00:00Z"})


def test_a_name_without_a_space_counts_as_it_is() -> None:
    assert leaves({"band": "review"}) != leaves({"band": "watch"})


def test_a_table_that_differs_names_the_column() -> None:
    table = pd.DataFrame({"seller_id": ["a", "b"], "rate": [0.1, 0.2], "text_1": ["3 orders", "no order"]})
    reworded = table.assign(text_1=["3 orders came", "none came"])
    other = table.assign(rate=[0.1, 0.2000000001])
    assert frame(table) == frame(reworded)
    assert [name for name, digest in frame(table).items() if frame(other)[name] != digest] == ["rate"]


def test_a_page_counts_by_numbers_links_and_fields() -> None:
    assert page() == page(words="So many:", case=CASE[::-1])
    assert page() != page(rate="5.7")
    assert page() != page(field="seen")


@pytest.mark.parametrize("letters", [["x", "y"], ["x", "z"]])
def test_a_difference_is_shown_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], letters: list[str]
) -> None:
    for name, found in (("before", ["x", "y"]), ("after", letters)):
        parts = {"api": {"detail": {"a": 1, "b": found}}}
        (tmp_path / name).write_text(json.dumps({"simulated": parts, "olist": {"skipped": "not here"}}))
    assert compare(tmp_path / "before", tmp_path / "after") is (letters == ["x", "y"])
    assert ("b: from place 1 on" in capsys.readouterr().out) is (letters == ["x", "z"])


def test_a_record_that_was_not_frozen_after_is_no_proof(tmp_path: Path) -> None:
    (tmp_path / "before").write_text(json.dumps({"simulated": {"api": {"detail": {}}}}))
    (tmp_path / "after").write_text("{}")
    assert not compare(tmp_path / "before", tmp_path / "after")
