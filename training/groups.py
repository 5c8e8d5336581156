"""Groups of sellers beside each other: whether a probability means the same for each, and who carries false alarms.

A group is a value of one attribute, known at as_of; whether a seller is a person is read from the sellers' table.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.table import FeatureTable
from training.alerts import queue
from training.intervals import Draws, draw_sellers
from training.material import Material

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]
DIMENSIONS = ("size", "tenure", "region", "category", "fulfilment", "natural_person")
LEAST_ROWS, LEAST_SELLERS = 100, 30  # a smaller cell is counted and not measured; our assumption
TENURES = ((90, "under 90 days"), (365, "90 days to a year"), (np.inf, "a year or more"))
PERSON = {True: "a person", False: "a company"}


def attributes(material: Material, table: FeatureTable) -> dict[str, Texts]:
    """The group of each row in each dimension, shape (rows,); '' where it is not known."""
    of_table = {name: table.text[name] for name in ("size", "region", "category", "fulfilment")}
    bounds = np.array([bound for bound, _ in TENURES[:-1]])
    place = np.searchsorted(bounds, table.block["tenure_days"], side="right")
    tenure = np.array([name for _, name in TENURES], dtype=object)[place]
    return {**of_table, "tenure": tenure, "natural_person": _persons(material, table.seller_id)}


def _persons(material: Material, seller_id: Texts) -> Texts:
    """Whether each row's seller is a person, as last known: it is no feature, so no score can read it too early."""
    told = material.ledger.con.execute(
        "select seller_id, bool_or(natural_person) as person from sellers "
        "where natural_person is not null group by seller_id"
    ).df()
    known = {s: PERSON[bool(p)] for s, p in zip(told["seller_id"], told["person"], strict=True)}
    return np.array([known.get(seller, "") for seller in seller_id], dtype=object)


def group_figures(
    groups: Mapping[str, Texts], seller_id: Texts, as_of: Ints, label: Array, score: Array, share: float
) -> dict[str, dict[str, Any]]:
    """By dimension and value, how a probability holds there and what the queue of a capacity does there.

    Rows not in breach with a known label (0 or 1); score: probabilities; arrays of shape (rows,). overstated: what was
    said over what came, beside the same ratio of all other sellers: 1 is fair. false_alarms: share queued of those
    that did not breach; found: share queued of those that did. Intervals: 95%, sellers drawn again; error_of_log: the
    standard error of overstated's logarithm.
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
    out: dict[str, dict[str, Any]] = {}
    for name, values in groups.items():
        cells = [value for value in np.unique(values.astype(str)).tolist() if value]
        if len(cells) > 1:
            out[name] = {value: _cell(draws, columns, values == value) for value in cells}
    return out


def _cell(draws: Draws, columns: Mapping[str, Array], inside: Mask) -> dict[str, Any]:
    rows, sellers = int(inside.sum()), len(np.unique(draws.group[inside]))
    if rows < LEAST_ROWS or sellers < LEAST_SELLERS:
        return {"rows": rows, "sellers": sellers}
    once = np.ones((1, draws.counts.shape[1]), dtype=np.int64)
    own, drawn = (_figures(columns, inside, counts, draws.group) for counts in (once, draws.counts))
    found: dict[str, Any] = {name: float(value[0]) for name, value in own.items()}
    found["error_of_log"] = float(np.log(drawn["overstated"]).std(ddof=1))
    return {"rows": rows, "sellers": sellers, **found, "ci95": {name: _interval(v) for name, v in drawn.items()}}


def _figures(columns: Mapping[str, Array], inside: Mask, counts: Ints, group: Ints) -> dict[str, Array]:
    """The figures of a cell under each drawing, shape (replicates,)."""
    own, rest = (_sums(columns, part, counts, group) for part in (inside, ~inside))
    well, well_queued = own["rows"] - own["breaches"], own["queued"] - own["found"]
    return {
        "breach_share": _ratio(own["breaches"], own["rows"]),
        "mean_probability": _ratio(own["expected"], own["rows"]),
        "overstated": _said_over_came(own) / _said_over_came(rest),
        "false_alarms": _ratio(well_queued, well),
        "found": _ratio(own["found"], own["breaches"]),
    }


def _sums(columns: Mapping[str, Array], part: Mask, counts: Ints, group: Ints) -> dict[str, Array]:
    """Each column's sum over the part's rows under each drawing, shape (replicates,)."""
    by_seller = {name: np.bincount(group[part], column[part], counts.shape[1]) for name, column in columns.items()}
    return {name: np.asarray(counts.astype(np.float64) @ sums) for name, sums in by_seller.items()}


def _said_over_came(sums: Mapping[str, Array]) -> Array:
    """One more on both sides keeps the ratio finite where few breaches came."""
    return np.asarray((sums["expected"] + 1) / (sums["breaches"] + 1))


def _ratio(top: Array, bottom: Array) -> Array:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))


def _interval(values: Array) -> list[float] | None:
    known = values[np.isfinite(values)]
    return [float(q) for q in np.quantile(known, [0.025, 0.975])] if len(known) else None
