"""Scores of many rows as columns, as `foresell score` writes them; computed by column, not row by row."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue.feature import Feature
from features.catalogue.sentence_columns import fill_rows
from features.catalogue.sentences import columns_of
from features.table import FeatureTable
from models.boosting.risk_model import RiskModel, contributions
from models.bundle.bundle import Bundle
from models.explain.reasons import REASONS, StrongestFamilies, family_sums, split_log_odds, strongest
from models.score import assess, headline_models

Column: TypeAlias = "pa.Array | NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]"


def batch(bundle: Bundle, table: FeatureTable, horizon: int = 28) -> pa.Table:
    """One row per risk and row of the table, one risk after the other; as_of is a day number.

    Rates without volume are nan. base + arithmetic + contribution_1..5 + contribution_rest = the served log-odds.
    ForesellError if the bundle has no model for the horizon, or if the terms of a row do not add up.
    """
    return pa.concat_tables([_risk(bundle, model, table) for model in headline_models(bundle, horizon)])


def _risk(bundle: Bundle, model: RiskModel, table: FeatureTable) -> pa.Table:
    assessment = assess(model, table.block)
    prediction = assessment.prediction
    terms = split_log_odds(model, prediction, contributions(model, prediction))
    top = strongest(family_sums(model, bundle.features, terms.of_feature))
    columns: dict[str, Column] = {
        "seller_id": pa.array(table.seller_id, pa.string()),
        "as_of": table.as_of,
        "risk": _same(model.key.risk, len(table)),
        "probability": prediction.probability,
        "interval_low": assessment.low,
        "interval_high": assessment.high,
        "band": pa.array(assessment.bands, pa.string()),
        "in_breach": assessment.in_breach,
        "expected_rate": assessment.expected.rate,
        "low_evidence": assessment.low_evidence,
        "base": terms.base,
        "arithmetic": terms.arithmetic,
        **_reasons(model, bundle.features, table, top),
        "model_digest": _same(bundle.digest, len(table)),
    }
    return pa.table(columns)


def _reasons(
    model: RiskModel, features: Mapping[str, Feature], table: FeatureTable, found: StrongestFamilies
) -> dict[str, Column]:
    """The strongest reasons as columns; null and 0 if a row has fewer. One column has the sum of all others."""
    texts = sentences_of(model, features, table, found)
    codes = pa.array(found.codes, pa.string())
    columns: dict[str, Column] = {}
    for place in range(REASONS):
        has_reason = found.added[:, place] != 0
        columns[f"reason_{place + 1}"] = codes.take(pa.array(found.family[:, place], mask=~has_reason))
        columns[f"contribution_{place + 1}"] = found.added[:, place]
        columns[f"text_{place + 1}"] = texts[place]
    return columns | {"contribution_rest": found.rest}


def sentences_of(
    model: RiskModel, features: Mapping[str, Feature], table: FeatureTable, found: StrongestFamilies
) -> list[pa.StringArray]:
    """The sentence of each reason, by place; null if a row has fewer. Sentences of one feature are made together."""
    rows, places = np.nonzero(found.added)
    numbers = found.feature[rows, places]
    order = np.argsort(numbers, kind="stable")
    cuts = np.flatnonzero(np.diff(numbers[order])) + 1
    sentences = [
        _sentences(features[model.features[numbers[same[0]]]], table, rows[same])
        for same in np.split(order, cuts)[: len(order)]
    ]
    texts = pa.concat_arrays(sentences) if sentences else pa.array([], pa.string())
    where = np.full(found.added.shape, -1)
    where[rows[order], places[order]] = np.arange(len(order))
    return [texts.take(pa.array(column, mask=column < 0)) for column in where.T]


def _sentences(feature: Feature, table: FeatureTable, rows: NDArray[np.int64]) -> pa.StringArray:
    named = columns_of(feature.sentence)
    columns = {c: table.text[c][rows] if c in table.text else table.block[c][rows] for c in named}
    return fill_rows(feature.sentence, columns, len(rows))


def _same(text: str, rows: int) -> pa.StringArray:
    return pa.repeat(pa.scalar(text), rows)
