"""All that is behind a score: what each feature adds, the window's arithmetic, the peers, and what would change it."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pydantic_core import to_json

from features.columns.by_day import SellerDays
from features.standards.standard import Standard
from models.arithmetic.roll_forward import Projection
from models.boosting.risk_model import ARITHMETIC, RiskModel, RiskPrediction, contributions, predict
from models.bundle.bundle import Bundle
from models.score import headline_models, row_of
from serving.audit_log.predictions import PredictionRecord as LoggedPrediction
from serving.problems import refuse
from serving.scoring.ad_hoc import RowWithDays, TableRow, Tables, row_with_days
from serving.scoring.answers import WHOLE_MARKET, ScoreOptions, opening
from serving.scoring.answers import predict as predict_rows
from serving.scoring.model_watcher import ModelAndStore
from serving.scoring.what_if import what_if
from serving.store.online_store import UNKNOWN
from serving.store.rows import Rows

TITLES = dict(
    zip(
        ARITHMETIC,
        (
            "Log-odds of a breach by the roll-forward",
            "Standard deviations between the events to come and the most that keep the standard",
            "Share of the orders to come that may fail",
            "Bad share of the part of the window that leaves",
            "Bad share of the part of the window that stays",
            "Logarithm of the volume one horizon ahead",
        ),
        strict=True,
    )
)
Row = Mapping[str, float | str]


def from_store(loaded: ModelAndStore, seller_id: str) -> RowWithDays:
    """A seller that the store knows; ProblemError where it does not."""
    numbers = loaded.store.find([seller_id])
    if numbers[0] == UNKNOWN:
        raise refuse("unknown-seller")
    return RowWithDays(loaded.store.rows(numbers), loaded.store.days(seller_id))


def from_history(loaded: ModelAndStore, tables: Tables, seller: TableRow) -> RowWithDays:
    """A seller by the history that a request gives."""
    return row_with_days(tables, seller, loaded.store, loaded.model.bundle)


def explain(loaded: ModelAndStore, known: RowWithDays, horizon: int) -> tuple[bytes, LoggedPrediction]:
    """The answer's bytes with the score and all that is behind it, and the prediction to log."""
    options, day = ScoreOptions(horizon, explain=True), loaded.store.day
    [prediction] = predict_rows(loaded.model, known.rows, options, day, loaded.layout)
    more = to_json(details(loaded.model.bundle, known.rows, known.days, horizon))
    return opening(loaded.model, day) + b',"result":' + prediction.answer + b',"risks":' + more + b"}", prediction


def details(bundle: Bundle, rows: Rows, past: SellerDays, horizon: int) -> dict[str, dict[str, Any]]:
    """Of the first row, by risk. past: its seller's ledger by day."""
    table = rows.table
    row, changes = row_of(table, 0), what_if(bundle, table.block, past, horizon)
    found = {}
    for model in headline_models(bundle, horizon):
        said = predict(model, table.block)
        found[model.key.risk] = {
            **_added(bundle, model, said, row),
            "window": _window(model.standard, said.projection),
            "peers": _peers(model.standard, row),
            "counterfactual": changes[model.key.risk],
        }
    return found


def _added(bundle: Bundle, model: RiskModel, said: RiskPrediction, row: Row) -> dict[str, Any]:
    """The terms of the log-odds."""
    line, shap = model.calibration, contributions(model, said)[0]
    added = zip(model.features, (line.a * shap[:-1]).tolist(), said.matrix[0].tolist(), strict=True)
    each = [_contribution(bundle, name, amount, value, row) for name, amount, value in added if amount]
    return {
        "log_odds": float(said.served[0]),
        "base": float(line.a * shap[-1] + line.c),
        "offset": float(line.a * said.offset[0]),
        "contributions": sorted(each, key=lambda c: (-abs(c["contribution"]), c["feature"])),
    }


def _contribution(bundle: Bundle, name: str, amount: float, value: float, row: Row) -> dict[str, Any]:
    feature = bundle.features.get(name)
    return {
        "feature": name,
        "title": feature.title if feature else TITLES[name],
        "family": feature.family if feature else "arithmetic",
        "value": value if math.isfinite(value) else None,
        "contribution": amount,
        "text": feature.sentence_of(row) if feature else None,
    }


def _window(standard: Standard, p: Projection) -> dict[str, Any]:
    now, stays = (int(p.now_x[0]), int(p.now_n[0])), (int(p.stay_x[0]), int(p.stay_n[0]))
    return {
        "window_days": standard.window_days,
        "now": _counted(standard, *now),
        "leaves": _counted(standard, now[0] - stays[0], now[1] - stays[1]),
        "stays": _counted(standard, *stays),
        "coming_volume": int(p.coming[0]),
        "most_bad_to_come": int(p.room[0]),
        "shrunk_rate": float(p.a[0] / (p.a[0] + p.b[0])),
        "volume_met": float(p.volume_met[0]),
        "probability": float(p.probability[0]),
    }


def _counted(standard: Standard, bad: int, volume: int) -> dict[str, Any]:
    rate = float(standard.rate(np.array([float(bad)]), np.array([float(volume)]))[0])
    return {"bad": bad, "volume": volume, "rate": None if math.isnan(rate) else rate}


def _peers(standard: Standard, row: Row) -> dict[str, Any]:
    return {
        "name": str(row["peer_group"]) or WHOLE_MARKET,
        "sellers": int(float(row["peer_sellers"])),
        "rate": _group_rate(standard, row, "peer"),
        "market_rate": _group_rate(standard, row, "market"),
    }


def _group_rate(standard: Standard, row: Row, group: str) -> float | None:
    """As published with the rows; None where the group's figures are not."""
    days = standard.window_days
    bad, volume = (
        _total(row, [f"{group}_{q}_{days}" for q in side]) for side in (standard.numerator, standard.denominator)
    )
    if bad is None or not volume:
        return None
    return 1 - bad / volume if standard.complement else bad / volume


def _total(row: Row, names: Iterable[str]) -> float | None:
    values = [row.get(name) for name in names]
    return None if None in values else sum(float(value) for value in values if value is not None)
