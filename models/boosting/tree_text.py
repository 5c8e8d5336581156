"""The trees in LightGBM's text: their decisions and paths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

CATEGORICAL, DEFAULT_LEFT, ZERO, NAN = 1, 2, 4, 8  # bits of a split's type in LightGBM's text


class TreeDecision(NamedTuple):
    """One decision on a path: the node, whether the path goes left, and the share of training rows that did."""

    node: int
    left: bool
    share: float


@dataclass(frozen=True)
class Tree:
    """One tree of LightGBM's text. A negative child is a leaf with the number ~child."""

    feature: Sequence[int]
    threshold: Sequence[float]
    kind: Sequence[int]
    left: Sequence[int]
    right: Sequence[int]
    value: Sequence[float]
    leaf_rows: Sequence[int]
    rows: Sequence[int]

    def step(self, node: int, left: bool) -> tuple[int, TreeDecision]:
        """The left or right child of a node, and the decision that leads to it."""
        child = (self.left if left else self.right)[node]
        count = self.rows[child] if child >= 0 else self.leaf_rows[~child]
        return child, TreeDecision(node, left, count / self.rows[node])

    def nodes(self, node: int) -> list[int]:
        """The nodes with decisions, from a node downwards."""
        return [node, *self.nodes(self.left[node]), *self.nodes(self.right[node])] if node >= 0 else []

    def leaves(self, node: int, path: tuple[TreeDecision, ...] = ()) -> Iterator[tuple[int, tuple[TreeDecision, ...]]]:
        """Each leaf from a node downwards, with the whole path to it."""
        if node < 0:
            yield ~node, path
            return
        for left in (True, False):
            child, step = self.step(node, left)
            yield from self.leaves(child, (*path, step))

    def nan_goes_left(self, node: int) -> bool:
        """Whether a split sends nan left; a split that saw no nan in training treats nan as 0."""
        return bool(self.kind[node] & DEFAULT_LEFT) if self.kind[node] & NAN else self.threshold[node] >= 0


def trees_of(text: str) -> Iterator[Tree]:
    """Every tree with at least one decision."""
    for words in _blocks(text):
        if "split_feature" in words:
            whole = ("split_feature", "decision_type", "left_child", "right_child", "leaf_count", "internal_count")
            feature, kind, left, right, leaf_rows, rows = ([int(n) for n in words[name].split()] for name in whole)
            threshold, value = ([float(n) for n in words[name].split()] for name in ("threshold", "leaf_value"))
            yield Tree(feature, threshold, kind, left, right, value, leaf_rows, rows)


def lone_leaves(text: str) -> list[float]:
    """The values of the trees without a decision."""
    return [float(words["leaf_value"]) for words in _blocks(text) if "split_feature" not in words]


def _blocks(text: str) -> Iterator[Mapping[str, str]]:
    for block in text.split("\nTree=")[1:]:
        pairs = (line.split("=", 1) for line in block.splitlines() if "=" in line)
        yield {name: value for name, value in pairs if value}
