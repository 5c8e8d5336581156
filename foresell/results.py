"""The committed benchmark results as text: the README's table and docs/benchmarks.md."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.card import card
from training.markdown import interval, markdown, number

RECORDS = {
    "flights-route": "flights by route",
    "flights-aircraft": "flights by aircraft",
    "olist": "Olist marketplace",
    "simulated": "simulated marketplace",
}
SCORES = {
    "current_metric": "current rate",
    "shrunk_rate": "shrunk rate",
    "peer_only": "peer group's rate",
    "roll_forward": "roll-forward",
    "roll_forward_v2": "roll-forward that learns",
    "logistic": "logistic regression",
    "boosting": "boosting",
    "model": "Foresell",
    "truth": "true rates",
}
SLICE = "not_yet_in_breach"
README_SCORES = ("current_metric", "roll_forward", "boosting", "logistic", "model", "truth")


def readme_table(results: Path) -> str:
    """Average precision and Brier score of sellers not yet in breach, one line a record and risk."""
    lines = [_readme_line(title, body) for name, report in _reports(results) for title, body in _risks(name, report)]
    if not lines:
        return "No backtest has been recorded yet: `make bench`."
    heads = [SCORES[score] for score in README_SCORES]
    return markdown(["record", "sellers", "breach in 28 days", *heads], lines)


def _readme_line(title: str, body: Mapping[str, Any]) -> list[str]:
    part = body["slices"][SLICE]
    figures = [_ranks_and_errs(part["scores"].get(score)) for score in README_SCORES]
    return [title, f"{part['sellers']:,}", f"{part['base_rate']:.1%}", *figures]


def _ranks_and_errs(figures: Mapping[str, Any] | None) -> str:
    return f"{number(figures['average_precision'])} / {number(figures['brier'], 4)}" if figures else number(None)


def benchmarks_page(results: Path) -> str:
    """docs/benchmarks.md: every backtest and every measurement."""
    parts = ["# Benchmarks", "Written by `make docs` from `benchmarks/results`; `make bench` measures anew."]
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
    """docs/model-card.md: the card of this code, from the committed backtests."""
    return card([(RECORDS[name], report) for name, report in _reports(results)])


def _sizes(risk: Mapping[str, Any]) -> str:
    """Boosting of other sizes, without the roll-forward beneath it."""
    told = [
        f"{name.replace('_', ' ')} {number(found['average_precision'])} and {number(found['brier'], 4)}"
        for name, found in risk.get("boosting_of_other_sizes", {}).items()
    ]
    return f"Average precision and Brier score of other boosting on all features: {'; '.join(told)}." if told else ""


def _backtest_text(report: Mapping[str, Any], risk: Mapping[str, Any]) -> str:
    part, standard = risk["slices"][SLICE], risk["standard"]
    return (
        f"{standard['title']}, limit {float(standard['limit']):.0%} over {standard['window_days']} days, "
        f"{report['horizon_days']} days ahead; as-of dates {report['as_of'][0]} to {report['as_of'][1]}. "
        f"Sellers not yet in breach: {part['rows']:,} rows of {part['sellers']:,} sellers, of which "
        f"{part['base_rate']:.1%} are in breach at the horizon. The brackets hold 95 of 100 resamples of the sellers."
    )


def _backtest_table(body: Mapping[str, Any]) -> str:
    scores = body["slices"][SLICE]["scores"]
    heads = ["score", "ROC AUC", "average precision", "95%", "Brier", "95%", "calibration slope", "ECE"]
    rows = [_score_line(SCORES[s], scores[s]) for s in SCORES if scores.get(s)]
    return markdown(heads, rows)


def _reasons(body: Mapping[str, Any]) -> str:
    """On simulated data: how often the reasons of right alerts name the cause of the episode that the seller is in."""
    found = body.get("reasons")
    if not found:
        return ""
    guess = {"alerts": None, **found["guess"]}
    told = {"any": found, "any, reasons dealt out at random": guess, **found["by_cause"]}
    rows = [
        [
            cause.replace("_", " "),
            number(f["alerts"], 0),
            number(f["top_reason_share"], 2),
            number(f["top3_reason_share"], 2),
        ]
        for cause, f in told.items()
    ]
    return markdown(["cause of the episode", "right alerts", "top reason names it", "one of the top three does"], rows)


def _held(body: Mapping[str, Any]) -> str:
    """Whether the reasons of queued sellers hold; nothing of a report that does not say."""
    found = body.get("reasons_held")
    if not found:
        return ""
    week, again, without = (found[name] for name in ("next_week", "retrained", "deletion"))
    return (
        f"Reasons of queued sellers: a week later, two of the first three are the same for {_percent(week['share'])} "
        f"of {week['pairs']:,} sellers of whom nothing bad became known in between, and for "
        f"{_percent(week['with_new_events']['share'])} of the {week['with_new_events']['pairs']:,} others; in models "
        f"retrained on sellers drawn anew, for {_percent(again['share'])}. With the top reason's features set to the "
        f"median seller's, the log-odds fall by {number(without['top_reason'], 2)} on average; with a family's at "
        f"random, by {number(without['random'], 2)} (the top reason's removal takes more in "
        f"{_percent(without['share_above_random'])} of {without['rows']:,} rows)."
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _score_line(title: str, metrics: Mapping[str, Any]) -> list[str]:
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


def _reports(results: Path) -> list[tuple[str, dict[str, Any]]]:
    paths = [(name, results / f"backtest-{name}.json") for name in RECORDS]
    return [(name, _read(path)) for name, path in paths if path.exists()]


def _measurements(results: Path) -> list[dict[str, Any]]:
    return [_read(path) for path in sorted(results.glob("*.json")) if not path.name.startswith("backtest-")]


def _read(path: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return body


def _risks(name: str, report: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """A title and the body of each risk of a record."""
    risks: dict[str, dict[str, Any]] = report["risks"]
    return [(RECORDS[name] if len(risks) == 1 else f"{RECORDS[name]}, {risk}", body) for risk, body in risks.items()]
