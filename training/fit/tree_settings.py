"""Settings of a model's trees: the defaults, or those of a risk from a file that `foresell tune` wrote."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from core.errors import ForesellError
from features.standards.standard import RISKS
from models.boosting.tree_shap import DEEPEST

# Learning rates with their rounds. The first is used unless a later one is better by more than a standard error.
LEARNING_RATES = ((0.02, 200), (0.04, 200), (0.04, 400))
KEY = "trees"  # of the file: settings by risk
# The range of each setting; exact contributions can be looked up for trees of depth DEEPEST at most.
LIMITS: Mapping[str, tuple[float, float]] = {
    "num_leaves": (2, 2**DEEPEST),
    "max_depth": (1, DEEPEST),
    "min_data_in_leaf": (1, 100_000),
    "bagging_fraction": (0.01, 1.0),
    "feature_fraction": (0.01, 1.0),
    "lambda_l2": (0.0, 1e6),
    "learning_rate": (1e-4, 1.0),
    "rounds": (1, 5_000),
}


@dataclass(frozen=True)
class TreeSettings:
    """Settings by LightGBM's names, and the rounds; each within LIMITS.

    The defaults are slow, shallow and strongly sampled trees, which overfit one season less.
    """

    num_leaves: int = 15
    max_depth: int = 4
    min_data_in_leaf: int = 100
    bagging_fraction: float = 0.5
    feature_fraction: float = 0.3
    lambda_l2: float = 10.0
    learning_rate: float = LEARNING_RATES[0][0]
    rounds: int = LEARNING_RATES[0][1]

    def as_json(self) -> dict[str, int | float]:
        """Plain values."""
        return asdict(self)

    def parameters(self) -> dict[str, str | int | float | bool]:
        """LightGBM's parameters, without the learning rate, the rounds and the seed."""
        return {
            "objective": "binary",
            "num_leaves": self.num_leaves,
            "max_depth": self.max_depth,
            "min_data_in_leaf": self.min_data_in_leaf,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "feature_fraction": self.feature_fraction,
            "lambda_l2": self.lambda_l2,
            # One thread each: several fits run in parallel, which is faster on small data.
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }


PRESENT = TreeSettings()


def read(path: Path) -> dict[str, TreeSettings]:
    """Settings by risk; risks that the file does not name keep the defaults. ForesellError for an invalid file."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _broken(path, "must be JSON", str(error)) from None
    by_risk = plain.get(KEY) if isinstance(plain, dict) else None
    if not isinstance(by_risk, dict):
        raise _broken(path, f"must have settings by risk under {KEY!r}", "none")
    if unknown := sorted(set(by_risk) - set(RISKS)):
        raise _broken(path, f"may name the risks {', '.join(RISKS)}", ", ".join(unknown))
    return {risk: checked(entry, f"{path}, {risk}") for risk, entry in by_risk.items()}


def checked(entry: object, where: str) -> TreeSettings:
    """Settings from plain values; a setting that is not given has its default."""
    if not isinstance(entry, dict):
        raise _broken(where, "must give settings by name", repr(entry))
    kinds = {f.name: f.type for f in fields(TreeSettings)}
    if unknown := sorted(set(entry) - set(kinds)):
        raise _broken(where, f"may set {', '.join(kinds)}", ", ".join(unknown))
    return TreeSettings(**{name: _number(name, value, kinds[name], where) for name, value in entry.items()})


def _number(name: str, value: Any, kind: Any, where: str) -> Any:
    low, high = LIMITS[name]
    valid_type = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if not valid_type or not low <= value <= high:
        words = "a whole number" if kind is int else "a number"
        raise _broken(where, f"needs {words} of {low:g} to {high:g} for {name}", repr(value))
    return kind(value)


def _broken(where: object, rule: str, found: str) -> ForesellError:
    return ForesellError(f"A file of tree settings ({where}) {rule}.", found, "write the file with foresell tune")
