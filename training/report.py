"""report.html: a backtest as a page that explains itself, from the report alone. No scripts, nothing fetched."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from training.charts import Axis, Dot, DotChart, Line, LineChart, dot_figure, line_figure, table, ticks
from training.gates import Gate, judge
from training.slices import HEADLINE, MEANING
from training.summary import SCORES, sentences, standard_words

Figures = Mapping[str, Any]
STYLE = Path(__file__).with_name("report.css")
RISKS = {"returns": "Returns", "service": "Service"}
COMPARED = ("model", "roll_forward", "current_metric")
COLUMNS = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "brier": "Brier",
    "log_loss": "log loss",
    "calibration_slope": "slope",
    "ece": "calibration error",
    "precision_at_5pct": "precision, top 5%",
}
ALERTS = {
    "precision": "right",
    "recall": "new breaches seen",
    "median_lead_time_days": "median lead, days",
    "share_with_7_days": "a week or more ahead",
    "repeat_alert_rate": "repeats",
}
GLOSSARY = {
    "Breach": "The rate of the standard is past its limit, with the minimum volume met.",
    "Reading": "One seller on one as-of date; the score may use nothing learned after it.",
    "Average precision": "How many of the sellers ranked high did breach, averaged over all lengths of the list. 1 is perfect; "
    "a random order reaches the share that breach.",
    "Brier score": "Mean squared gap between probability and outcome. Lower is better.",
    "Slope": "1: probabilities are as spread as the outcomes. Under 1: too bold; over 1: too timid.",
    "Roll-forward": "The arithmetic of the window: which orders leave it, which stay, how many will come. No learning.",
    "Alert": "A seller enters the weekly queue after at least 28 days outside it. Right if in breach on any of the next 28 days.",
    "95% interval": "How far the figure moves when other sellers (or other weeks) are drawn. Differences are paired.",
}


def render(report: Figures) -> str:
    """The page of a report."""
    body = [_head(report), *(_risk(name, risk, report) for name, risk in report["risks"].items()), _checks(report), _glossary()]
    title = f"Foresell backtest: {report['dataset']}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _head(report: Figures) -> str:
    first, last = report["as_of"]
    fits = "one fit" if report["folds"] == 1 else f"{report['folds']} fits, one a refit"
    said = [(RISKS.get(risk, risk), line) for risk, lines in sentences(report).items() for line in lines]
    items = "".join(f"<li>{escape(line)}</li>" for _, line in said)
    return (
        f"<header><h1>How far ahead could breaches be seen? {escape(report['dataset'])}</h1>"
        f'<p class="facts">As-of dates {first} to {last}, tested from {report["test_from"]}; {report["horizon_days"]} days ahead; '
        f"{fits}; mean of {len(report['seeds'])} model seeds.</p></header>"
        f'<section class="summary" aria-label="Summary"><ul>{items}</ul></section>'
    )


def _risk(name: str, body: Figures, report: Figures) -> str:
    parts = [f"<section><h2>{RISKS.get(name, escape(name))}</h2><p>Standard: {escape(standard_words(body['standard']))}.</p>"]
    if body["charts"]["calibration"]:
        parts += ["<h3>Do the probabilities mean what they say?</h3>", _calibration(name, body)]
    parts += ["<h3>What a week of reviews finds</h3>", _capacity(name, body, report["horizon_days"]), _alerts(body["alerts"])]
    parts += ["<h3>Where it works, and where it does not</h3>", _slices(name, body)]
    parts += [_scores(body["slices"][part], part) for part in body["slices"]]
    return "".join([*parts, _expected(body["expected_rate"]), "</section>"])


def _calibration(name: str, body: Figures) -> str:
    curves = body["charts"]["calibration"]
    top = ticks(max(value for curve in curves.values() for bin_ in curve for value in bin_[1:]))
    lines = tuple(_line(score, [(mean, share) for _, mean, share in curve]) for score, curve in curves.items())
    chart = LineChart(
        key=f"{name}-calibration",
        title="Probability given against share in breach later",
        description="Ten groups of equal size, by rising probability, sellers not yet in breach. On the dotted diagonal, "
        "what was said is what happened; below it, the risk was overstated.",
        x=Axis("probability given", top),
        y=Axis("share in breach", top),
        lines=lines,
        diagonal=True,
    )
    return line_figure(chart)


def _capacity(name: str, body: Figures, horizon: int) -> str:
    curves = body["charts"]["capacity"]
    lines = tuple(_line(score, [(x * 100, y) for x, y in points if y is not None]) for score, points in curves.items())
    lines = tuple(line for line in lines if line.points)
    chart = LineChart(
        key=f"{name}-capacity",
        title="Precision against capacity",
        description=f"Share of the weekly queue in breach {horizon} days later, by the share of active sellers not in breach that "
        "reviewers can look at in a week.",
        x=Axis("sellers reviewed a week, %", ticks(max(x for line in lines for x, _ in line.points))),
        y=Axis("share in breach", ticks(max(y for line in lines for _, y in line.points))),
        lines=lines,
    )
    return line_figure(chart)


def _slices(name: str, body: Figures) -> str:
    known = {part: content["scores"] for part, content in body["slices"].items() if content["scores"].get("model")}
    if not known:
        return "<p>No slice holds both classes.</p>"
    rows = tuple((part.replace("_", " "), tuple(_dot(score, scores[score]) for score in COMPARED)) for part, scores in known.items())
    top = max(dot.interval[1] if dot.interval else dot.value for _, dots in rows for dot in dots)
    chart = DotChart(
        key=f"{name}-slices",
        title="Average precision by slice",
        description="Bars are 95% intervals over sellers. " + " ".join(f"{p.replace('_', ' ')}: {MEANING[p]}." for p in known),
        x=Axis("average precision", ticks(top)),
        rows=rows,
    )
    marks = {"model": "●", "roll_forward": "■", "current_metric": "◆"}
    key = "".join(f'<span class="{s}">{marks[s]} {escape(SCORES[s])}</span>' for s in COMPARED)
    return f'<p class="key">{key}</p>{dot_figure(chart)}'


def _line(score: str, points: Iterable[tuple[float, float]]) -> Line:
    names = {"roll_forward": "roll-forward", "peer_only": "peer group's rate", "best_reachable": "best reachable"}
    return Line(names.get(score, SCORES.get(score, score)), score, tuple(points))


def _dot(score: str, figures: Figures) -> Dot:
    interval = figures["ci95"]["average_precision"]
    return Dot(SCORES[score], score, figures["average_precision"], (interval[0], interval[1]) if interval else None)


def _scores(content: Figures, part: str) -> str:
    """A slice's table of scores; the headline's stands open."""
    caption = f"{part.replace('_', ' ')}: {content['rows']:,} readings of {content['sellers']:,} sellers, {_text(content['base_rate'])} in breach later"
    rows = [
        (SCORES.get(score, score), *(_text(figures[key]) for key in COLUMNS)) for score, figures in content["scores"].items() if figures
    ]
    inner = table(caption, ("score", *COLUMNS.values()), rows) if rows else f"<p>{escape(caption)}: one class only.</p>"
    return inner if part == HEADLINE else f"<details><summary>{escape(caption)}</summary>{inner}</details>"


def _alerts(alerts: Figures) -> str:
    rankings = {"model": alerts} | {name: value for name, value in alerts.items() if isinstance(value, Mapping)}
    rows = [
        (SCORES.get(name, name), _text(found["alerts"], "{:.0f}"), *(_text(found[key]) for key in ALERTS))
        for name, found in rankings.items()
    ]
    caption = f"Alerts at {_text(alerts['capacity_per_week'], '{:.0f}')} reviews a week"
    return table(caption, ("ranking", "alerts", *ALERTS.values()), rows)


def _expected(found: Figures) -> str:
    if found["mae"] is None:
        return ""
    return (
        f'<p class="note">The rate expected {_text(found["rows"], "{:,.0f}")} times missed by {found["mae"] * 100:.1f} points on average; '
        f"its 90% interval held the later rate in {found['interval_90_coverage']:.0%} of cases "
        f"(bad events given the orders that came, mid-p: {_text(found['interval_90_coverage_midp'])}).</p>"
    )


def _checks(report: Figures) -> str:
    items = "".join(_gate(gate) for gate in judge(report))
    auc = report["leakage"]["shuffled_label_auc"]
    shuffled = f"{_text(auc['mean'])} (spread {_text(auc['sd'])})"
    return (
        f"<section><h2>What was checked</h2><ul>{items}</ul>"
        f'<p class="note">{report["zero_by_volume_share"]:.0%} of labels are 0 because the volume was too low to breach; '
        f"{report['censored']:,} readings are left out because their seller left or was restricted. "
        f"Trees that learned shuffled labels reach an AUC of {shuffled}; reported, not gated: what moves with volume alone keeps it off 0.5.</p></section>"
    )


def _gate(gate: Gate) -> str:
    word = "passed" if gate.passed else "failed"
    return (
        f'<li><span class="{word}">{word.capitalize()}</span>: {escape(gate.name)}. '
        f'<span class="facts">Found {escape(gate.found)}; needed {escape(gate.needed)}.</span></li>'
    )


def _glossary() -> str:
    entries = "".join(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in GLOSSARY.items())
    return f"<section><h2>Words on this page</h2><dl>{entries}</dl></section>"


def _text(value: float | None, form: str = "{:.3f}") -> str:
    return "–" if value is None else form.format(value)
