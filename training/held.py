"""Whether reasons hold: from week to week, under a retraining on other sellers, and against what they say is removed.

Of the rows that the model queues, those a reviewer would read the reasons of; reasons are families that raise the risk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from training.alerts import queue
from training.fit import boost, side_by_side
from training.material import Material, Target
from training.outcomes import Queueable
from training.scoring import Tested

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
WEEK = 7
TOP, SHARED = 3, 2  # of the first three reasons, so many shared count as the same explanation
RETRAINED = 2  # bootstrap resamples of the sellers
READ = 100  # rows of the last fold whose reasons retrained models are asked for


@dataclass(frozen=True)
class Reader:
    """Families of the features that a model reads; members: by family, the numbers of its columns. No arithmetic."""

    names: tuple[str, ...]
    families: tuple[str, ...]
    members: Mapping[str, Ints]

    def added(self, trees: lgb.Booster, matrix: Array) -> Array:
        """What each family adds to the trees' log-odds, shape (rows, families)."""
        shap = np.asarray(trees.predict(matrix, pred_contrib=True, num_threads=1))
        return np.column_stack([shap[:, self.members[family]].sum(axis=1) for family in self.families])


def reader(material: Material, names: Sequence[str]) -> Reader:
    """Of a model with these features."""
    catalogue = {f.name: f.family for f in material.active.features}
    found = tuple(sorted({catalogue[name] for name in names if name in catalogue}))
    of = [catalogue.get(name, "") for name in names]
    return Reader(tuple(names), found, {f: np.flatnonzero([other == f for other in of]) for f in found})


def held_figures(material: Material, goal: Target, tested: Tested, found: Queueable, capacity: float) -> dict[str, Any]:
    """Stability from one week to the next and under retraining, and the deletion test, of the first seed's reasons."""
    read = reader(material, tested.names)
    if not read.families:
        return {}
    chosen = found.rows[queue(found.priorities["model"][0], found.watched.as_of, capacity)]
    return {
        "next_week": next_week(material, goal, tested, read, chosen),
        "retrained": retrained(material, goal, tested, read, chosen),
        "deletion": deletion(goal, tested, read, chosen),
    }


def next_week(material: Material, goal: Target, tested: Tested, read: Reader, rows: Ints) -> dict[str, Any]:
    """The same sellers a week later: how often reasons are shared, where nothing new came against them, and at all."""
    first, second = _pairs(material, tested, rows)
    same = shared(of_rows(goal, tested, read, first), of_rows(goal, tested, read, second))
    quiet = quiet_week(material, goal, second)
    return {
        "pairs": int(quiet.sum()),
        "share": _share(same[quiet]),
        "with_new_events": {"pairs": int((~quiet).sum()), "share": _share(same[~quiet])},
    }


def quiet_week(material: Material, goal: Target, rows: Ints) -> NDArray[np.bool_]:
    """Rows before which no bad event of the standard became known for a week."""
    return np.asarray(goal.standard.counts(material.active.block.take(rows), WEEK)[0] == 0)


def shared(first: Array, second: Array) -> NDArray[np.bool_]:
    """Whether SHARED of the first TOP reasons are among the second's, or all where there are fewer, shape (rows,)."""
    one, other = _top(first), _top(second)
    asked = np.minimum(one.sum(axis=1), SHARED)
    return np.asarray((one & other).sum(axis=1) >= asked)


def retrained(material: Material, goal: Target, tested: Tested, read: Reader, rows: Ints) -> dict[str, Any]:
    """How often models retrained on sellers drawn anew share their reasons with the one served, on its last fold."""
    fold = tested.fold[np.searchsorted(tested.rows, rows)]
    last = rows[fold == fold.max()][-READ:] if len(rows) else rows
    if not len(last):
        return {"rows": 0, "share": None}
    data = goal.rows.only(read.names)
    opens = int(material.active.as_of[tested.rows[tested.fold == fold.max()]].min())
    known = np.flatnonzero(goal.known_by(opens))
    served = read.added(tested.fitted[int(fold.max())].trees, data.matrix[last])
    draws = [(seed, _drawn(material, known, seed)) for seed in range(1, RETRAINED + 1)]
    models = side_by_side(lambda drawn: boost(data.take(drawn[1]), drawn[0], tested.trees), draws)
    same = [shared(served, read.added(trees, data.matrix[last])) for trees in models]
    return {"rows": len(last), "models": RETRAINED, "share": float(np.mean(same))}


