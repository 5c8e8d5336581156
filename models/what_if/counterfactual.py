"""The counterfactual of a risk: the fewest orders to come that must go well for the risk to leave its band.

The seller's row is projected one horizon ahead twice (models.what_if.projected): with the failures expected, and with
some of them avoided. The catalogue's formulas compute the features of both, and the same model scores both. Only
failures that the seller can prevent are avoided, and never more than are expected.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.block import Block
from features.catalogue.evaluate import with_features
from features.catalogue.feature import Feature
from features.columns.by_day import SellerDays
from models.boosting.risk_model import Bands, RiskModel, predict
from models.what_if.projected import ExpectedFlow, allot, expected_flow, projected_rows

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
AT_ONCE = 64  # numbers of successes tried in one pass; if there are more, a coarse pass precedes a fine one


@dataclass(frozen=True)
class Counterfactual:
    """The risk as it would be scored on `day`, at the present rates and with `successes` more orders going well.

    successes: the fewest, among the next `orders`, with which the probability is under `cut`, the start of today's
    band; 0 if it is so at the present rates (as_things_go); None if not even all `failing` orders would be enough, and
    then `probability` is that of all of them. actions: the number of successes of each kind (a code of
    models.what_if.projected.SUCCESSES), never 0.
    """

    day: int
    orders: int
    failing: int
    successes: int | None
    actions: tuple[tuple[str, int], ...]
    cut: float
    as_things_go: float
    probability: float


def counterfactual(
    model: RiskModel, features: Mapping[str, Feature], row: Block, past: SellerDays
) -> Counterfactual | None:
    """The counterfactual of one seller's row and ledger, one horizon of the model ahead.

    None if the risk is in the lowest band, if no orders are expected, or if the seller cannot prevent any of the
    failures that the standard counts.
    """
    cut = lower_cut(model.bands, float(predict(model, row).probability[0]))
    flow = expected_flow(model.standard, row, past, model.key.horizon)
    if cut is None or not flow.orders or not flow.preventable:
        return None
    needed = [features[name] for name in _used(model) if name in features]
    tried = _tried(lambda successes: _scored(model, needed, flow, row, past, successes), flow.bad, cut)
    enough = sorted(k for k, p in tried.items() if p < cut)
    chosen = enough[0] if enough else flow.bad
    actions = {code: int(n[0]) for code, n in allot(flow, np.array([chosen])).items()}
    return Counterfactual(
        day=past.as_of + flow.days,
        orders=flow.orders,
        failing=flow.bad,
        successes=chosen if enough else None,
        actions=tuple((code, n) for code, n in actions.items() if n),
        cut=cut,
        as_things_go=tried[0],
        probability=tried[chosen],
    )


def lower_cut(bands: Bands, probability: float) -> float | None:
    """The probability at which the band of a probability begins; None for the lowest band."""
    return next((cut for cut in (bands.review, bands.watch) if probability >= cut), None)


def _used(model: RiskModel) -> list[str]:
    """The model's columns that some tree splits on; the others need not be computed."""
    splits = model.booster.feature_importance()
    return [name for name, count in zip(model.features, splits.tolist(), strict=True) if count]


def _tried(probability: Callable[[Ints], Array], most: int, cut: float) -> dict[int, float]:
    """Probabilities by number of successes; with 0, `most`, and the fewest that are enough, if any are."""
    coarse = np.unique(np.linspace(0, most, min(most, AT_ONCE) + 1).round().astype(np.int64))
    tried = dict(zip(coarse.tolist(), probability(coarse).tolist(), strict=True))
    enough = next((k for k in coarse.tolist() if tried[k] < cut), 0)
    between = np.arange(max((k for k in coarse.tolist() if k < enough), default=0) + 1, enough)
    if len(between):
        tried |= dict(zip(between.tolist(), probability(between).tolist(), strict=True))
    return tried


def _scored(
    model: RiskModel, features: Collection[Feature], flow: ExpectedFlow, row: Block, past: SellerDays, successes: Ints
) -> Array:
    later = projected_rows(flow, row, past, successes)
    return predict(model, with_features(later, features)).probability
