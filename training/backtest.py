"""The backtest: what every score would have been worth on days that its model could not know (contract.md section 5)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from features.intake import Marketplace
from features.standards import StandardsFile
from training import alerts, baselines, leakage, outcomes, reference
from training.daily import Daily, daily_counts
from training.evaluate import Scored, slice_figures
from training.fit import SEEDS, fit
from training.material import Material, Target, headlines, prepare, target
from training.slices import HEADLINE, masks

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Progress = Callable[[str], None]
LOOKED_AT = 6  # as-of days that the leakage gate compares


@dataclass(frozen=True)
class Options:
    """How a backtest is run. reference_groups: text columns that the frozen reference groups by; None leaves it out."""

    horizon: int = 28
    capacity: float = alerts.CAPACITY
    seeds: Sequence[int] = SEEDS
    reference_groups: Sequence[str] | None = None


@dataclass(frozen=True)
class Tested:
    """The rows of the test period (numbers into the active rows), their folds, and every score's columns."""

    rows: Ints
    fold: Ints
    scores: Mapping[str, Sequence[Array]] = field(default_factory=dict)


def backtest(
    market: Marketplace, standards: StandardsFile, options: Options | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """The report of contract.md section 5. ForesellError when the record is too short or fills no headline standard."""
    return report(prepare(market, standards, progress=progress), options or Options(), progress)


def report(material: Material, options: Options, progress: Progress | None = None) -> dict[str, Any]:
    """The same from rows that are already made."""
    say = progress or (lambda _: None)
    risks, gates = {}, {}
    for risk, standard in headlines(material).items():
        goal = target(material, standard, options.horizon)
        say(f"{risk}: fitting {len(options.seeds)} seeds and the baselines")
        tested = predict(material, goal, options)
        say(f"{risk}: figures and intervals")
        risks[risk] = _risk(material, goal, tested, options)
        gates[risk] = _shuffled(material, goal)
    say("altering the future, to see whether any row moves")
    return plain(_facts(material, options, risks) | {"risks": risks, "leakage": _leakage(material, options, gates)})


def predict(material: Material, goal: Target, options: Options) -> Tested:
    """Scores of every test row whose future lies in the data, each fold by models fitted on what was known when it opened."""
    as_of, moments = material.active.as_of, material.moments
    last = moments.data_end - goal.horizon
    rows = np.flatnonzero((as_of >= moments.test_from) & (as_of <= last))
    opens = np.array(moments.folds(last))
    tested = Tested(rows, np.searchsorted(opens, as_of[rows], side="right") - 1)
    return Tested(rows, tested.fold, _simple(material, goal, rows) | _learned(material, goal, tested, opens, options))


def _simple(material: Material, goal: Target, rows: Ints) -> dict[str, list[Array]]:
    block = material.active.block.take(rows)
    return {
        "current_metric": [baselines.current_metric(goal.standard, block)],
        "peer_only": [baselines.peer_only(goal.standard, block)],
        "shrunk_rate": [baselines.shrunk_rate(goal.standard, block)],
        "roll_forward": [goal.projection.probability[rows]],
    }


def _learned(material: Material, goal: Target, tested: Tested, opens: Ints, options: Options) -> dict[str, list[Array]]:
    model = [np.empty(len(tested.rows)) for _ in options.seeds]
    straight = np.empty(len(tested.rows))
    for fold, day in enumerate(opens.tolist()):
        inside = tested.fold == fold
        test = tested.rows[inside]
        train = goal.rows(material, goal.known_by(material, day))
        straight[inside] = baselines.logistic(train.matrix, train.label, goal.matrix[test])
        for column, seed in zip(model, options.seeds, strict=True):
            found = fit(train, goal.names, goal.horizon, seed)
            raw = goal.offset[test] + np.asarray(found.trees.predict(goal.matrix[test], raw_score=True))
            column[inside] = expit(found.line.apply(raw))
    learned = {"model": model, "logistic": [straight]}
    return learned if options.reference_groups is None else learned | {"boosting": [_boosting(material, goal, tested, options)]}


def _boosting(material: Material, goal: Target, tested: Tested, options: Options) -> Array:
    """The reference's boosting on the rows of the test period; it fits once, on all rows known when that opens."""
    daily, moments = daily_of(material, goal), material.moments
    column = np.array(moments.as_of(moments.data_end - goal.horizon)) - daily.first_day
    groups = {name: _first_value(material, daily, name) for name in options.reference_groups or ()}
    days = reference.Days(column, moments.test_from - daily.first_day, goal.horizon)
    scores = reference.boosting(daily, goal.standard, groups, days)
    table = material.active
    day = np.searchsorted(column, table.as_of[tested.rows] - daily.first_day)
    return np.asarray(scores[day, daily.rows_of(table.seller_id[tested.rows])])


def _first_value(material: Material, daily: Daily, name: str) -> Ints:
    """A code per seller for the value of a text column that it had first."""
    table = material.whole
    codes = np.unique(table.text[name].astype(str), return_inverse=True)[1]
    out = np.zeros(len(daily.seller_id), dtype=np.int64)
    newest_first = np.argsort(-table.as_of, kind="stable")
    out[daily.rows_of(table.seller_id[newest_first])] = codes[newest_first]
    return out


def daily_of(material: Material, goal: Target) -> Daily:
    """The standard's daily counts from the first entry to the data's end."""
    return daily_counts(material.ledger.con, goal.standard, material.ledger.first_day, material.moments.data_end)


def _risk(material: Material, goal: Target, tested: Tested, options: Options) -> dict[str, Any]:
    """Everything the report says of one risk."""
    table, value = material.active.take(tested.rows), goal.labels.value[tested.rows]
    known, parts = np.isfinite(value), masks(goal.standard, table.block)
    scored = Scored(value, table.seller_id, table.as_of, tested.fold, tested.scores)
    queue = outcomes.queueable(material, goal, tested.rows, daily_of(material, goal), tested.scores)
    return {
        "standard": goal.standard.as_json(),
        "failure_parts": list(material.ledger.failure_parts),
        "train_rows": int(goal.known_by(material, material.moments.test_from).sum()),
        "treated": int(goal.treated[tested.rows].sum()),
        "zero_by_volume_share": float(goal.labels.below_volume[np.isfinite(goal.labels.value)].mean()),
        "slices": {name: slice_figures(scored.take(mask & known), goal.horizon) for name, mask in parts.items()},
        "alerts": outcomes.alert_figures(queue, options.capacity),
        "expected_rate": outcomes.expected_rate_figures(material, goal, tested.rows),
        "charts": {
            "calibration": outcomes.calibration_curves(scored.take(parts[HEADLINE] & known)),
            "capacity": outcomes.capacity_curves(queue),
        },
    }


def _shuffled(material: Material, goal: Target) -> tuple[float, float]:
    as_of, known = material.active.as_of, np.isfinite(goal.labels.value)
    train, test = goal.known_by(material, material.moments.test_from), known & (as_of >= material.moments.test_from)
    truth = goal.labels.value[test]
    if not 0 < truth.mean() < 1:
        return float("nan"), float("nan")
    return leakage.shuffled_label_auc(goal.rows(material, train), goal.names, goal.matrix[test], truth)


def _leakage(material: Material, options: Options, shuffled: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    last = material.moments.data_end - options.horizon
    days = np.array([d for d in material.moments.as_of(last) if d <= (material.moments.test_from + last) // 2])
    chosen = np.unique(days[np.linspace(0, len(days) - 1, LOOKED_AT).round().astype(int)]).tolist()
    standard = next(iter(headlines(material).values()))
    look = leakage.Look(chosen[-1], tuple(chosen), standard, options.horizon, material.moments.data_end)
    found = {risk: {"mean": mean, "sd": sd} for risk, (mean, sd) in shuffled.items()}
    gates = leakage.gates(material.ledger, material.whole, material.standards, look)
    return {**gates, "shuffled_label_auc": next(iter(found.values())), "shuffled_label_auc_by_risk": found}


def _facts(material: Material, options: Options, risks: Mapping[str, Any]) -> dict[str, Any]:
    moments, active = material.moments, material.active
    last = moments.data_end - options.horizon
    goals = [risk["zero_by_volume_share"] for risk in risks.values()]
    censored = target(material, next(iter(headlines(material).values())), options.horizon).labels.censored
    return {
        "dataset": material.ledger.market.name,
        "as_of": [iso(int(active.as_of.min())), iso(last)],
        "test_from": iso(moments.test_from),
        "horizon_days": options.horizon,
        "folds": len(moments.folds(last)),
        "seeds": list(options.seeds),
        "features": len(active.features),
        "zero_by_volume_share": float(np.mean(goals)),
        "censored": int(censored.sum()),
    }


def iso(day: int) -> str:
    """A day number as an ISO date."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def plain(value: Any) -> Any:
    """The same with null in place of every number that JSON does not have."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
