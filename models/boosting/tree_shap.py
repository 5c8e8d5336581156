"""Exact TreeSHAP from tables: contributions for each outcome of a tree's decisions are computed once, then looked up.

The contribution of a leaf to each feature on its path depends only on which decisions of the path a row meets (Lundberg
and others 2020; tables: Yang 2021). Trees are cut into groups of a few decisions: a path and the subtree below it. A
row's answers to a group's decisions are the bits of one number, which is the index into the group's table. LightGBM's
`pred_contrib` follows every path of every tree for each row instead. That is twelve times the work for the same sums,
which agree to the last digits (docs/adr/0002-shap.md).
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.boosting.tree_text import CATEGORICAL, NAN, ZERO, Tree, TreeDecision, lone_leaves, trees_of

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
DECISIONS = 5  # the most decisions in a group; one more doubles the tables
DEEPEST = 8  # the most decisions on a path, so that a group's answers fit into one byte
CHUNK = 64  # rows computed at once, so that they fit into the processor's cache


class LookupGroup(NamedTuple):
    """Decisions that are looked up together: those on a path and in the subtree below it."""

    tree: Tree
    decisions: list[int]
    leaves: list[tuple[int, tuple[TreeDecision, ...]]]


@dataclass(frozen=True)
class ShapTables:
    """A Booster's tables. A decision's bit is 1 if its column (of a row, or of the negated row) is <= its limit.

    columns, limits: shape (groups * 8,); first: each group's place in table; table: (groups * answers, width), the
    contributions of each answer to width features; features: (groups * width,), the numbers of these features, or the
    number of all features for an unused column.
    """

    columns: Whole
    limits: Array
    first: Whole
    table: Array
    features: Whole
    base: float

    def __call__(self, rows: Array) -> Array:
        """Contributions to the raw log-odds, shape (rows, features + 1); the last column is the base.

        Other rows do not change a row's contributions, to the bit. rows: shape (rows, features).
        """
        out = np.empty((len(rows), rows.shape[1] + 1))
        for start in range(0, len(rows), CHUNK):
            self._fill(rows[start : start + CHUNK], out[start : start + CHUNK])
        out[:, -1] = self.base
        return out

    def _fill(self, rows: Array, out: Array) -> None:
        both = np.concatenate([rows, -rows], axis=1)
        answers = np.packbits(both.take(self.columns, axis=1) <= self.limits, axis=1, bitorder="little")
        found = self.table.take(answers + self.first, axis=0).reshape(len(rows), -1)
        for added, place in zip(found, out, strict=True):
            place[:] = np.bincount(self.features, added, len(place))


def unfit(text: str) -> str:
    """Why a Booster does not fit into tables, in words; empty if it does. text: the Booster as LightGBM writes it."""
    kinds = {int(kind) for line in re.findall(r"^decision_type=(.*)$", text, re.MULTILINE) for kind in line.split()}
    if any(kind & CATEGORICAL for kind in kinds):
        return "there are splits by category"
    if any(kind & (ZERO | NAN) == ZERO for kind in kinds):
        return "there are splits that treat 0 as missing"
    if re.search(r"^is_linear=1", text, re.MULTILINE):
        return "leaves have linear models, not numbers"
    deepest = max((len(path) for tree in trees_of(text) for _, path in tree.leaves(0)), default=0)
    return "" if deepest <= DEEPEST else f"a path has {deepest} decisions, more than {DEEPEST}"


def tables(text: str, width: int) -> ShapTables:
    """The tables of a Booster that is not `unfit`; width: its number of features."""
    trees, constant = list(trees_of(text)), sum(lone_leaves(text))
    base = constant + sum(np.dot(tree.value, tree.leaf_rows) / tree.rows[0] for tree in trees)
    groups = [group for tree in trees for group in _groups(tree, 0, ())]
    columns, limits = np.zeros((len(groups), 8), dtype=np.int64), np.full((len(groups), 8), -np.inf)
    for g, group in enumerate(groups):
        for bit, node in enumerate(group.decisions):
            columns[g, bit], limits[g, bit] = _question(group.tree, node, width)
    table, features = _filled(groups, width)
    first = np.arange(len(groups)) * table.shape[1]
    flat = table.reshape(-1, table.shape[2])
    return ShapTables(columns.ravel(), limits.ravel(), first, flat, features.ravel(), float(base))


def _groups(tree: Tree, node: int, path: tuple[TreeDecision, ...]) -> Iterator[LookupGroup]:
    """The groups of a tree below a node; no group has more than DECISIONS decisions, unless a leaf's path has more."""
    decisions = [step.node for step in path] + tree.nodes(node)
    if len(decisions) <= DECISIONS or node < 0:
        yield LookupGroup(tree, decisions, list(tree.leaves(node, path)))
        return
    for left in (True, False):
        child, step = tree.step(node, left)
        yield from _groups(tree, child, (*path, step))


