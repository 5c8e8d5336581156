"""How the trees of a model are grown: the present settings, or a risk's own from a file of `foresell tune`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from features.errors import ForesellError
from features.standards import RISKS
from models.tree_shap import DEEPEST

# Learning rates with their rounds: the first, unless a later one is better by more than noise.
PACES = ((0.02, 200), (0.04, 200), (0.04, 400))
KEY = "trees"  # of the file: settings by risk
# What each setting may be; DEEPEST is what exact contributions can be looked up for.
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

    By default slow, shallow and strongly sampled trees: less of one season is learned by heart.
    """

    num_leaves: int = 15
    max_depth: int = 4
    min_data_in_leaf: int = 100
    bagging_fraction: float = 0.5
    feature_fraction: float = 0.3
    lambda_l2: float = 10.0
    learning_rate: float = PACES[0][0]
    rounds: int = PACES[0][1]

    def as_json(self) -> dict[str, int | float]:
        """Plain values."""
        return asdict(self)

    def parameters(self) -> dict[str, str | int | float | bool]:
        """What LightGBM is told, but the learning rate, the rounds and the seed."""
        return {
            "objective": "binary",
            "num_leaves": self.num_leaves,
            "max_depth": self.max_depth,
            "min_data_in_leaf": self.min_data_in_leaf,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "feature_fraction": self.feature_fraction,
            "lambda_l2": self.lambda_l2,
            # Fits run beside each other instead, which is faster on small data and on a busy machine.
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }


PRESENT = TreeSettings()


def read(path: Path) -> dict[str, TreeSettings]:
    """Settings by risk; a risk that the file does not name keeps the present ones. ForesellError for a wrong file."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _broken(path, "must be JSON", str(error)) from None
    by_risk = plain.get(KEY) if isinstance(plain, dict) else None
    if not isinstance(by_risk, dict):
        raise _broken(path, f"must hold settings by risk under {KEY!r}", "none")
    if unknown := sorted(set(by_risk) - set(RISKS)):
        raise _broken(path, f"may name the risks {', '.join(RISKS)}", ", ".join(unknown))
    return {risk: checked(entry, f"{path}, {risk}") for risk, entry in by_risk.items()}


def checked(entry: object, where: str) -> TreeSettings:
    """Settings from plain values; what is not said stays as it is by default."""
    if not isinstance(entry, dict):
        raise _broken(where, "must be settings by name", repr(entry))
    kinds = {f.name: f.type for f in fields(TreeSettings)}
    if unknown := sorted(set(entry) - set(kinds)):
        raise _broken(where, f"may set {', '.join(kinds)}", ", ".join(unknown))
    return TreeSettings(**{name: _number(name, value, kinds[name], where) for name, value in entry.items()})


def _number(name: str, value: Any, kind: Any, where: str) -> Any:
    low, high = LIMITS[name]
    right = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if not right or not low <= value <= high:
        words = "a whole number" if kind is int else "a number"
        raise _broken(where, f"needs {words} of {low:g} to {high:g} for {name}", repr(value))
    return kind(value)


def _broken(where: object, rule: str, found: str) -> ForesellError:
    return ForesellError(f"A file of tree settings ({where}) {rule}.", found, "write one with foresell tune")
