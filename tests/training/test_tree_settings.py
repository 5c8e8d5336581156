"""Tree settings: what LightGBM is told, and files of them that are refused."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from core.errors import ForesellError
from training.fit import tree_settings
from training.fit.tree_settings import PRESENT, TreeSettings
from training.tuning import search


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "trees.json"
    path.write_text(text)
    return path


def test_settings_of_a_file_by_risk_and_what_is_not_said_stays(tmp_path: Path) -> None:
    read = tree_settings.read(
        written(tmp_path, '{"trees": {"returns": {"num_leaves": 31, "lambda_l2": 1}}, "other": 1}')
    )
    assert read == {"returns": TreeSettings(num_leaves=31, lambda_l2=1.0)}
    assert tree_settings.read(written(tmp_path, '{"trees": {}}')) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "must be JSON"),
        ("[]", "'trees'"),
        ('{"service": {}}', "'trees'"),
        ('{"trees": {"late": {}}}', "late"),
        ('{"trees": {"service": 3}}', "must give settings by name"),
        ('{"trees": {"service": {"leaves": 3}}}', "Found: leaves"),
        ('{"trees": {"service": {"max_depth": 9}}}', "1 to 8 for max_depth"),
        ('{"trees": {"service": {"num_leaves": 7.5}}}', "a whole number"),
        ('{"trees": {"service": {"rounds": true}}}', "Found: True"),
        ('{"trees": {"service": {"learning_rate": NaN}}}', "Found: nan"),
        ('{"trees": {"service": {"bagging_fraction": 0}}}', "bagging_fraction"),
        ('{"trees": {"service": {"lambda_l2": "10"}}}', "Found: '10'"),
    ],
)
def test_a_wrong_file_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ForesellError) as refused:
        tree_settings.read(written(tmp_path, text))
    assert said in str(refused.value)
    assert "foresell tune" in refused.value.next_step


def test_every_setting_has_limits_and_is_searched_within_them() -> None:
    names = [f.name for f in fields(TreeSettings)]
    assert list(tree_settings.LIMITS) == names == list(search.RANGES)
    for name, (low, high) in tree_settings.LIMITS.items():
        lowest, highest = search.RANGES[name]
        assert low <= lowest <= PRESENT.as_json()[name] <= highest <= high, name
    assert json.loads(json.dumps(PRESENT.as_json())) == PRESENT.as_json()


def test_lightgbm_is_told_every_setting() -> None:
    told = PRESENT.parameters() | {"learning_rate": PRESENT.learning_rate, "rounds": PRESENT.rounds}
    assert PRESENT.as_json().items() <= told.items()