def _question(tree: Tree, node: int, width: int) -> tuple[int, float]:
    """The column and limit of a decision's bit. nan gives 0, so the bit means "right" if the split sends nan left."""
    column, limit = tree.feature[node], tree.threshold[node]
    if not tree.nan_goes_left(node):
        return column, limit
    return width + column, -math.nextafter(limit, math.inf)  # value > limit, as -value <= ...


def _filled(groups: Sequence[LookupGroup], width: int) -> tuple[Array, Whole]:
    """The tables, shape (groups, answers, the most features of a group), and the numbers of the features."""
    names = [sorted({group.tree.feature[node] for node in group.decisions}) for group in groups]
    features = np.full((len(groups), max(map(len, names), default=1)), width, dtype=np.int64)
    for g, own_names in enumerate(names):
        features[g, : len(own_names)] = own_names
    answers = 1 << max((len(group.decisions) for group in groups), default=0)
    table = np.zeros((len(groups), answers, features.shape[1]))
    paths: dict[int, list[LeafPath]] = {}
    for g, group in enumerate(groups):
        for leaf, steps in group.leaves:
            path = _path(g, group, leaf, steps, names[g])
            paths.setdefault(len(path.mask), []).append(path)
    for same_length in paths.values():
        _add(table, same_length)
    return table, features


class LeafPath(NamedTuple):
    """The path to a leaf: for each feature on it, the bits of its decisions, their values, and the share of rows."""

    group: int
    value: float
    mask: list[int]
    wanted: list[int]
    share: list[float]
    place: list[int]  # of the feature in the group's table


def _path(g: int, group: LookupGroup, leaf: int, steps: Sequence[TreeDecision], names: Sequence[int]) -> LeafPath:
    by_feature: dict[int, list[TreeDecision]] = {}
    for step in steps:
        by_feature.setdefault(group.tree.feature[step.node], []).append(step)
    bits = {node: 1 << bit for bit, node in enumerate(group.decisions)}
    met = [sum(bits[s.node] for s in own if s.left != group.tree.nan_goes_left(s.node)) for own in by_feature.values()]
    mask = [sum(bits[s.node] for s in own) for own in by_feature.values()]
    share = [math.prod(s.share for s in own) for own in by_feature.values()]
    return LeafPath(g, group.tree.value[leaf], mask, met, share, [names.index(f) for f in by_feature])


def _add(table: Array, paths: Sequence[LeafPath]) -> None:
    """Add the contributions of leaves with the same number of features on their paths, for every answer."""
    group, value, mask, wanted, share, place = (np.array(column) for column in zip(*paths, strict=True))
    answer = np.arange(table.shape[1])
    met = (answer[:, None] & mask[:, None, :]) == wanted[:, None, :]  # (paths, answers, features)
    added = value[:, None, None] * _shapley(met.astype(np.float64), share[:, None, :])
    np.add.at(table, (group[:, None, None], answer[None, :, None], place[:, None, :]), added)


def _shapley(met: Array, share: Array) -> Array:
    """Shapley values of a path whose value is a product: of `met` (0 or 1) for known features, of `share` for others.

    For feature i: (met - share) x the sum over sets S of the others of |S|! (d - |S| - 1)! / d! x the product of met in
    S and share outside, computed as a polynomial in |S|. Shapes (paths, answers, d) and (paths, 1, d).
    """
    d = met.shape[-1]
    weight = np.array([math.factorial(k) * math.factorial(d - 1 - k) / math.factorial(d) for k in range(d)])
    out = np.empty_like(met)
    for i in range(d):
        of_size = np.zeros_like(met)
        of_size[..., 0] = 1
        for j in set(range(d)) - {i}:
            with_j = of_size[..., :-1] * met[..., [j]]
            of_size *= share[..., [j]]
            of_size[..., 1:] += with_j
        out[..., i] = (met[..., i] - share[..., i]) * (of_size @ weight)
    return out
