"""The backtest: what each score would have been worth on days that its model could not know (contract.md section 5)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import ForesellError
from features.intake import Marketplace
from features.standards import StandardsFile
from training import leakage, outcomes
from training.causes import FILE, reason_figures
from training.detection import detection_figures
from training.evaluate import Scored, gain_over, slice_figures
from training.groups import attributes, group_figures
from training.held import held_figures
from training.limits import limit_figures
from training.material import Material, Target, headlines, prepare, target
from training.metrics import measure
from training.scoring import Options, Tested, daily_of, score
from training.slices import HEADLINE, masks
from training.sure import probability_figures

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Progress = Callable[[str], None]
LOOKED_AT = 6  # as-of days that the leakage gate compares


@dataclass(frozen=True)
class Measured:
    """A backtest: its report, and for each risk what was to be said and the scores of the test period."""

    report: dict[str, Any]
    goals: Mapping[str, Target]
    tested: Mapping[str, Tested]


def backtest(
    market: Marketplace,
    standards: StandardsFile,
    options: Options | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The report of contract.md section 5. ForesellError when the record is too short or fills no headline standard."""
    return report(prepare(market, standards, progress=progress), options or Options(), progress)


def report(material: Material, options: Options, progress: Progress | None = None) -> dict[str, Any]:
    """The same from rows that are already made."""
    return measured(material, options, progress).report


def measured(material: Material, options: Options, progress: Progress | None = None) -> Measured:
    """The same with the scores behind it."""
    say = progress or (lambda _: None)
    goals = goals_of(material, options)
    made = {risk: part_of(material, risk, goal, options, say) for risk, goal in goals.items()}
    found = assembled(material, goals, {risk: part for risk, (part, _) in made.items()}, options, say)
    return Measured(found, goals, {risk: tested for risk, (_, tested) in made.items()})


def goals_of(material: Material, options: Options) -> dict[str, Target]:
    """What is to be said of each risk; ForesellError where there is nothing to learn it from."""
    goals = {risk: target(material, standard, options.horizon) for risk, standard in headlines(material).items()}
    _check(material, goals)
    _check_trees(goals, options)
    return goals


def part_of(
    material: Material, risk: str, goal: Target, options: Options, say: Progress
) -> tuple[dict[str, Any], Tested]:
    """What the report says of one risk, in plain values, and the scores behind it."""
    say(f"{risk}: fitting {len(options.seeds)} seeds and the baselines")
    tested = score(material, goal, options)
    say(f"{risk}: figures and intervals")
    shuffled = _shuffled_auc(material, goal, tested)
    part: dict[str, Any] = plain({"body": body_of(material, goal, tested, options), "shuffled_label_auc": shuffled})
    return part, tested


def assembled(
    material: Material, goals: Mapping[str, Target], parts: Mapping[str, Any], options: Options, say: Progress
) -> dict[str, Any]:
    """The report of the parts of its risks, with the leakage gate."""
    say("altering the future, to see whether any row moves")
    gates = leakage.gates(material.ledger, material.whole, material.standards, _look(material, options))
    shuffled = {risk: part["shuffled_label_auc"] for risk, part in parts.items()}
    found = {**gates, "shuffled_label_auc": next(iter(shuffled.values())), "shuffled_label_auc_by_risk": shuffled}
    risks = {risk: part["body"] for risk, part in parts.items()}
    whole: dict[str, Any] = plain({**_facts(material, goals, options), "risks": risks, "leakage": found})
    return whole


def _check(material: Material, goals: Mapping[str, Target]) -> None:
    if not goals:
        raise ForesellError(
            rule="A backtest needs a headline standard whose quantities the source has.",
            found=f"quantities {', '.join(material.ledger.quantities)}",
            next_step="give a standards file whose headline names some of these",
        )
    for goal in goals.values():
        known = goal.rows.label[goal.known_by(material.moments.test_from)]
        if not len(known) or not 0 < known.mean() < 1:
            raise ForesellError(
                rule="A backtest needs breaches and sellers without one before the test period.",
                found=f"{len(known)} readings of {goal.standard.name}, all of one kind",
                next_step="move test_from under [backtest] in the standards file, or bring a longer record",
            )


def _check_trees(goals: Mapping[str, Target], options: Options) -> None:
    if unknown := sorted(set(options.trees) - set(goals)):
        raise ForesellError(
            rule="Tree settings are for the risks that the record tells of.",
            found=f"settings for {', '.join(unknown)} beside a record of {', '.join(goals)}",
            next_step="take those out of the file given as --trees",
        )


