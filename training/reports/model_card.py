"""The model card: purpose, tests and limits of a model, written from the reports of its backtests.

The sections follow the guidance on model risk management SR 26-2 (Federal Reserve, FDIC and OCC, April 2026). The
guidance is for banks; here it is a checklist.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from core.markdown import interval, markdown, number, share
from core.words import count_of
from training.dataset.slices import HEADLINE, MEANING
from training.fit.rate_spread import measured
from training.promotion.gates import Gate
from training.report_schema import (
    AlertFigureName,
    AlertFigures,
    ExpectedRateFigures,
    GroupCell,
    RankingAlerts,
    Report,
    RiskReport,
    ScoreFigures,
)
from training.reports.report_tables import OFFERED, rankings
from training.reports.summary import SCORES, measured_scores, standard_words

Named = Sequence[tuple[str, Report]]  # a title and the report of one record
COMPARED = ("model", "roll_forward", "roll_forward_v2", "current_metric", "logistic", "boosting", "truth")
QUEUE: dict[AlertFigureName, str] = {
    "alerts": "alerts",
    "precision": "right",
    "recall": "new breaches seen",
    "money_recall": "by money",
    "median_lead_time_days": "median lead, days",
    "share_with_7_days": "a week or more ahead",
    "share_with_14_days": "two weeks",
}
PURPOSE = (
    "For each marketplace seller, the model gives the probability that a seller performance standard will be in breach "
    "one horizon ahead (14, 28 or 56 days), with an interval, the rate to expect, and reasons. The probabilities order "
    "a queue of sellers for people to review, so that they can help before a standard is breached."
)
LIMITS = (
    "A score alone is no ground for a sanction: people decide, give their reasons, and hear objections.",
    "A probability is about one standard at one date. Another limit, window or marketplace needs another training.",
    "Reasons say which features make up the score. They are evidence to look at, not proof of a cause.",
    "Sellers with few orders have wide intervals and are marked as low evidence; this never means a low risk.",
    "What is not in the data (fraud not yet reported, events outside the marketplace) is not in the score.",
    "The level of a market changes. Between trainings, probabilities may be too high or too low until the calibration "
    "is refitted.",
)
METHOD = (
    "The roll-forward computes which orders stay in the window, which leave it and how many will come. Its log-odds "
    "are the offset from which the trees are boosted. For orders to come it uses the seller's own failure rate, "
    "shrunk to the market's, and multiplied by the square root of the market's rate in the last two weeks over that "
    "in the window (standards whose bad events become known late, such as returns, do without this factor). A "
    "calibration line, fitted on out-of-time predictions, turns the log-odds into probabilities: served log-odds = "
    "a x (offset + base + contributions) + c. Contributions are exact TreeSHAP values, so the parts of an answer "
    "add up to it.",
    "The model assumes that orders keep coming at the recent pace, that half of the market's recent change (in log "
    "terms) lasts, that a seller's last weeks tell about its next weeks, and that labels are known one horizon "
    "after their rows. It does not learn from rows of sellers under an intervention.",
)
MONITORING = (
    "`foresell compare DATA` compares the registered versions on the newest weeks, and applies the gates.",
    "`foresell recalibrate DATA` refits the calibration on the newest labels; the trees stay the same.",
    "The service shows the last day of its calibration, how the challenger's scores differ, and the outcome of each "
    "recorded score.",
    "Train again when a standard, a source or the catalogue of features changes, or a gate refuses on newer weeks.",
)


def card(named: Named, gates: Sequence[Gate] = (), facts: Mapping[str, str] | None = None) -> str:
    """The card as Markdown, the same bytes for the same reports; facts: entries of one training's change log."""
    parts = [
        "# Model card: Foresell",
        "Written from the reports of the model's backtests. The sections follow the guidance SR 26-2 on model risk "
        "management. That guidance is for banks; here it is a checklist.",
        "## Purpose and use",
        PURPOSE,
        "## Limits",
        _list(LIMITS),
        "## Method and assumptions",
        *METHOD,
        "## Data",
        *(_data(title, report) for title, report in named),
        "## Performance",
        "For sellers with the minimum volume who are not in breach, on weeks that no model was trained on, compared "
        "with simpler scores. Brackets: 95% intervals over resampled sellers.",
        *_each(named, _performance),
        "## Where it works worse",
        *_each(named, _slices),
        "## Early warning",
        *_each(named, _alerts),
        "## Uncertainty",
        *_each(named, _uncertainty),
        "## Fairness",
        "Overstated: predicted over observed breaches, relative to all other sellers; 1 is fair. False alarms: "
        "share queued of those that did not breach. Found: share queued of those that did. Groups under the minimum "
        "are not measured.",
        *_each(named, _groups),
        "## Reasons",
        *_each(named, _reasons),
        "## Gates",
        _list(gate.line() for gate in gates) or "Gates judge every training. A refusal names the figure and the limit.",
        "## Monitoring",
        _list(MONITORING),
        "## Change log",
        _list(f"{name}: {value}" for name, value in (facts or {}).items())
        or "CHANGELOG.md marks every change of scores.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def recalibrated(before: str, day: str, done: Mapping[str, str], gates: Iterable[Gate]) -> str:
    """The card after a calibration refresh: the card before, and a section on the refresh."""
    lines = [*(f"{key}: line {what}" for key, what in done.items()), *(gate.line() for gate in gates)]
    return f"{before.rstrip()}\n\n### Line refitted on labels to {day}\n\n{_list(lines)}\n"


def _each(named: Named, section: Callable[[RiskReport, int], str]) -> list[str]:
    """A section's text for each risk of each record."""
    out = []
    for title, report in named:
        for risk, body in report["risks"].items():
            if text := section(body, report["horizon_days"]):
                out.append(f"### {title}, {risk}\n\n{text}")
    return out or ["Not measured."]


def _data(title: str, report: Report) -> str:
    first, last = report["as_of"]
    standards = "; ".join(standard_words(body["standard"]) for body in report["risks"].values())
    rows = ", ".join(f"{body['slices']['all']['rows']:,} for {risk}" for risk, body in report["risks"].items())
    return (
        f"**{title}**: as-of dates {first} to {last}, tested from {report['test_from']}, {report['folds']} "
        f"{'fit' if report['folds'] == 1 else 'fits'}. {standards}. Rows tested: {rows}. Labels that are 0 because "
        f"of too low a volume: {share(report['zero_by_volume_share'])}. Rows left out because the seller left or was "
        f"restricted: {report['censored']:,}. Blind to the future: {_yes(report['leakage']['future_blind'])}; "
        f"planted copy of the label caught: {_yes(report['leakage']['canary_caught'])}."
    )


def _performance(body: RiskReport, horizon: int) -> str:
    part = body["slices"][HEADLINE]
    heads = ["score", "average precision", "95%", "Brier", "95%", "slope", "calibration error"]
    scores = measured_scores(part)
    rows = [_score(SCORES[name], scores[name]) for name in COMPARED if name in scores]
    size = f"{count_of(part['rows'], 'row')} of {count_of(part['sellers'], 'seller')}, "
    size = f"{size}{share(part['base_rate'], 1)} in breach after "
    return f"{size}{horizon} days.\n\n{markdown(heads, rows)}{_limit(body)}" if rows else ""


def _limit(body: RiskReport) -> str:
    """On simulated data: the average precision that no forecaster could exceed."""
    found = body.get("limits", {}).get("truth_begun")
    if not found:
        return ""
    return (
        f"\n\nA forecaster who knew every future true rate, except episodes that have not begun, would reach an "
        f"average precision of {number(found['average_precision'])}. The model covers "
        f"{share(found['reached']['average_precision'])} of the distance from the roll-forward to it."
    )


def _score(title: str, found: ScoreFigures) -> list[str]:
    around = found.get("ci95") or {}
    ranks = [number(found["average_precision"]), interval(around.get("average_precision"))]
    errs = [number(found["brier"], 4), interval(around.get("brier"), 4)]
    return [title, *ranks, *errs, number(found["calibration_slope"], 2), number(found["ece"])]


def _slices(body: RiskReport, _: int) -> str:
    rows = [
        [MEANING[name], f"{part['rows']:,}", *(number(scores[score]["average_precision"]) for score in COMPARED[:2])]
        for name, part in body["slices"].items()
        if (scores := measured_scores(part))
    ]
    heads = ["slice", "rows", "average precision", "of the roll-forward"]
    return markdown(heads, rows) if rows else ""


def _alerts(body: RiskReport, _: int) -> str:
    alerts = body["alerts"]
    rows = [[SCORES.get(name, name), *_queue(found)] for name, found in rankings(alerts).items()]
    heads = ["ranking", *QUEUE.values()]
    lead = f"Alerts at {number(alerts['capacity_per_week'], 0)} reviews a week:"
    return "\n\n".join([f"{lead}\n\n{markdown(heads, rows)}", *_menu(body), *_detection(body), *_slow_carrier(alerts)])


def _queue(found: RankingAlerts) -> list[str]:
    counts = ("alerts", "median_lead_time_days")
    return [number(found[key], 1) if key in counts else share(found[key]) for key in QUEUE]


def _menu(body: RiskReport) -> list[str]:
    """The table of alerts at each capacity."""
    rows = [
        [share(point["capacity_share"], 1), SCORES[name], *_queue(found)]
        for point in body.get("operating_points", [])
        for name, found in rankings(point).items()
        if name in OFFERED
    ]
    return [f"Operating points:\n\n{markdown(['capacity', 'ranking', *QUEUE.values()], rows)}"] if rows else []


def _detection(body: RiskReport) -> list[str]:
    found = body.get("detection")
    if not found or not found["episodes"]:
        return []
    own, rule = found["model"], found["warn_line"]
    return [
        f"Of {found['episodes']} simulated episodes that end in a breach, {share(own['detected'])} entered the queue "
        f"before the breach, half of these within {number(own['median_days'], 0)} days of the start; with the "
        f"warn-line rule {share(rule['detected'])} and {number(rule['median_days'], 0)} days."
    ]


def _slow_carrier(alerts: AlertFigures) -> list[str]:
    found = alerts.get("disruption")
    if not found:
        return []
    return [
        f"Sellers whose carrier was slow had {found['alerts']} alerts; in a copy of the marketplace without the slow "
        f"carrier, the same sellers had {found['without']} on the same days."
    ]


def _uncertainty(body: RiskReport, _: int) -> str:
    found = body["expected_rate"]
    if found["mae"] is None:
        return ""
    return (
        f"The 90% interval of the expected rate contained the later rate in {share(found['interval_90_coverage'])} of "
        f"{count_of(found['rows'], 'row')}; the number of bad events among the orders that followed fell inside its "
        f"interval in {share(found['interval_90_coverage_midp'])} (mid-p){_bands(found)}. The expected rate missed by "
        f"{100 * found['mae']:.1f} points on average."
    )


def _bands(found: ExpectedRateFigures) -> str:
    """The lowest and the highest coverage of volume bands with enough rows."""
    inside = [band["interval_90_coverage_midp"] for band in found["bands"] if measured(band)]
    coverage = [share for share in inside if share is not None]
    return f", by volume band {min(coverage):.3f} to {max(coverage):.3f}" if coverage else ""


def _groups(body: RiskReport, _: int) -> str:
    cells = [
        [name.replace("_", " "), value, *_cell(cell)]
        for name, values in body.get("groups", {}).items()
        for value, cell in values.items()
    ]
    heads = ["by", "group", "rows", "sellers", "breach", "overstated", "95%", "false alarms", "found"]
    return markdown(heads, cells) if cells else ""


def _cell(cell: GroupCell) -> list[str]:
    size = [f"{cell['rows']:,}", f"{cell['sellers']:,}"]
    if "ci95" not in cell:
        return [*size, "-", "too few", "", "-", "-"]
    beside = [number(cell["overstated"], 2), interval(cell["ci95"]["overstated"], 2)]
    return [*size, share(cell["breach_share"], 1), *beside, share(cell["false_alarms"], 1), share(cell["found"])]


def _reasons(body: RiskReport, _: int) -> str:
    found = body.get("reasons")
    if not found or not found["alerts"]:
        return ""
    return (
        f"Of {found['alerts']} right alerts inside an episode whose cause is known, the strongest reason named its "
        f"family in {share(found['top_reason_share'])}, one of the first three in {share(found['top3_reason_share'])}."
    )


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _yes(value: bool) -> str:
    return "yes" if value else "NO"
