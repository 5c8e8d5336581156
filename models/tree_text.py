"""Trees as LightGBM's text has them: their decisions, and the paths through them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

CATEGORICAL, DEFAULT_LEFT, ZERO, NAN = 1, 2, 4, 8  # bits of a split's type in LightGBM's text


class Step(NamedTuple):
    """One decision on a path: the node, whether the path goes left, and the share of training's rows that did so."""

    node: int
    left: bool
    share: float


@dataclass(frozen=True)
class Tree:
    """One tree as LightGBM's text has it. A child under 0 is a leaf, ~child its number."""

    feature: Sequence[int]
    threshold: Sequence[float]
    kind: Sequence[int]
    left: Sequence[int]
    right: Sequence[int]
    value: Sequence[float]
    leaf_rows: Sequence[int]
    rows: Sequence[int]

    def step(self, node: int, left: bool) -> tuple[int, Step]:
        """A child, and the step to it."""
        child = (self.left if left else self.right)[node]
        count = self.rows[child] if child >= 0 else self.leaf_rows[~child]
        return child, Step(node, left, count / self.rows[node])

    def nodes(self, node: int) -> list[int]:
        """The decisions from a node downwards."""
        return [node, *self.nodes(self.left[node]), *self.nodes(self.right[node])] if node >= 0 else []

    def leaves(self, node: int, path: tuple[Step, ...] = ()) -> Iterator[tuple[int, tuple[Step, ...]]]:
        """Each leaf from a node downwards, and the whole path to it."""
        if node < 0:
            yield ~node, path
            return
        for left in (True, False):
            child, step = self.step(node, left)
            yield from self.leaves(child, (*path, step))

    def nan_goes_left(self, node: int) -> bool:
        """Where a split sends what is not known; trees that saw no nan in training take it for 0."""
        return bool(self.kind[node] & DEFAULT_LEFT) if self.kind[node] & NAN else self.threshold[node] >= 0


def trees_of(text: str) -> Iterator[Tree]:
    """Every tree that decides anything."""
    for words in _blocks(text):
        if "split_feature" in words:
            whole = ("split_feature", "decision_type", "left_child", "right_child", "leaf_count", "internal_count")
            feature, kind, left, right, leaf_rows, rows = ([int(n) for n in words[name].split()] for name in whole)
            threshold, value = ([float(n) for n in words[name].split()] for name in ("threshold", "leaf_value"))
            yield Tree(feature, threshold, kind, left, right, value, leaf_rows, rows)


def lone_leaves(text: str) -> list[float]:
    """What trees without a decision add."""
    return [float(words["leaf_value"]) for words in _blocks(text) if "split_feature" not in words]


def _blocks(text: str) -> Iterator[Mapping[str, str]]:
    for block in text.split("\nTree=")[1:]:
        pairs = (line.split("=", 1) for line in block.splitlines() if "=" in line)
        yield {name: value for name, value in pairs if value}
