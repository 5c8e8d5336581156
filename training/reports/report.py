"""report.html: a backtest as one page, written from the report alone. The page has no scripts and fetches nothing."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Literal

from core.words import count_of
from training.dataset.slices import HEADLINE, MEANING
from training.promotion.gates import Gate, judge
from training.report_schema import (
    CauseFigures,
    ExpectedRateFigures,
    MetricName,
    Report,
    RiskReport,
    ScoreFigures,
    SliceFigures,
    TopReasonShares,
)
from training.reports.charts import Axis, Dot, DotChart, Line, LineChart, dot_figure, line_figure, table, ticks
from training.reports.report_tables import alerts, coverage, detection, groups, limits, menu, text
from training.reports.summary import SCORES, measured_scores, not_learned, sentences, standard_words

STYLE = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
RISKS = {"returns": "Returns", "service": "Service"}
COMPARED = {"model": "●", "roll_forward": "■", "current_metric": "◆"}
SHORT = {"roll_forward": "roll-forward", "peer_only": "peer group's rate", "best_reachable": "best reachable"}
NUMBER, SHARE, WHOLE = "{:.3f}", "{:.0%}", "{:,.0f}"
COLUMNS: dict[MetricName, str] = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "brier": "Brier score",
    "log_loss": "log loss",
    "calibration_slope": "slope",
    "ece": "calibration error",
    "precision_at_5pct": "precision, top 5%",
}
COVERAGES: tuple[Literal["interval_90_coverage", "interval_90_coverage_midp"], ...] = (
    "interval_90_coverage",
    "interval_90_coverage_midp",
)
GLOSSARY = {
    "Breach": "The rate of the standard is past its limit, with the minimum volume met.",
    "Reading": "One seller on one as-of date; the score uses nothing learned after that date.",
    "Average precision": "The share of breaches among the highest-ranked sellers, averaged over all lengths of the "
    "list. 1 is perfect; a random order reaches the breach rate.",
    "Brier score": "Mean squared gap between probability and outcome. Lower is better.",
    "Slope": "1 is ideal. Under 1: the probabilities are too extreme; over 1: they are too close to the average.",
    "Roll-forward": "The arithmetic of the window: which orders leave it, which stay, how many will come.",
    "Alert": "A seller enters the weekly queue after at least 28 days outside it. Right if in breach on any of the "
    "next 28 days.",
    "95% interval": "How far the figure moves when sellers (or weeks) are resampled. Differences are paired.",
}


def render(report: Report) -> str:
    """The page of a report."""
    risks = (_risk(name, risk, report["horizon_days"]) for name, risk in report["risks"].items())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>Foresell backtest: {escape(report['dataset'])}</title>"
        f"<style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{_head(report)}{''.join(risks)}{_intake(report)}{_checks(report)}{_glossary()}</main></body></html>\n"
    )


def _head(report: Report) -> str:
    first, last = report["as_of"]
    fits = "one fit" if report["folds"] == 1 else f"{report['folds']} fits"
    return (
        f"<header><h1>How far ahead could breaches be seen? {escape(report['dataset'])}</h1>"
        f'<p class="facts">As-of dates {first} to {last}, tested from {report["test_from"]}; '
        f"{report['horizon_days']} days ahead; {fits}; mean of {len(report['seeds'])} model seeds.</p></header>"
        f'<section class="summary" aria-label="Summary">{_summary(report)}</section>'
    )


def _summary(report: Report) -> str:
    summary = sentences(report)
    named = {risk: f"<h2>{_name(risk)}</h2>" if len(summary) > 1 else "" for risk in summary}
    shown = [named[risk] + "".join(f"<p>{escape(line)}</p>" for line in lines) for risk, lines in summary.items()]
    return "".join([*shown, *(f"<p>{escape(line)}</p>" for line in not_learned(report))])


def _risk(name: str, body: RiskReport, horizon: int) -> str:
    parts = [
        f"<section><h2>{_name(name)}</h2><p>Standard: {escape(standard_words(body['standard']))}.</p>",
        "<h3>Are the probabilities calibrated?</h3>",
        _calibration(name, body),
        "<h3>What a week of reviews finds</h3>",
        _capacity(name, body, horizon),
        alerts(body["alerts"]),
        menu(body.get("operating_points", [])),
        detection(body.get("detection")),
        "<h3>Where it works, and where it does not</h3>",
        _slices(name, body),
        *(_scores(content, part) for part, content in body["slices"].items()),
        groups(body.get("groups", {})),
        _expected(body["expected_rate"]),
        coverage(body["expected_rate"]),
        _known(body),
    ]
    return "".join([*parts, "</section>"])


def _calibration(name: str, body: RiskReport) -> str:
    curves = body["charts"]["calibration"]
    if not curves:
        return "<p>No readings.</p>"
    top = ticks(max(value for curve in curves.values() for _, *pair in curve for value in pair))
    chart = LineChart(
        key=f"{name}-calibration",
        title="Probability given against share in breach later",
        description="Ten groups of equal size, by rising probability, sellers not yet in breach. On the dotted "
        "diagonal, the probability is the share in breach later; below it, the risk was overstated.",
        x=Axis("probability given", top),
        y=Axis("share in breach later", top),
        lines=tuple(_line(score, [(mean, share) for _, mean, share in curve]) for score, curve in curves.items()),
        diagonal=True,
    )
    return line_figure(chart)


def _capacity(name: str, body: RiskReport, horizon: int) -> str:
    curves = body["charts"]["capacity"].items()
    known = {score: [(100 * x, y) for x, y in curve if y is not None] for score, curve in curves}
    lines = tuple(_line(score, points) for score, points in known.items() if points)
    if not lines:
        return "<p>No readings.</p>"
    chart = LineChart(
        key=f"{name}-capacity",
        title="Precision against capacity",
        description=f"Share of the weekly queue in breach {horizon} days later, by the share of active sellers not in "
        "breach that reviewers can look at in a week.",
        x=Axis("sellers reviewed a week, %", ticks(max(x for line in lines for x, _ in line.points))),
        y=Axis("share in breach later", ticks(max(y for line in lines for _, y in line.points))),
        lines=lines,
    )
    return line_figure(chart)


def _slices(name: str, body: RiskReport) -> str:
    slices = {part: measured_scores(content) for part, content in body["slices"].items()}
    known = {part: scores for part, scores in slices.items() if scores}
    if not known:
        return "<p>No slice holds both classes.</p>"
    rows = tuple((_spoken(part), tuple(_dot(s, scores[s]) for s in COMPARED)) for part, scores in known.items())
    meanings = " ".join(f"{_spoken(part)}: {MEANING[part]}." for part in known)
    chart = DotChart(
        key=f"{name}-slices",
        title="Average precision by slice",
        description=f"Bars are 95% intervals over sellers. {meanings}",
        x=Axis("average precision", ticks(max(max(dot.interval or (dot.value,)) for _, dots in rows for dot in dots))),
        rows=rows,
    )
    key = "".join(f'<span class="{score}">{mark} {escape(SCORES[score])}</span>' for score, mark in COMPARED.items())
    return f'<p class="key">{key}</p>{dot_figure(chart)}'


def _line(score: str, points: Iterable[tuple[float, float]]) -> Line:
    return Line(SHORT.get(score, SCORES.get(score, score)), score, tuple(points))


def _dot(score: str, figures: ScoreFigures) -> Dot:
    interval = figures["ci95"]["average_precision"]
    return Dot(SCORES[score], score, figures["average_precision"], (interval[0], interval[1]) if interval else None)


def _scores(content: SliceFigures, part: str) -> str:
    """A slice's table of scores; only the headline's is shown without a click."""
    share = text(content["base_rate"], SHARE)
    size = f"{count_of(content['rows'], 'reading')} of {count_of(content['sellers'], 'seller')}"
    caption = f"{_spoken(part)}: {size}, {share} in breach later"
    known = measured_scores(content)
    rows = [(SCORES[score], *(text(known[score][key]) for key in COLUMNS)) for score in SCORES if score in known]
    inner = table(caption, ("score", *COLUMNS.values()), rows) if rows else f"<p>{escape(caption)}: one class only.</p>"
    return inner if part == HEADLINE else f"<details><summary>{escape(caption)}</summary>{inner}</details>"


def _expected(found: ExpectedRateFigures) -> str:
    if found["mae"] is None:
        return ""
    covered, inside = (text(found[key], SHARE) for key in COVERAGES)
    return (
        f'<p class="note">The expected rate, stated {count_of(found["rows"], "time")}, missed by '
        f"{found['mae'] * 100:.1f} points on average. Its 90% interval contained the later rate in "
        f"{covered} of cases; the number of bad events among the orders that followed fell inside its "
        f"interval in {inside} (mid-p).</p>"
    )


def _known(body: RiskReport) -> str:
    """On simulated data: how near the model is to the score from true rates, and whether reasons name the cause."""
    if "reasons" not in body:
        return ""
    found, closed = body["reasons"], body["truth_gap_closed"]
    notes = (
        f"Of the distance from the roll-forward to the score from true rates, the model covers "
        f"{text(closed['average_precision'], SHARE)} in average precision "
        f"and {text(closed['brier'], SHARE)} in Brier score. "
        if closed
        else ""
    )
    interval = body.get("probability_interval")
    notes += (
        f"The 90% interval of the probability contains the probability from true rates, both in whole percent, for "
        f"{text(interval['interval_90_coverage'], SHARE)} of the readings. "
        if interval
        else ""
    )
    rows = [("any cause", *_named(found)), *((_spoken(c), *_named(f)) for c, f in found["by_cause"].items())]
    rows.append(("any cause, reasons chosen at random", "", *_top_shares(found["guess"])))
    caption = "Right alerts inside an episode whose cause is known: is its feature family among the reasons?"
    return (
        f'<h3>Do the reasons name the cause?</h3><p class="note">{notes}Arithmetic never counts as a reason.</p>'
        + table(caption, ("cause", "alerts", "top reason", "among the top three"), rows)
        + limits(body)
    )


def _named(found: CauseFigures) -> tuple[str, str, str]:
    return (text(found["alerts"], WHOLE), *_top_shares(found))


def _top_shares(found: TopReasonShares) -> tuple[str, str]:
    return text(found["top_reason_share"], SHARE), text(found["top3_reason_share"], SHARE)


def _intake(report: Report) -> str:
    """What became of the rows; a report of an older version does not say."""
    lines = report.get("intake", {}).get("lines", ())
    shown = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<section><h2>What intake kept and dropped</h2><ul>{shown}</ul></section>" if lines else ""


def _checks(report: Report) -> str:
    auc = report["leakage"]["shuffled_label_auc"]
    return (
        f"<section><h2>What was checked</h2><ul>{''.join(_gate(gate) for gate in judge(report))}</ul>"
        f'<p class="note">{report["zero_by_volume_share"]:.0%} of labels are 0 because the volume was too low to '
        f"breach; {count_of(report['censored'], 'reading')} left out because the seller left or was restricted. "
        f"Trees that learned shuffled labels reach an AUC of {text(auc['mean'])} (standard deviation "
        f"{text(auc['sd'])}): reported without a gate, because weeks differ in level.</p></section>"
    )


def _gate(gate: Gate) -> str:
    word = gate.verdict.lower()
    return (
        f'<li><span class="{word}">{word.capitalize()}</span>: {escape(gate.name)}. '
        f'<span class="facts">Found {escape(gate.found)}; needed {escape(gate.needed)}.</span></li>'
    )


def _glossary() -> str:
    entries = "".join(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in GLOSSARY.items())
    return f"<section><h2>Words on this page</h2><dl>{entries}</dl></section>"


def _name(risk: str) -> str:
    return escape(RISKS.get(risk, risk))


def _spoken(part: str) -> str:
    return part.replace("_", " ")
