"""Tables of report.html: alerts, operating points, detection, limits, interval coverage and groups of sellers."""

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from core.words import count_of
from training.measures.intervals import FIGURES
from training.report_schema import (
    AlertFigureName,
    AlertFigures,
    DetectionFigures,
    ExpectedRateFigures,
    GroupCell,
    RankingAlerts,
    RankingDetection,
    RiskReport,
)
from training.reports.charts import table
from training.reports.summary import SCORES

NUMBER, SHARE, WHOLE, ONE = "{:.3f}", "{:.0%}", "{:,.0f}", "{:.1f}"
ALERTS: dict[AlertFigureName, tuple[str, str]] = {
    "alerts": ("alerts", WHOLE),
    "precision": ("right", SHARE),
    "recall": ("new breaches seen", SHARE),
    "money_recall": ("by money", SHARE),
    "median_lead_time_days": ("median lead, days", ONE),
    "share_with_7_days": ("a week or more ahead", SHARE),
    "share_with_14_days": ("two weeks", SHARE),
    "repeat_alert_rate": ("repeats", SHARE),
    "alerts_per_reviewer_day": ("alerts per reviewer-day", ONE),
}
SIZES: tuple[Literal["from_volume", "rows", "sellers"], ...] = ("from_volume", "rows", "sellers")
OFFERED = ("model", "early", "warn_line")
MENU: tuple[AlertFigureName, ...] = (
    "capacity_per_week",
    "alerts",
    "precision",
    "recall",
    "money_recall",
    "median_lead_time_days",
    "alerts_per_reviewer_day",
)


def alerts(found: AlertFigures) -> str:
    """Every ranking's alerts at the capacity."""
    rows = [(SCORES.get(name, name), *_cells(body)) for name, body in rankings(found).items()]
    caption = f"Alerts at {text(found['capacity_per_week'], WHOLE)} reviews a week"
    return table(caption, ("ranking", *(head for head, _ in ALERTS.values())), rows)


def rankings(found: AlertFigures) -> dict[str, RankingAlerts]:
    """The alerts of each ranking by name, the model's first."""
    others = {name: cast(RankingAlerts, value) for name, value in found.items() if name in SCORES}
    return {"model": found, **others}


def menu(points: Sequence[AlertFigures]) -> str:
    """Figures of alerts at each capacity: the model's, the model's for long notice, and the warn-line rule's."""
    rows = [
        (text(point["capacity_share"], "{:.1%}"), SCORES[name], *(text(body[key], _form(key)) for key in MENU))
        for point in points
        for name, body in rankings(point).items()
        if name in OFFERED
    ]
    heads = ("capacity", "ranking", "reviews a week", *(ALERTS[key][0] for key in MENU[1:]))
    return table("Operating points: alerts at each capacity", heads, rows) if rows else ""


def _form(key: AlertFigureName) -> str:
    return ALERTS[key][1] if key in ALERTS else WHOLE


def detection(found: DetectionFigures | None) -> str:
    """On simulated data: how soon a seller whose episode ends in a breach enters each ranking's queue."""
    if not found or not found["episodes"]:
        return ""
    rows = [
        (SCORES.get(name, name), text(body["detected"], SHARE), text(body["median_days"], ONE))
        for name, body in by_ranking(found).items()
    ]
    caption = (
        f"{count_of(found['episodes'], 'episode')} that led to a breach: queued before it, and days from the start"
    )
    return table(caption, ("ranking", "queued before the breach", "median days from the start"), rows)


def by_ranking(found: DetectionFigures) -> dict[str, RankingDetection]:
    """The detection of each ranking by name."""
    return {name: cast(RankingDetection, value) for name, value in found.items() if name in SCORES}


def limits(body: RiskReport) -> str:
    """On simulated data: figures of forecasters who know true rates, and how much of their gain the model reaches."""
    alerts_of = rankings(body["alerts"])
    rows = [
        (
            SCORES[name],
            *(text(found[key]) for key in FIGURES),
            *(text(found["reached"][key], SHARE) for key in FIGURES),
            text(alerts_of[name]["precision"], SHARE),
            text(alerts_of[name]["median_lead_time_days"], ONE),
        )
        for name, found in body.get("limits", {}).items()
    ]
    heads = ("forecaster", "average precision", "Brier score", "model reaches", "of the Brier score", "alerts right",
             "median lead, days")  # fmt: skip
    return (
        table("Forecasters who know true rates, and how much of their gain the model reaches", heads, rows)
        if rows
        else ""
    )


def coverage(found: ExpectedRateFigures) -> str:
    """By volume in the window: coverage of the 90% interval of the expected rate."""
    rows = [
        (
            *(text(band[key], WHOLE) for key in SIZES),
            text(band["interval_90_coverage_midp"]),
        )
        for band in found.get("bands", ())
        if band["rows"]
    ]
    heads = ("orders in the window, from", "readings", "sellers", "inside, of 0.900")
    return table("Coverage of the 90% interval of the expected rate, by volume (mid-p)", heads, rows) if rows else ""


def groups(found: Mapping[str, Mapping[str, GroupCell]]) -> str:
    """The table of groups of sellers."""
    rows = [
        (f"{by.replace('_', ' ')}: {value}", f"{cell['rows']:,}", *_group(cell))
        for by, values in found.items()
        for value, cell in values.items()
        if "ci95" in cell
    ]
    if not rows:
        return ""
    heads = (
        "group",
        "readings",
        "in breach later",
        "predicted over observed, relative to the rest",
        "95%",
        "false alarms",
        "found",
    )
    return table("Groups of sellers: does a probability mean the same?", heads, rows)


def _group(cell: GroupCell) -> tuple[str, ...]:
    interval = " to ".join(text(end, "{:.2f}") for end in cell["ci95"]["overstated"] or ())
    shares = (text(cell[key], "{:.1%}") for key in ("false_alarms", "found"))
    return (text(cell["breach_share"], "{:.1%}"), text(cell["overstated"], "{:.2f}"), interval, *shares)


def _cells(body: RankingAlerts) -> tuple[str, ...]:
    return tuple(text(body[key], form) for key, (_, form) in ALERTS.items())


def text(value: float | None, form: str = NUMBER) -> str:
    """A figure as text; "none" for None."""
    return "none" if value is None else form.format(value)
