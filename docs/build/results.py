"""The committed benchmark results as text: the README's table and docs/benchmarks.md."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from core.markdown import interval, markdown, number
from foresell.commands.modelling import SCORE_TITLES
from training.dataset.slices import HEADLINE
from training.report_schema import CauseFigures, Report, RiskReport, ScoreFigures, TopReasonShares
from training.reports.model_card import card
from training.reports.summary import measured_scores

RECORDS = {
    "flights-route": "flights by route",
    "flights-aircraft": "flights by aircraft",
    "olist": "Olist marketplace",
    "simulated": "simulated marketplace",
}
README_SCORES = ("current_metric", "roll_forward", "boosting", "logistic", "model", "truth")


def readme_table(results: Path) -> str:
    """Average precision and Brier score of sellers not yet in breach, one line per record and risk."""
    lines = [_readme_line(title, body) for name, report in _reports(results) for title, body in _risks(name, report)]
    if not lines:
        return "No backtest has been recorded yet: `make bench`."
    heads = [SCORE_TITLES[score] for score in README_SCORES]
    return markdown(["record", "sellers", "breach in 28 days", *heads], lines)


def _readme_line(title: str, body: RiskReport) -> list[str]:
    part = body["slices"][HEADLINE]
    figures = [_ranks_and_errs(part["scores"].get(score)) for score in README_SCORES]
    return [title, f"{part['sellers']:,}", f"{part['base_rate']:.1%}", *figures]


def _ranks_and_errs(figures: ScoreFigures | None) -> str:
    return f"{number(figures['average_precision'])} / {number(figures['brier'], 4)}" if figures else number(None)


def benchmarks_page(results: Path) -> str:
    """docs/benchmarks.md: every backtest and every measurement."""
    parts = ["# Benchmarks", "Written by `make docs` from `benchmarks/results`; `make bench` measures again."]
    for name, report in _reports(results):
        for title, body in _risks(name, report):
            parts += [
                f"## Backtest: {title}",
                _backtest_text(report, body),
                _backtest_table(body),
                _sizes(body),
                _reasons(body),
                _held(body),
            ]
    for result in _measurements(results):
        parts += [f"## {result['name']}", _machine_text(result), _figures_table(result), result["notes"]]
    return "\n\n".join(part for part in parts if part) + "\n"


def model_card(results: Path) -> str:
    """docs/model-card.md: the model card, from the committed backtests."""
    return card([(RECORDS[name], report) for name, report in _reports(results)])


def _sizes(risk: RiskReport) -> str:
    """The figures of boosting with other sizes, without the roll-forward."""
    told = [
        f"{name.replace('_', ' ')} {number(found['average_precision'])} and {number(found['brier'], 4)}"
        for name, found in risk.get("boosting_of_other_sizes", {}).items()
    ]
    return (
        f"Average precision and Brier score of boosting of other sizes, on all features: {'; '.join(told)}."
        if told
        else ""
    )


def _backtest_text(report: Report, risk: RiskReport) -> str:
    part, standard = risk["slices"][HEADLINE], risk["standard"]
    return (
        f"{standard['title']}, limit {float(standard['limit']):.0%} over {standard['window_days']} days, "
        f"{report['horizon_days']} days ahead; as-of dates {report['as_of'][0]} to {report['as_of'][1]}. "
        f"Sellers not yet in breach: {part['rows']:,} rows of {part['sellers']:,} sellers, of which "
        f"{part['base_rate']:.1%} are in breach at the horizon. Brackets: 95% intervals over resampled sellers."
    )


def _backtest_table(body: RiskReport) -> str:
    scores = measured_scores(body["slices"][HEADLINE])
    heads = ["score", "ROC AUC", "average precision", "95%", "Brier", "95%", "calibration slope", "ECE"]
    rows = [_score_line(title, scores[score]) for score, title in SCORE_TITLES.items() if score in scores]
    return markdown(heads, rows)


def _reasons(body: RiskReport) -> str:
    """On simulated data: how often the reasons of right alerts name the cause of the episode that the seller is in."""
    found = body.get("reasons")
    if not found:
        return ""
    told: dict[str, CauseFigures] = {"any": found, **found["by_cause"]}
    rows = [_cause_line(cause, number(f["alerts"], 0), f) for cause, f in told.items()]
    rows.insert(1, _cause_line("any, reasons assigned at random", number(None), found["guess"]))
    return markdown(
        ["cause of the episode", "right alerts", "named by the top reason", "named by one of the top three"], rows
    )


def _cause_line(cause: str, alerts: str, found: TopReasonShares) -> list[str]:
    return [
        cause.replace("_", " "),
        alerts,
        number(found["top_reason_share"], 2),
        number(found["top3_reason_share"], 2),
    ]


def _held(body: RiskReport) -> str:
    """Whether the reasons of queued sellers are stable; empty for a report without that figure."""
    found = body.get("reasons_held")
    if not found:
        return ""
    week, again, without = found["next_week"], found["retrained"], found["deletion"]
    return (
        f"Stability of the reasons of queued sellers: a week later, two of the first three reasons are the same for "
        f"{_percent(week['share'])} of {week['pairs']:,} sellers about whom nothing bad became known in between, and "
        f"for {_percent(week['with_new_events']['share'])} of the {week['with_new_events']['pairs']:,} others. In "
        f"models retrained on resampled sellers, two of three are the same for {_percent(again['share'])}. If the "
        f"features of the top reason are set to the median seller's, the log-odds fall by "
        f"{number(without['top_reason'], 2)} on average; if those of a random family are, by "
        f"{number(without['random'], 2)} (the top reason's fall is larger in "
        f"{_percent(without['share_above_random'])} of {without['rows']:,} rows)."
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _score_line(title: str, metrics: ScoreFigures) -> list[str]:
    ci = metrics.get("ci95") or {}
    return [
        title,
        number(metrics["roc_auc"]),
        number(metrics["average_precision"]),
        interval(ci.get("average_precision"), 3),
        number(metrics["brier"], 4),
        interval(ci.get("brier"), 4),
        number(metrics["calibration_slope"], 2),
        number(metrics["ece"]),
    ]


def _machine_text(result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    where = f"{machine['cores']} cores, {machine['memory_gb']} GB, {machine['cpu']}"
    return f"`{result['command']}`, {result['date']}, {where}."


def _figures_table(result: Mapping[str, Any]) -> str:
    peers: Mapping[str, Mapping[str, float]] = result["peers"]
    names = list(dict.fromkeys([*result["figures"], *(figure for peer in peers.values() for figure in peer)]))
    columns = [result["figures"], *peers.values()]
    rows = [[name, *(number(column.get(name)) for column in columns)] for name in names]
    return markdown(["figure", "Foresell", *peers], rows)


def _reports(results: Path) -> list[tuple[str, Report]]:
    paths = [(name, results / f"backtest-{name}.json") for name in RECORDS]
    return [(name, cast(Report, _read(path))) for name, path in paths if path.exists()]


def _measurements(results: Path) -> list[dict[str, Any]]:
    return [_read(path) for path in sorted(results.glob("*.json")) if not path.name.startswith("backtest-")]


def _read(path: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return body


def _risks(name: str, report: Report) -> list[tuple[str, RiskReport]]:
    """A title and the body of each risk of a record."""
    risks = report["risks"]
    return [(RECORDS[name] if len(risks) == 1 else f"{RECORDS[name]}, {risk}", body) for risk, body in risks.items()]
