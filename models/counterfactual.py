"""What would change a risk: the fewest orders that would have to go right, of those to come, to leave its band.

Two copies of the seller's ledger are carried to a day one horizon ahead (models.ahead), one as things go and one with
so many successes more; the catalogue's own formulas turn both into features, and the same model scores both. Only what
the seller can do counts, and only orders that would else be expected to fail.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.block import Block
from features.days import Days
from features.derived import with_features
from features.feature import Feature
from models.ahead import Pace, allot, carried, pace
from models.risk_model import Bands, RiskModel, predict

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
AT_ONCE = 64  # numbers of successes tried in one go; beyond, a coarse pass comes before a fine one


@dataclass(frozen=True)
class Counterfactual:
    """The risk as it would be scored on `day`, as things go and with `successes` more of the next `orders` going right.

    successes: the fewest that bring it under `cut`, where the band it is in today begins; 0 where it comes there by
    itself; None where even all of the `failing` orders would not, and then `probability` is that of all of them.
    actions: how many successes of each kind (a code of models.ahead.SUCCESSES), never 0.
    """

    day: int
    orders: int
    failing: int
    successes: int | None
    actions: tuple[tuple[str, int], ...]
    cut: float
    as_things_go: float
    probability: float


def counterfactual(model: RiskModel, features: Mapping[str, Feature], row: Block, past: Days) -> Counterfactual | None:
    """Of one seller's row and ledger, one horizon of the model ahead.

    None where the risk is in the lowest band, where no orders are to be expected, or where none of what the standard
    counts is the seller's to change.
    """
    cut = lower_cut(model.bands, float(predict(model, row).probability[0]))
    ahead = pace(model.standard, row, past, model.key.horizon)
    if cut is None or not ahead.orders or not ahead.can:
        return None
    needed = [features[name] for name in _used(model) if name in features]
    tried = _tried(lambda successes: _scored(model, needed, ahead, row, past, successes), ahead.bad, cut)
    enough = sorted(k for k, p in tried.items() if p < cut)
    chosen = enough[0] if enough else ahead.bad
    actions = {code: int(n[0]) for code, n in allot(ahead, np.array([chosen])).items()}
    return Counterfactual(
        day=past.as_of + ahead.days,
        orders=ahead.orders,
        failing=ahead.bad,
        successes=chosen if enough else None,
        actions=tuple((code, n) for code, n in actions.items() if n),
        cut=cut,
        as_things_go=tried[0],
        probability=tried[chosen],
    )


def lower_cut(bands: Bands, probability: float) -> float | None:
    """The probability from which the band begins that this one is in; None in the lowest."""
    return next((cut for cut in (bands.review, bands.watch) if probability >= cut), None)


def _used(model: RiskModel) -> list[str]:
    """The model's columns that some tree splits on; the others need no formula."""
    splits = model.booster.feature_importance()
    return [name for name, count in zip(model.features, splits.tolist(), strict=True) if count]


def _tried(probability: Callable[[Ints], Array], most: int, cut: float) -> dict[int, float]:
    """By number of successes, 0 and `most` among them: the fewest that are enough too, where some are."""
    coarse = np.unique(np.linspace(0, most, min(most, AT_ONCE) + 1).round().astype(np.int64))
    found = dict(zip(coarse.tolist(), probability(coarse).tolist(), strict=True))
    enough = next((k for k in coarse.tolist() if found[k] < cut), 0)
    between = np.arange(max((k for k in coarse.tolist() if k < enough), default=0) + 1, enough)
    if len(between):
        found |= dict(zip(between.tolist(), probability(between).tolist(), strict=True))
    return found


def _scored(
    model: RiskModel, features: Collection[Feature], ahead: Pace, row: Block, past: Days, successes: Ints
) -> Array:
    later = carried(ahead, row, past, successes)
    return predict(model, with_features(later, features)).probability
