"""Groups of sellers compared: whether a probability means the same in each group, and how many false alarms each has.

A group is a value of one attribute, known at as_of; whether a seller is a person is read from the sellers' table.
"""

from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from features.table import FeatureTable
from training.backtest.alerts import queue
from training.dataset.dataset import Dataset
from training.measures.intervals import Draws, draw_sellers, interval_95
from training.report_schema import GroupCell

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]
DIMENSIONS = ("size", "tenure", "region", "category", "fulfilment", "natural_person")
LEAST_ROWS, LEAST_SELLERS = 100, 30  # of a smaller cell only the size is reported; our assumption
TENURES = ((90, "under 90 days"), (365, "90 days to a year"), (np.inf, "a year or more"))
PERSON = {True: "a person", False: "a company"}


def attributes(dataset: Dataset, table: FeatureTable) -> dict[str, Texts]:
    """The group of each row in each dimension, shape (rows,); '' where it is not known."""
    of_table = {name: table.text[name] for name in ("size", "region", "category", "fulfilment")}
    bounds = np.array([bound for bound, _ in TENURES[:-1]])
    place = np.searchsorted(bounds, table.block["tenure_days"], side="right")
    tenure = np.array([name for _, name in TENURES], dtype=object)[place]
    return {**of_table, "tenure": tenure, "natural_person": _persons(dataset, table.seller_id)}


def _persons(dataset: Dataset, seller_id: Texts) -> Texts:
    """Whether each row's seller is a person, as last known. No score reads this, so using the newest value is safe."""
    persons = dataset.ledger.con.execute(
        "select seller_id, bool_or(natural_person) as person from sellers "
        "where natural_person is not null group by seller_id"
    ).df()
    known = {s: PERSON[bool(p)] for s, p in zip(persons["seller_id"], persons["person"], strict=True)}
    return np.array([known.get(seller, "") for seller in seller_id], dtype=object)


def group_figures(
    groups: Mapping[str, Texts], seller_id: Texts, as_of: Ints, label: Array, score: Array, share: float
) -> dict[str, dict[str, GroupCell]]:
    """By dimension and value: calibration of the probability, and who is queued at a capacity.

    Rows not in breach with a known label (0 or 1); score: probabilities; arrays of shape (rows,). overstated: predicted
    over observed breaches, relative to that ratio of all other sellers: 1 is fair. false_alarms: share queued of those
    that did not breach; found: share queued of those that did. Intervals: 95%, sellers drawn again; error_of_log: the
    standard error of the logarithm of overstated.
    """
    draws = draw_sellers(seller_id)
    queued = queue(score, as_of, share)
    columns = {
        "rows": np.ones_like(label),
        "expected": score,
        "breaches": label,
        "queued": queued.astype(float),
        "found": queued * label,
    }
    out: dict[str, dict[str, GroupCell]] = {}
    for name, values in groups.items():
        cells = [value for value in np.unique(values.astype(str)).tolist() if value]
        if len(cells) > 1:
            out[name] = {value: _cell(draws, columns, values == value) for value in cells}
    return out


def _cell(draws: Draws, columns: Mapping[str, Array], inside: Mask) -> GroupCell:
    rows, sellers = int(inside.sum()), len(np.unique(draws.group[inside]))
    if rows < LEAST_ROWS or sellers < LEAST_SELLERS:
        return {"rows": rows, "sellers": sellers}
    once = np.ones((1, draws.counts.shape[1]), dtype=np.int64)
    observed, drawn = (_figures(columns, inside, counts, draws.group) for counts in (once, draws.counts))
    figures = {name: float(value[0]) for name, value in observed.items()}
    figures["error_of_log"] = float(np.log(drawn["overstated"]).std(ddof=1))
    intervals = {name: interval_95(values) for name, values in drawn.items()}
    return cast(GroupCell, {"rows": rows, "sellers": sellers, **figures, "ci95": intervals})


def _figures(columns: Mapping[str, Array], inside: Mask, counts: Ints, group: Ints) -> dict[str, Array]:
    """The figures of a cell in each draw, shape (replicates,)."""
    own, rest = (_sums(columns, part, counts, group) for part in (inside, ~inside))
    not_breached, not_breached_queued = own["rows"] - own["breaches"], own["queued"] - own["found"]
    return {
        "breach_share": _ratio(own["breaches"], own["rows"]),
        "mean_probability": _ratio(own["expected"], own["rows"]),
        "overstated": _predicted_over_observed(own) / _predicted_over_observed(rest),
        "false_alarms": _ratio(not_breached_queued, not_breached),
        "found": _ratio(own["found"], own["breaches"]),
    }


def _sums(columns: Mapping[str, Array], part: Mask, counts: Ints, group: Ints) -> dict[str, Array]:
    """Each column's sum over the part's rows in each draw, shape (replicates,)."""
    by_seller = {name: np.bincount(group[part], column[part], counts.shape[1]) for name, column in columns.items()}
    return {name: np.asarray(counts.astype(np.float64) @ sums) for name, sums in by_seller.items()}


def _predicted_over_observed(sums: Mapping[str, Array]) -> Array:
    """Adding one to both sums keeps the ratio finite where there were few breaches."""
    return np.asarray((sums["expected"] + 1) / (sums["breaches"] + 1))


def _ratio(top: Array, bottom: Array) -> Array:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))
