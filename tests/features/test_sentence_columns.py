"""Sentences of many rows at once: each is the one that its row alone gives."""

import numpy as np
import pytest

from features.catalogue import sentences
from features.catalogue.features import CATALOGUE
from features.catalogue.sentence_columns import fill_rows
from features.catalogue.sentences import Field
from features.table import TEXT

ODD = (
    "{a} of {b} ({a/b|share})",
    "[{a} came of {worst_item}; ]{b|none/1/#/not known}",
    "{worst_item} first",
    "[{a}][{b|money}]",
    "[{a*3/b|hours} or so]",
    "{a-b|none/1/#} {a+2*b/7}",
    "nothing to fill in",
    "",
    "[{worst_item}]",
)
NUMBERS = np.array([0.0, -0.0, 1.0, 2.0, 3.0, 0.04, 0.049, 0.5, 17.3, -4.0, 59.0, 90.0, 4400.0, 1234567.0, np.nan])
WORDS = np.array(["", "home", "ß-item", "éclair", "a {b} [c]", "Ⅷ", "ﬁx"], dtype=object)
TEMPLATES = sorted({*ODD, *(feature.sentence for feature in CATALOGUE)})
ROWS = 120


@pytest.mark.parametrize("rows", [0, 1, ROWS])
def test_each_row_has_the_sentence_that_it_has_alone(rows: int) -> None:
    rng = np.random.default_rng(rows)
    for template in TEMPLATES:
        names = sentences.columns_of(template)
        columns = {name: rng.choice(WORDS if name in TEXT else NUMBERS, rows) for name in names}
        alone = [sentences.fill(template, {name: columns[name][i] for name in names}) for i in range(rows)]
        assert fill_rows(template, columns, rows).to_pylist() == alone, template


def test_distinct_numbers_are_worded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def worded(field: Field, number: float) -> str:
        asked.append(number)
        return "n"

    monkeypatch.setattr(Field, "worded", worded)
    fill_rows("{a|share}", {"a": np.tile([1.0, 2.0, np.nan], 50)}, 150)
    assert len(asked) == 3
