"""Scores of many rows as columns, as `foresell score` writes them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.table import FeatureTable
from models.bundle import Bundle
from models.explain import Explanation, explain, parts
from models.risk_model import RiskModel, contributions
from models.score import assess, headline_models, row_of

REASONS = 5
Columns = dict[str, NDArray[np.generic]]


def batch(bundle: Bundle, table: FeatureTable, horizon: int = 28) -> Columns:
    """One entry per risk and row (risks one after the other): arrays by column name, each of shape (risks x rows,).

    as_of is a day number; rates without volume are nan. base + arithmetic + contribution_1..5 + contribution_rest =
    the served log-odds. ForesellError when the bundle has no model for the horizon.
    """
    rows = [row_of(table, i) for i in range(len(table))]
    stacked = [_risk(bundle, model, table, rows) for model in headline_models(bundle, horizon)]
    return {name: np.concatenate([columns[name] for columns in stacked]) for name in stacked[0]}


def _risk(bundle: Bundle, model: RiskModel, table: FeatureTable, rows: Sequence[dict[str, float | str]]) -> Columns:
    found = assess(model, table.block)
    split = parts(model, found.prediction, contributions(model, found.prediction))
    why = [explain(model, bundle.features, split, i, row) for i, row in enumerate(rows)]
    return {
        "seller_id": table.seller_id,
        "as_of": table.as_of,
        "risk": _same(model.key.risk, len(rows)),
        "probability": found.prediction.probability,
        "interval_low": found.low,
        "interval_high": found.high,
        "band": np.array(found.bands, dtype=object),
        "in_breach": found.in_breach,
        "expected_rate": found.expected.rate,
        "low_evidence": found.low_evidence,
        "base": split.base,
        "arithmetic": split.arithmetic,
        **_reasons(why),
        "model_digest": _same(bundle.digest, len(rows)),
    }


def _reasons(why: Sequence[Explanation]) -> Columns:
    """The strongest reasons as columns; None and 0 where a row has fewer. The rest are one sum."""
    columns: Columns = {}
    for place in range(REASONS):
        ranked = [e.reasons[place] if place < len(e.reasons) else None for e in why]
        columns[f"reason_{place + 1}"] = np.array([r and r.code for r in ranked], dtype=object)
        columns[f"contribution_{place + 1}"] = np.array([r.contribution if r else 0.0 for r in ranked])
        columns[f"text_{place + 1}"] = np.array([r and r.text for r in ranked], dtype=object)
    rest = [sum(r.contribution for r in e.reasons[REASONS:]) for e in why]
    columns["contribution_rest"] = np.array(rest, dtype=np.float64)
    return columns


def _same(text: str, rows: int) -> NDArray[np.object_]:
    return np.full(rows, text, dtype=object)
