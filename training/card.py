"""The model card: what a model is for, how it was tested and where it ends, from the reports of its backtests alone.

The sections follow what the guidance on model risk management SR 26-2 (Federal Reserve, FDIC and OCC, April 2026) asks
to be written down. It addresses banks; here it is a checklist.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from training.gates import Gate
from training.markdown import interval, markdown, number, share
from training.report_tables import OFFERED, rankings
from training.slices import HEADLINE, MEANING
from training.spread import measured
from training.summary import SCORES, standard_words

Figures = Mapping[str, Any]
Named = Sequence[tuple[str, Figures]]  # a title and the report of one record
COMPARED = ("model", "roll_forward", "roll_forward_v2", "current_metric", "logistic", "boosting", "truth")
QUEUE = {
    "alerts": "alerts",
    "precision": "right",
    "recall": "new breaches seen",
    "money_recall": "by money",
    "median_lead_time_days": "median lead, days",
    "share_with_7_days": "a week or more ahead",
    "share_with_14_days": "two weeks",
}
PURPOSE = (
    "For each marketplace seller, the probability that a seller performance standard will be in breach a horizon ahead "
    "(14, 28 or 56 days), with an interval, the rate to expect and reasons. It orders a queue in which people look "
    "after sellers: to help before a standard is breached."
)
LIMITS = (
    "It is no ground for a sanction by itself: decisions are made by people, told with reasons, and open to objection.",
    "A probability speaks of one standard at one date. Another limit, window or marketplace needs another training.",
    "Reasons say what the score is made of. They are evidence to look at, not proof of a cause.",
    "Sellers with few orders have wide intervals and are marked as low evidence; that is never a low risk.",
    "What is not in the records (fraud not yet reported, events outside the marketplace) is not in the score.",
    "The level of a market moves. Between trainings, probabilities may run high or low until the line is refreshed.",
)
METHOD = (
    "The roll-forward works out which orders stay in the window, which leave it and how many will come, and gives the "
    "log-odds that trees are boosted from. Orders to come fail at the seller's own rate, drawn to the market's and "
    "moved by the root of what the market's last two weeks are to its window. One line through the log-odds, fitted on "
    "predictions of weeks that the trees had not seen, makes them probabilities. Served log-odds = a x (offset + base "
    "+ contributions) + c. Contributions are exact TreeSHAP values, so the parts of an answer add up to it.",
    "It assumes that orders come at the pace of late, that half of what moved the market lately lasts, that what the "
    "last weeks say of a seller lasts for some weeks, and that labels are known one horizon after their rows. Rows "
    "treated by an intervention are not learned from.",
)
MONITORING = (
    "`foresell compare DATA` sets the registered versions beside each other on the newest weeks, with the gates.",
    "`foresell recalibrate DATA` refits the line on the newest labels; the trees stay.",
    "The service shows the day it is calibrated to, the distance of the challenger's scores, and what came of each "
    "recorded score.",
    "Train anew when a standard, a source or the catalogue of features changes, or a gate refuses on newer weeks.",
)


def card(named: Named, gates: Sequence[Gate] = (), facts: Mapping[str, str] | None = None) -> str:
    """The card as Markdown, the same bytes for the same reports; facts: of one training, in its change log."""
    parts = [
        "# Model card: Foresell",
        "Made from the reports of its backtests. The sections follow what SR 26-2 asks to be written down of a model; "
        "that guidance is for banks, and serves here as a checklist.",
        "## Purpose and use",
        PURPOSE,
        "## Limits",
        _list(LIMITS),
        "## Method and assumptions",
        *METHOD,
        "## Data",
        *(_data(title, report) for title, report in named),
        "## Performance",
        "Sellers with the minimum volume and not in breach, on weeks kept out of training, beside simpler scores. "
        "Brackets hold 95 of 100 resamples of the sellers.",
        *_each(named, _performance),
        "## Where it works worse",
        *_each(named, _slices),
        "## Early warning",
        *_each(named, _alerts),
        "## Uncertainty",
        *_each(named, _uncertainty),
        "## Fairness",
        "Overstated: how many times as much risk is said as comes, beside all other sellers; 1 is fair. False alarms: "
        "share queued of those that did not breach. Found: share queued of those that did. Groups under the minimum "
        "are not measured.",
        *_each(named, _groups),
        "## Reasons",
        *_each(named, _reasons),
        "## Gates",
        _list(gate.line() for gate in gates) or "Every training is judged by gates, and refused with what was found.",
        "## Monitoring",
        _list(MONITORING),
        "## Change log",
        _list(f"{name}: {value}" for name, value in (facts or {}).items()) or "CHANGELOG.md names what changes scores.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def recalibrated(before: str, day: str, done: Mapping[str, str], gates: Iterable[Gate]) -> str:
    """A card after a calibration refresh: what was there, and what was done."""
    lines = [*(f"{key}: line {what}" for key, what in done.items()), *(gate.line() for gate in gates)]
    return f"{before.rstrip()}\n\n### Line refitted on labels to {day}\n\n{_list(lines)}\n"


def _each(named: Named, section: Any) -> list[str]:
    """A section's text of each risk of each record."""
    out = []
    for title, report in named:
        for risk, body in report["risks"].items():
            if text := section(body, report["horizon_days"]):
                out.append(f"### {title}, {risk}\n\n{text}")
    return out or ["Not measured."]


