"""A report in plain sentences, the unflattering ones included."""

from collections.abc import Mapping
from typing import Any

from training.slices import HEADLINE, MEANING

SCORES = {
    "model": "Foresell",
    "truth": "the true rates, known in advance",
    "roll_forward": "arithmetic of the window (roll-forward)",
    "roll_forward_v2": "the same, with what the record teaches it",
    "boosting": "reference boosting",
    "logistic": "logistic regression",
    "current_metric": "current rate",
    "shrunk_rate": "current rate, shrunk to the market's",
    "peer_only": "rate of the peer group",
    "early": "Foresell, for long notice",
    "truth_early": "the true rates, for long notice",
    "truth_begun": "the true rates, without troubles yet to begin",
    "truth_today": "the true rates of the day",
    "warn_line": "warn-line rule",
    "best_reachable": "best that any ranking could reach",
}
Figures = Mapping[str, Any]


def sentences(report: Figures) -> dict[str, list[str]]:
    """Per risk, the sentences of the summary."""
    return {risk: _risk(body, report["horizon_days"]) for risk, body in report["risks"].items()}


def standard_words(standard: Figures) -> str:
    """A standard in words."""
    side = "at least" if standard["complement"] else "at most"
    return f"{standard['title']}, {side} {float(standard['limit']):.0%} over {standard['window_days']} days"


def _risk(body: Figures, horizon: int) -> list[str]:
    part = body["slices"][HEADLINE]
    model = part["scores"].get("model")
    if model is None:
        return [f"{part['rows']:,} readings of sellers not yet in breach hold one class only: nothing can be said."]
    reference = part["scores"]["roll_forward"]
    return [
        _base(part, horizon),
        _ranking(model, reference, part["scores"]["current_metric"]),
        _probabilities(model, reference),
        *_alerts(body["alerts"]),
        _weakest(body["slices"]),
    ]


def _base(part: Figures, horizon: int) -> str:
    return (
        f"Of {part['rows']:,} readings of {part['sellers']:,} sellers with enough orders and not in breach, "
        f"{part['base_rate']:.0%} were in breach {horizon} days later."
    )


def _ranking(model: Figures, reference: Figures, current: Figures) -> str:
    sellers, weeks = (model[key]["average_precision_minus_roll_forward"] for key in ("ci95", "ci95_time"))
    return (
        f"Ranking them, Foresell reaches an average precision of {model['average_precision']:.2f}; the arithmetic of "
        f"the window alone {reference['average_precision']:.2f}, the current rate {current['average_precision']:.2f}. "
        f"The gain over the arithmetic lies {_between(sellers)} with other sellers, {_between(weeks)} in other weeks "
        "(95%)."
    )


def _probabilities(model: Figures, reference: Figures) -> str:
    return (
        f"Its probabilities miss what happened by {model['ece'] * 100:.0f} points on average over ten groups and "
        f"{_bent(model['calibration_slope'])}; their squared error (Brier) is {model['brier']:.3f}, that of the "
        f"arithmetic {reference['brier']:.3f}."
    )


def _bent(slope: float | None) -> str:
    if slope is None:
        return "are all the same"
    bent = "are too timid" if slope > 1.1 else "are too bold" if slope < 0.9 else "neither exaggerate nor understate"
    return f"{bent} (slope {slope:.2f})"


def _alerts(alerts: Figures) -> list[str]:
    if alerts["precision"] is None:
        return []
    lead = alerts["median_lead_time_days"]
    ahead = "" if lead is None else f", half of those at least {lead:.0f} days ahead"
    return [
        f"At {alerts['capacity_per_week']:.0f} reviews a week, {alerts['precision']:.0%} of its alerts were "
        f"right{ahead}; of the warn-line rule's, {_share(alerts['warn_line']['precision'])}; of the best that any "
        f"ranking could raise, {_share(alerts['best_reachable']['precision'])}. {_share(alerts['recall'])} of new "
        f"breaches stood in the queue before; the best possible: {_share(alerts['best_reachable']['recall'])}."
    ]


def _weakest(slices: Figures) -> str:
    """The slice in which Foresell compares worst with the best other score."""
    gaps = {name: found for name, part in slices.items() if (found := _gap(part["scores"]))}
    name = min(gaps, key=lambda key: gaps[key][0])
    gap, rival, own = gaps[name]
    verdict = "falls behind" if gap < 0 else "gains least on"
    return (
        f"It compares worst on {MEANING[name]} ({slices[name]['rows']:,} readings): there its average precision of "
        f"{own:.2f} {verdict} the best other score, {SCORES.get(rival, rival)} ({own - gap:.2f})."
    )


def _gap(scores: Figures) -> tuple[float, str, float] | None:
    """Lead over the best other score, that score, and the own average precision."""
    known = {name: found["average_precision"] for name, found in scores.items() if found}
    if "model" not in known:
        return None
    own = known.pop("model")
    rival = max(known, key=lambda name: known[name])
    return own - known[rival], rival, own


def _between(interval: list[float] | None) -> str:
    return "anywhere" if interval is None else f"between {interval[0]:.2f} and {interval[1]:.2f}"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"
