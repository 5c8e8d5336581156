"""report.html: a backtest as a page that explains itself, from the report alone. No scripts, nothing fetched."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from training.charts import Axis, Dot, DotChart, Line, LineChart, dot_figure, line_figure, table, ticks
from training.gates import Gate, judge
from training.report_tables import alerts, coverage, detection, groups, limits, menu, text
from training.slices import HEADLINE, MEANING
from training.summary import SCORES, sentences, standard_words

Figures = Mapping[str, Any]
STYLE = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
RISKS = {"returns": "Returns", "service": "Service"}
COMPARED = {"model": "●", "roll_forward": "■", "current_metric": "◆"}
SHORT = {"roll_forward": "roll-forward", "peer_only": "peer group's rate", "best_reachable": "best reachable"}
NUMBER, SHARE, WHOLE = "{:.3f}", "{:.0%}", "{:,.0f}"
COLUMNS = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "brier": "Brier score",
    "log_loss": "log loss",
    "calibration_slope": "slope",
    "ece": "calibration error",
    "precision_at_5pct": "precision, top 5%",
}
GLOSSARY = {
    "Breach": "The rate of the standard is past its limit, with the minimum volume met.",
    "Reading": "One seller on one as-of date; the score may use nothing learned after it.",
    "Average precision": "How many of the sellers ranked high did breach, averaged over all lengths of the list. "
    "1 is perfect; a random order reaches the share that breach.",
    "Brier score": "Mean squared gap between probability and outcome. Lower is better.",
    "Slope": "1: probabilities are as spread as the outcomes. Under 1: too bold; over 1: too timid.",
    "Roll-forward": "The arithmetic of the window: which orders leave it, which stay, how many will come. No learning.",
    "Alert": "A seller enters the weekly queue after at least 28 days outside it. Right if in breach on any of the "
    "next 28 days.",
    "95% interval": "How far the figure moves when other sellers (or other weeks) are drawn. Differences are paired.",
}


def render(report: Figures) -> str:
    """The page of a report."""
    risks = (_risk(name, risk, report["horizon_days"]) for name, risk in report["risks"].items())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>Foresell backtest: {escape(report['dataset'])}</title>"
        f"<style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{_head(report)}{''.join(risks)}{_checks(report)}{_glossary()}</main></body></html>\n"
    )


def _head(report: Figures) -> str:
    first, last = report["as_of"]
    fits = "one fit" if report["folds"] == 1 else f"{report['folds']} fits"
    return (
        f"<header><h1>How far ahead could breaches be seen? {escape(report['dataset'])}</h1>"
        f'<p class="facts">As-of dates {first} to {last}, tested from {report["test_from"]}; '
        f"{report['horizon_days']} days ahead; {fits}; mean of {len(report['seeds'])} model seeds.</p></header>"
        f'<section class="summary" aria-label="Summary">{_summary(report)}</section>'
    )


def _summary(report: Figures) -> str:
    said = sentences(report)
    named = {risk: f"<h2>{_name(risk)}</h2>" if len(said) > 1 else "" for risk in said}
    return "".join(named[risk] + "".join(f"<p>{escape(line)}</p>" for line in lines) for risk, lines in said.items())


def _risk(name: str, body: Figures, horizon: int) -> str:
    parts = [
        f"<section><h2>{_name(name)}</h2><p>Standard: {escape(standard_words(body['standard']))}.</p>",
        "<h3>Do the probabilities mean what they say?</h3>",
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


def _calibration(name: str, body: Figures) -> str:
    curves = body["charts"]["calibration"]
    if not curves:
        return "<p>No readings to tell by.</p>"
    top = ticks(max(value for curve in curves.values() for _, *pair in curve for value in pair))
    chart = LineChart(
        key=f"{name}-calibration",
        title="Probability given against share in breach later",
        description="Ten groups of equal size, by rising probability, sellers not yet in breach. On the dotted "
        "diagonal, what was said is what happened; below it, the risk was overstated.",
        x=Axis("probability given", top),
        y=Axis("share in breach later", top),
        lines=tuple(_line(score, [(mean, share) for _, mean, share in curve]) for score, curve in curves.items()),
        diagonal=True,
    )
    return line_figure(chart)


def _capacity(name: str, body: Figures, horizon: int) -> str:
    curves = body["charts"]["capacity"].items()
    known = {score: [(100 * x, y) for x, y in curve if y is not None] for score, curve in curves}
    lines = tuple(_line(score, points) for score, points in known.items() if points)
    if not lines:
        return "<p>No readings to tell by.</p>"
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


def _slices(name: str, body: Figures) -> str:
    slices = {part: content["scores"] for part, content in body["slices"].items()}
    known = {part: scores for part, scores in slices.items() if scores.get("model")}
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


def _dot(score: str, figures: Figures) -> Dot:
    interval = figures["ci95"]["average_precision"]
    return Dot(SCORES[score], score, figures["average_precision"], (interval[0], interval[1]) if interval else None)


def _scores(content: Figures, part: str) -> str:
    """A slice's table of scores; the headline's stands open."""
    share = text(content["base_rate"], SHARE)
    size = f"{content['rows']:,} readings of {content['sellers']:,} sellers"
    caption = f"{_spoken(part)}: {size}, {share} in breach later"
    known = {score: content["scores"][score] for score in SCORES if content["scores"].get(score)}
    rows = [(SCORES[score], *(text(figures[key]) for key in COLUMNS)) for score, figures in known.items()]
    inner = table(caption, ("score", *COLUMNS.values()), rows) if rows else f"<p>{escape(caption)}: one class only.</p>"
    return inner if part == HEADLINE else f"<details><summary>{escape(caption)}</summary>{inner}</details>"


def _expected(found: Figures) -> str:
    if found["mae"] is None:
        return ""
    held, inside = (text(found[f"interval_90_coverage{kind}"], SHARE) for kind in ("", "_midp"))
    return (
        f'<p class="note">The expected rate, stated {found["rows"]:,.0f} times, missed by {found["mae"] * 100:.1f} '
        f"points on average. Its 90% interval held the later rate in {held} of cases; bad events among the orders "
        f"that came fell inside in {inside} (mid-p).</p>"
    )


def _known(body: Figures) -> str:
    """On simulated data: how far the score is from the true rates', and whether reasons name the cause."""
    if "reasons" not in body:
        return ""
    found, closed = body["reasons"], body["truth_gap_closed"]
    made = (
        f"Of the way from the roll-forward to the true rates' score, the model makes "
        f"{text(closed['average_precision'], SHARE)} in average precision "
        f"and {text(closed['brier'], SHARE)} in Brier score. "
        if closed
        else ""
    )
    sure = body.get("probability_interval")
    made += (
        f"The 90% interval of the probability holds the true rates' probability, both in whole percent, for "
        f"{text(sure['interval_90_coverage'], SHARE)} of the readings. "
        if sure
        else ""
    )
    rows = [("any cause", *_named(found)), *((_spoken(c), *_named(f)) for c, f in found["by_cause"].items())]
    rows.append(("any cause, reasons dealt out at random", "", *_named(found["guess"])[1:]))
    caption = "Right alerts inside an episode whose cause is known: is its feature family among the reasons?"
    return (
        f'<h3>Do the reasons name the cause?</h3><p class="note">{made}Arithmetic never counts as a reason.</p>'
        + table(caption, ("cause", "alerts", "top reason", "among the top three"), rows)
        + limits(body)
    )


def _named(found: Figures) -> tuple[str, str, str]:
    shares = (text(found[f"{top}_reason_share"], SHARE) for top in ("top", "top3"))
    return (text(found.get("alerts"), WHOLE), *shares)  # type: ignore[return-value]


def _checks(report: Figures) -> str:
    auc = report["leakage"]["shuffled_label_auc"]
    return (
        f"<section><h2>What was checked</h2><ul>{''.join(_gate(gate) for gate in judge(report))}</ul>"
        f'<p class="note">{report["zero_by_volume_share"]:.0%} of labels are 0 because the volume was too low to '
        f"breach; {report['censored']:,} readings are left out because their seller left or was restricted. Trees that "
        f"learned shuffled labels reach an AUC of {text(auc['mean'])} (standard deviation {text(auc['sd'])}): "
        "reported, not gated, since the level of a week alone can rank.</p></section>"
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


def _name(risk: str) -> str:
    return escape(RISKS.get(risk, risk))


def _spoken(part: str) -> str:
    return part.replace("_", " ")