def _data(title: str, report: Figures) -> str:
    first, last = report["as_of"]
    standards = "; ".join(standard_words(body["standard"]) for body in report["risks"].values())
    rows = ", ".join(f"{body['slices']['all']['rows']:,} for {risk}" for risk, body in report["risks"].items())
    return (
        f"**{title}**: as-of dates {first} to {last}, tested from {report['test_from']}, {report['folds']} "
        f"{'fit' if report['folds'] == 1 else 'fits'}. {standards}. Readings tested: {rows}. Labels that are 0 for too "
        f"low a volume: {share(report['zero_by_volume_share'])}; left out because the seller left or was restricted: "
        f"{report['censored']:,}. Blind to the future: {_yes(report['leakage']['future_blind'])}; planted copy of the "
        f"label caught: {_yes(report['leakage']['canary_caught'])}."
    )


def _performance(body: Figures, horizon: int) -> str:
    part = body["slices"][HEADLINE]
    heads = ["score", "average precision", "95%", "Brier", "95%", "slope", "calibration error"]
    rows = [_score(SCORES[name], part["scores"][name]) for name in COMPARED if part["scores"].get(name)]
    said = f"{part['rows']:,} readings of {part['sellers']:,} sellers, {share(part['base_rate'], 1)} in breach after "
    return f"{said}{horizon} days.\n\n{markdown(heads, rows)}{_limit(body)}" if rows else ""


def _limit(body: Figures) -> str:
    """On simulated data, what no forecaster could pass."""
    found = body.get("limits", {}).get("truth_begun")
    if not found:
        return ""
    return (
        f"\n\nWho knew every true rate to come, but no trouble before it begins, would reach an average precision of "
        f"{number(found['average_precision'])}; of the way there from the roll-forward the model makes "
        f"{share(found['reached']['average_precision'])}."
    )


def _score(title: str, found: Figures) -> list[str]:
    around = found.get("ci95") or {}
    ranks = [number(found["average_precision"]), interval(around.get("average_precision"))]
    errs = [number(found["brier"], 4), interval(around.get("brier"), 4)]
    return [title, *ranks, *errs, number(found["calibration_slope"], 2), number(found["ece"])]


def _slices(body: Figures, _: int) -> str:
    rows = [
        [MEANING[name], f"{part['rows']:,}", *(number(part["scores"][s]["average_precision"]) for s in COMPARED[:2])]
        for name, part in body["slices"].items()
        if part["scores"].get("model")
    ]
    heads = ["slice", "readings", "average precision", "of the roll-forward"]
    return markdown(heads, rows) if rows else ""


def _alerts(body: Figures, _: int) -> str:
    alerts = body["alerts"]
    rows = [[SCORES.get(name, name), *_queue(found)] for name, found in rankings(alerts).items()]
    heads = ["ranking", *QUEUE.values()]
    lead = f"Alerts at {number(alerts['capacity_per_week'], 0)} reviews a week:"
    return "\n\n".join([f"{lead}\n\n{markdown(heads, rows)}", *_menu(body), *_detection(body), *_slow_carrier(alerts)])


def _queue(found: Figures) -> list[str]:
    counts = ("alerts", "median_lead_time_days")
    return [number(found[key], 1) if key in counts else share(found.get(key)) for key in QUEUE]


def _menu(body: Figures) -> list[str]:
    """What each capacity buys."""
    rows = [
        [share(point["capacity_share"], 1), SCORES[name], *_queue(found)]
        for point in body.get("operating_points", [])
        for name, found in rankings(point).items()
        if name in OFFERED
    ]
    return [f"Operating points:\n\n{markdown(['capacity', 'ranking', *QUEUE.values()], rows)}"] if rows else []


def _detection(body: Figures) -> list[str]:
    found = body.get("detection")
    if not found or not found["episodes"]:
        return []
    own, rule = found["model"], found["warn_line"]
    return [
        f"Of {found['episodes']} simulated episodes that end in a breach, {share(own['detected'])} stood in the queue "
        f"before it, half of those within {number(own['median_days'], 0)} days of the start; by the warn-line rule "
        f"{share(rule['detected'])} and {number(rule['median_days'], 0)} days."
    ]


def _slow_carrier(alerts: Figures) -> list[str]:
    found = alerts.get("disruption")
    if not found:
        return []
    return [
        f"While a carrier was slow for them, sellers raised {found['alerts']} alerts; without it, in a twin of the "
        f"marketplace, the same sellers on the same days {found['without']}."
    ]


def _uncertainty(body: Figures, _: int) -> str:
    found = body["expected_rate"]
    if found["mae"] is None:
        return ""
    return (
        f"The 90% interval of the expected rate held the later rate in {share(found['interval_90_coverage'])} of "
        f"{found['rows']:,} readings; bad events among the orders that came fell inside in "
        f"{share(found['interval_90_coverage_midp'])} (mid-p){_bands(found)}. The expected rate missed by "
        f"{100 * found['mae']:.1f} points on average."
    )


def _bands(found: Figures) -> str:
    """The worst volume bands, of those with rows enough to tell."""
    held = [b["interval_90_coverage_midp"] for b in found.get("bands", ()) if measured(b)]
    return f", in its volume bands {min(held):.3f} to {max(held):.3f}" if held else ""


def _groups(body: Figures, _: int) -> str:
    cells = [
        [name.replace("_", " "), value, *_cell(cell)]
        for name, values in body.get("groups", {}).items()
        for value, cell in values.items()
    ]
    heads = ["by", "group", "readings", "sellers", "breach", "overstated", "95%", "false alarms", "found"]
    return markdown(heads, cells) if cells else ""


def _cell(cell: Figures) -> list[str]:
    size = [f"{cell['rows']:,}", f"{cell['sellers']:,}"]
    if "ci95" not in cell:
        return [*size, "-", "too few", "", "-", "-"]
    beside = [number(cell["overstated"], 2), interval(cell["ci95"]["overstated"], 2)]
    return [*size, share(cell["breach_share"], 1), *beside, share(cell["false_alarms"], 1), share(cell["found"])]


def _reasons(body: Figures, _: int) -> str:
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