def deletion(goal: Target, tested: Tested, read: Reader, rows: Ints) -> dict[str, Any]:
    """What the log-odds lose when the top reason's features are set to the median seller's, and any other family's.

    At random: each family of the model with the same chance, the mean over all of them, so that no draw is needed.
    """
    rows = rows[_top(of_rows(goal, tested, read, rows)).any(axis=1)]
    if not len(rows):
        return {"rows": 0, "top_reason": None, "random": None, "share_above_random": None}
    drops = _drops(goal, tested, read, rows)
    top = drops[np.arange(len(rows)), of_rows(goal, tested, read, rows).argmax(axis=1)]
    random = drops.mean(axis=1)
    return {
        "rows": len(rows),
        "top_reason": float(top.mean()),
        "random": float(random.mean()),
        "share_above_random": float(np.mean(top > random)),
    }


def of_rows(goal: Target, tested: Tested, read: Reader, rows: Ints) -> Array:
    """What each family adds in the model of each row's own fold, shape (rows, families)."""
    out, fold = np.zeros((len(rows), len(read.families))), tested.fold[np.searchsorted(tested.rows, rows)]
    matrix = goal.rows.only(read.names).matrix
    for number in np.unique(fold):
        out[fold == number] = read.added(tested.fitted[number].trees, matrix[rows[fold == number]])
    return out


def _drops(goal: Target, tested: Tested, read: Reader, rows: Ints) -> Array:
    """By row and family, the trees' log-odds less what they are without the family, shape (rows, families)."""
    matrix, at = goal.rows.only(read.names).matrix, tested.fold[np.searchsorted(tested.rows, rows)]
    out = np.zeros((len(rows), len(read.families)))
    for number in np.unique(at):
        mine, trees = matrix[rows[at == number]], tested.fitted[number].trees
        usual = _median(matrix[tested.rows[tested.fold == number]])
        whole = _raw(trees, mine)
        for place, family in enumerate(read.families):
            without = mine.copy()
            without[:, read.members[family]] = usual[read.members[family]]
            out[at == number, place] = whole - _raw(trees, without)
    return out


def _median(matrix: Array) -> Array:
    """Of each column's known values, shape (columns,); nan where none is."""
    known = np.isfinite(matrix).any(axis=0)
    return np.where(known, np.nanmedian(np.where(known, matrix, 0.0), axis=0), np.nan)


def _raw(trees: lgb.Booster, matrix: Array) -> Array:
    return np.asarray(trees.predict(matrix, raw_score=True, num_threads=1))


def _pairs(material: Material, tested: Tested, rows: Ints) -> tuple[Ints, Ints]:
    """Rows whose seller is tested a week later too, and those later rows."""
    table = material.active
    keys = zip(table.seller_id[tested.rows].tolist(), table.as_of[tested.rows].tolist(), strict=True)
    place = dict(zip(keys, tested.rows.tolist(), strict=True))
    later = [place.get((table.seller_id[row], int(table.as_of[row]) + WEEK), -1) for row in rows.tolist()]
    both = np.array(later, dtype=np.int64) >= 0
    return rows[both], np.array(later, dtype=np.int64)[both]


def _drawn(material: Material, known: Ints, seed: int) -> Ints:
    """The rows of as many sellers as there are, drawn with replacement."""
    ids, code = np.unique(material.active.seller_id[known].astype(str), return_inverse=True)
    times = np.bincount(np.random.default_rng(seed).integers(0, len(ids), len(ids)), minlength=len(ids))
    return np.repeat(known, times[code])


def _top(added: Array) -> NDArray[np.bool_]:
    """The TOP families that raise the risk most, shape (rows, families)."""
    place = np.argsort(np.argsort(-added, axis=1, kind="stable"), axis=1)
    return np.asarray((place < TOP) & (added > 0))


def _share(mask: NDArray[np.bool_]) -> float | None:
    return float(mask.mean()) if len(mask) else None
