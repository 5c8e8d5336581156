"""The summary of a report in sentences, with the model's weakest slice."""

from collections.abc import Mapping
from typing import Any

from core.words import count_of
from training.dataset.slices import HEADLINE, MEANING
from training.report_schema import AlertFigures, Interval, Report, RiskReport, ScoreFigures, SliceFigures

SCORES = {
    "model": "Foresell",
    "truth": "forecast from all true future rates",
    "roll_forward": "arithmetic of the window (roll-forward)",
    "roll_forward_v2": "roll-forward with fitted parameters",
    "boosting": "reference boosting",
    "logistic": "logistic regression",
    "current_metric": "current rate",
    "shrunk_rate": "current rate, shrunk to the market's",
    "peer_only": "rate of the peer group",
    "early": "Foresell, ranked for long notice",
    "truth_early": "true future rates, ranked for long notice",
    "truth_begun": "true future rates, except episodes that have not begun",
    "truth_today": "true rates of the as-of date",
    "warn_line": "warn-line rule",
    "best_reachable": "best that any ranking could reach",
}


def not_learned(report: Report) -> list[str]:
    """A sentence for each risk of which nothing is learned."""
    return [f"Nothing is learned of the risk {risk}: {why}." for risk, why in report.get("not_learned", {}).items()]


def sentences(report: Report) -> dict[str, list[str]]:
    """The sentences of the summary, by risk."""
    return {risk: _risk(body, report["horizon_days"]) for risk, body in report["risks"].items()}


def measured_scores(part: SliceFigures) -> dict[str, ScoreFigures]:
    """The scores with figures on a slice: all scores, or none if the slice holds one class only."""
    return {name: figures for name, figures in part["scores"].items() if figures}


def standard_words(standard: Mapping[str, Any]) -> str:
    """A standard in words."""
    side = "at least" if standard["complement"] else "at most"
    return f"{standard['title']}, {side} {float(standard['limit']):.0%} over {standard['window_days']} days"


def _risk(body: RiskReport, horizon: int) -> list[str]:
    part = body["slices"][HEADLINE]
    model, reference, current = (part["scores"].get(name) for name in ("model", "roll_forward", "current_metric"))
    if model is None or reference is None or current is None:
        return [
            f"All labels of {count_of(part['rows'], 'reading')} not yet in breach are the same: nothing is measured."
        ]
    return [
        _base(part, horizon),
        _ranking(model, reference, current),
        _probabilities(model, reference),
        *_alerts(body["alerts"]),
        _weakest(body["slices"]),
    ]


def _base(part: SliceFigures, horizon: int) -> str:
    return (
        f"Of {count_of(part['rows'], 'reading')} of {count_of(part['sellers'], 'seller')} with enough orders and not "
        f"in breach, {part['base_rate']:.0%} were in breach {horizon} days later."
    )


def _ranking(model: ScoreFigures, reference: ScoreFigures, current: ScoreFigures) -> str:
    sellers, weeks = (model[key]["average_precision_minus_roll_forward"] for key in ("ci95", "ci95_time"))
    return (
        f"Foresell reaches an average precision of {model['average_precision']:.2f}; the arithmetic of "
        f"the window alone reaches {reference['average_precision']:.2f}, the current rate "
        f"{current['average_precision']:.2f}. The gain over the arithmetic is "
        f"{_between(sellers, 'sellers')}, {_between(weeks, 'weeks')} (95%)."
    )


def _probabilities(model: ScoreFigures, reference: ScoreFigures) -> str:
    return (
        f"Its probabilities differ from the observed share by {model['ece'] * 100:.0f} points, on average over ten "
        f"groups, and {_spread_words(model['calibration_slope'])}. Their squared error (Brier) is "
        f"{model['brier']:.3f}, that of the arithmetic {reference['brier']:.3f}."
    )


def _spread_words(slope: float | None) -> str:
    if slope is None:
        return "are all the same"
    judgement = (
        "are too close to the average" if slope > 1.1 else "are too extreme" if slope < 0.9 else "have the right spread"
    )
    return f"{judgement} (slope {slope:.2f})"


def _alerts(alerts: AlertFigures) -> list[str]:
    if alerts["precision"] is None:
        return []
    lead = alerts["median_lead_time_days"]
    reviews = count_of(alerts["capacity_per_week"] or 0, "review")
    ahead = "" if lead is None else f", half of those at least {lead:.0f} days ahead"
    return [
        f"At {reviews} a week, {alerts['precision']:.0%} of its alerts were "
        f"right{ahead}; of the warn-line rule's, {_share(alerts['warn_line']['precision'])}. "
        f"{_share(alerts['recall'])} of sellers with a new breach were in the queue before; the best possible share is "
        f"{_share(alerts['best_reachable']['recall'])}."
    ]


def _weakest(slices: Mapping[str, SliceFigures]) -> str:
    """The slice on which Foresell compares worst with the best other score."""
    gaps = {name: found for name, part in slices.items() if (found := _gap(measured_scores(part)))}
    name = min(gaps, key=lambda key: gaps[key][0])
    gap, rival, own = gaps[name]
    verdict = "falls behind" if gap < 0 else "gains least on"
    return (
        f"It compares worst on {MEANING[name]} ({count_of(slices[name]['rows'], 'reading')}): there its average "
        f"precision of {own:.2f} {verdict} the best other score, {SCORES.get(rival, rival)} ({own - gap:.2f})."
    )


def _gap(scores: Mapping[str, ScoreFigures]) -> tuple[float, str, float] | None:
    """The model's lead over the best other score, the name of that score, and the model's average precision."""
    known = {name: found["average_precision"] for name, found in scores.items()}
    if "model" not in known:
        return None
    own = known.pop("model")
    rival = max(known, key=lambda name: known[name])
    return own - known[rival], rival, own


def _between(interval: Interval, drawn: str) -> str:
    if interval is None:
        return f"without an interval for resampled {drawn}, which are too few"
    return f"between {interval[0]:.2f} and {interval[1]:.2f} for resampled {drawn}"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"