def body_of(material: Material, goal: Target, tested: Tested, options: Options) -> dict[str, Any]:
    """Everything the report says of one risk."""
    table, value = material.active.take(tested.rows), goal.rows.label[tested.rows]
    known, parts = np.isfinite(value), masks(goal.standard, table.block)
    scored = Scored(value, table.seller_id, table.as_of, tested.fold, tested.scores)
    queue = outcomes.queueable(
        material, goal, tested.rows, daily_of(material, goal), {**tested.scores, **tested.rankings}
    )
    slices = {name: slice_figures(scored.take(mask & known), goal.horizon) for name, mask in parts.items()}
    return {
        "standard": goal.standard.as_json(),
        "failure_parts": list(material.ledger.failure_parts),
        "train_rows": int(goal.known_by(material.moments.test_from).sum()),
        "treated": int(goal.treated[tested.rows].sum()),
        "features": list(tested.names),
        "learning_rate": tested.trees.learning_rate,
        "rounds": tested.trees.rounds,
        **({"trees": tested.trees.as_json()} if goal.standard.risk in options.trees else {}),
        "roll_forward_v2": tested.taught.as_json(),
        "boosting_of_other_sizes": _sizes(value, tested, parts[HEADLINE] & known),
        "zero_by_volume_share": float(goal.labels.below_volume[np.isfinite(goal.rows.label)].mean()),
        "slices": slices,
        "groups": _groups(material, queue, options),
        "gain_over_boosting": gain_over(scored.take(parts[HEADLINE] & known), "boosting"),
        "alerts": outcomes.alert_figures(queue, options.capacity),
        "operating_points": outcomes.operating_points(queue),
        "expected_rate": outcomes.expected_rate_figures(material, goal, tested.rows),
        "charts": {
            "calibration": outcomes.calibration_curves(scored.take(parts[HEADLINE] & known)),
            "capacity": outcomes.capacity_curves(queue),
        },
        "reasons_held": held_figures(material, goal, tested, queue, options.capacity),
        **_of_known(material, goal, tested, queue, scored, slices, options),
    }


def _sizes(value: Array, tested: Tested, rows: Mask) -> dict[str, dict[str, float]]:
    """Small and large boosting on the headline slice; {} where it holds one class only."""
    if not rows.any() or not 0 < value[rows].mean() < 1:
        return {}
    found = {name: measure(value[rows], column[rows]) for name, column in tested.sizes.items()}
    return {name: {"average_precision": m.average_precision, "brier": m.brier} for name, m in found.items()}


def _groups(material: Material, found: outcomes.Queueable, options: Options) -> dict[str, Any]:
    """Groups of sellers beside each other, by the scores of the first seed: the one that serves."""
    known = np.isfinite(found.label)
    table = material.active.take(found.rows[known])
    score = found.priorities["model"][0][known]
    return group_figures(
        attributes(material, table), table.seller_id, table.as_of, found.label[known], score, options.capacity
    )


def _of_known(
    material: Material,
    goal: Target,
    tested: Tested,
    queue: outcomes.Queueable,
    scored: Scored,
    slices: Mapping[str, Any],
    options: Options,
) -> dict[str, Any]:
    """On simulated data: whether reasons name the cause, and how much of the way to the true rates' score is made."""
    if options.known is None:
        return {}
    reasons = reason_figures(material, goal, tested, queue, options.capacity, options.known)
    raising = options.known.naming(goal.standard.risk)
    detection = detection_figures(material, queue, options.capacity, options.known.folder / FILE, raising)
    closed = gap_closed(slices[HEADLINE]["scores"])
    sure = probability_figures(material, goal, tested)
    rows = masks(goal.standard, material.active.take(tested.rows).block)[HEADLINE] & np.isfinite(scored.label)
    limits = limit_figures(scored.take(rows), tested, rows, slices[HEADLINE]["scores"])
    return {
        "reasons": reasons,
        "detection": detection,
        "truth_gap_closed": closed,
        "limits": limits,
        "probability_interval": sure,
    }


def gap_closed(scores: Mapping[str, Any]) -> dict[str, float]:
    """Share of the way from the roll-forward to the true rates' score that the model makes, by figure."""
    if not scores.get("truth"):
        return {}
    low, mid, high = (scores[name] for name in ("roll_forward", "model", "truth"))
    return {key: (mid[key] - low[key]) / (high[key] - low[key]) for key in ("average_precision", "brier", "log_loss")}


def _shuffled_auc(material: Material, goal: Target, tested: Tested) -> dict[str, float]:
    rows = goal.rows.only(tested.names)
    test = rows.take(tested.rows[np.isfinite(rows.label[tested.rows])])
    mean, sd = leakage.shuffled_label_auc(rows.take(goal.known_by(material.moments.test_from)), test)
    return {"mean": mean, "sd": sd}


def _look(material: Material, options: Options) -> leakage.Look:
    """As-of days up to the middle of the test period, spread evenly, the newest included."""
    moments = material.moments
    last = moments.data_end - options.horizon
    days = np.array([day for day in moments.as_of(last) if day <= (moments.test_from + last) // 2])
    chosen = days[np.unique(np.linspace(0, len(days) - 1, LOOKED_AT).round().astype(int))].tolist()
    standard = next(iter(headlines(material).values()))
    return leakage.Look(chosen[-1], tuple(chosen), standard, options.horizon, moments.data_end)


def _facts(material: Material, goals: Mapping[str, Target], options: Options) -> dict[str, Any]:
    moments, labels = material.moments, [goal.labels for goal in goals.values()]
    last = moments.data_end - options.horizon
    below = np.concatenate([found.below_volume[np.isfinite(found.value)] for found in labels])
    return {
        "dataset": material.ledger.market.name,
        "as_of": [iso(moments.first), iso(moments.as_of(last)[-1])],
        "test_from": iso(moments.test_from),
        "horizon_days": options.horizon,
        "folds": len(moments.folds(last)),
        "seeds": list(options.seeds),
        "zero_by_volume_share": float(below.mean()),
        "censored": int(labels[0].censored.sum()),
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
