"""Scores of many rows as columns, as `foresell score` writes them: no row is looked at alone."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.feature import Feature
from features.sentence_columns import say_all
from features.sentences import columns_of
from features.table import FeatureTable
from models.bundle import Bundle
from models.explain import parts
from models.families import REASONS, Ranked, by_family, ranked
from models.risk_model import Prediction, RiskModel, contributions
from models.score import assess, headline_models

TOLERANCE = 1e-4  # largest gap between the served log-odds and the sum of its parts in a batch
Contributions = Callable[[RiskModel, Prediction], NDArray[np.float64]]
Columns = dict[str, Any]


def batch(bundle: Bundle, table: FeatureTable, horizon: int = 28, shap: Contributions = contributions) -> pa.Table:
    """One row per risk and row of the table, risks one after the other; as_of is a day number.

    Rates without volume are nan. base + arithmetic + contribution_1..5 + contribution_rest = the served log-odds.
    shap: works out the Booster's contributions. ForesellError when the bundle has no model for the horizon.
    """
    return pa.concat_tables([_risk(bundle, model, table, shap) for model in headline_models(bundle, horizon)])


def _risk(bundle: Bundle, model: RiskModel, table: FeatureTable, shap: Contributions) -> pa.Table:
    found = assess(model, table.block)
    split = parts(model, found.prediction, shap(model, found.prediction), TOLERANCE)
    strongest = ranked(by_family(model, bundle.features, split.of_feature))
    columns = {
        "seller_id": pa.array(table.seller_id, pa.string()),
        "as_of": table.as_of,
        "risk": _same(model.key.risk, len(table)),
        "probability": found.prediction.probability,
        "interval_low": found.low,
        "interval_high": found.high,
        "band": pa.array(found.bands, pa.string()),
        "in_breach": found.in_breach,
        "expected_rate": found.expected.rate,
        "low_evidence": found.low_evidence,
        "base": split.base,
        "arithmetic": split.arithmetic,
        **_reasons(model, bundle.features, table, strongest),
        "model_digest": _same(bundle.digest, len(table)),
    }
    return pa.table(columns)


def _reasons(model: RiskModel, features: Mapping[str, Feature], table: FeatureTable, found: Ranked) -> Columns:
    """The strongest reasons as columns; null and 0 where a row has fewer. The rest are one sum."""
    texts = sentences_of(model, features, table, found)
    codes = pa.array(found.codes, pa.string())
    columns: Columns = {}
    for place in range(REASONS):
        there = found.added[:, place] != 0
        columns[f"reason_{place + 1}"] = codes.take(pa.array(found.family[:, place], mask=~there))
        columns[f"contribution_{place + 1}"] = found.added[:, place]
        columns[f"text_{place + 1}"] = texts[place]
    return columns | {"contribution_rest": found.rest}


def sentences_of(
    model: RiskModel, features: Mapping[str, Feature], table: FeatureTable, found: Ranked
) -> list[pa.StringArray]:
    """The sentence of each reason, by place; null where a row has fewer. A feature's are all said at once."""
    rows, places = np.nonzero(found.added)
    numbers = found.feature[rows, places]
    order = np.argsort(numbers, kind="stable")
    cuts = np.flatnonzero(np.diff(numbers[order])) + 1
    said = [
        _said(features[model.features[numbers[same[0]]]], table, rows[same])
        for same in np.split(order, cuts)[: len(order)]
    ]
    texts = pa.concat_arrays(said) if said else pa.array([], pa.string())
    where = np.full(found.added.shape, -1)
    where[rows[order], places[order]] = np.arange(len(order))
    return [texts.take(pa.array(column, mask=column < 0)) for column in where.T]


def _said(feature: Feature, table: FeatureTable, rows: NDArray[np.int64]) -> pa.StringArray:
    named = columns_of(feature.sentence)
    columns = {c: table.text[c][rows] if c in table.text else table.block[c][rows] for c in named}
    return say_all(feature.sentence, columns, len(rows))


def _same(text: str, rows: int) -> pa.StringArray:
    return pa.repeat(pa.scalar(text), rows)
