"""Tables of report.html on what came of the queue and on groups of sellers."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.charts import table
from training.summary import SCORES

Figures = Mapping[str, Any]
NUMBER, SHARE, WHOLE, ONE = "{:.3f}", "{:.0%}", "{:,.0f}", "{:.1f}"
ALERTS = {
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
LEAD = "median_lead_time_days"
HELD = "interval_90_coverage_midp"
OFFERED = ("model", "early", "warn_line")
MENU = ("capacity_per_week", "alerts", "precision", "recall", "money_recall", "median_lead_time_days",
        "alerts_per_reviewer_day")  # fmt: skip


def alerts(found: Figures) -> str:
    """Every ranking's alerts at the capacity."""
    rows = [(SCORES.get(name, name), *_cells(body)) for name, body in rankings(found).items()]
    caption = f"Alerts at {text(found['capacity_per_week'], WHOLE)} reviews a week"
    return table(caption, ("ranking", *(head for head, _ in ALERTS.values())), rows)


def rankings(found: Figures) -> dict[str, Figures]:
    """The alerts of each ranking by name, the model's first."""
    others = {name: value for name, value in found.items() if isinstance(value, Mapping) and name in SCORES}
    return {"model": found, **others}


def menu(points: Sequence[Figures]) -> str:
    """What alerts are worth at each capacity: the model's, the same for long notice, and the warn-line rule's."""
    rows = [
        (text(point["capacity_share"], "{:.1%}"), SCORES[name], *(text(body[key], _form(key)) for key in MENU))
        for point in points
        for name, body in rankings(point).items()
        if name in OFFERED
    ]
    heads = ("capacity", "ranking", "reviews a week", *(ALERTS[key][0] for key in MENU[1:]))
    return table("Operating points: what a capacity buys", heads, rows) if rows else ""


def _form(key: str) -> str:
    return ALERTS[key][1] if key in ALERTS else WHOLE


def detection(found: Figures | None) -> str:
    """On simulated data: how soon each ranking's queue holds a seller whose episode ends in a breach."""
    if not found or not found["episodes"]:
        return ""
    rows = [
        (SCORES.get(name, name), text(body["detected"], SHARE), text(body["median_days"], ONE))
        for name, body in found.items()
        if isinstance(body, Mapping)
    ]
    caption = f"{found['episodes']:,} episodes that end in a breach: seen before it, and days from the start"
    return table(caption, ("ranking", "seen before the breach", "median days from the start"), rows)


def limits(body: Figures) -> str:
    """On simulated data: what those reach who know true rates, and how much of the way there the model makes."""
    rows = [
        (
            SCORES[name],
            *(text(found[key]) for key in ("average_precision", "brier")),
            *(text(found["reached"][key], SHARE) for key in ("average_precision", "brier")),
            *(text(body["alerts"][name][key], form) for key, form in (("precision", SHARE), (LEAD, ONE))),
        )
        for name, found in body.get("limits", {}).items()
    ]
    heads = ("who knows", "average precision", "Brier score", "reached of it", "of the Brier score", "alerts right",
             "median lead, days")  # fmt: skip
    return table("What could be known: true rates, and how far towards them the model is", heads, rows) if rows else ""


def coverage(found: Figures) -> str:
    """By volume in the window: how often the 90% interval of the expected rate holds what comes."""
    rows = [
        (text(band["from_volume"], WHOLE), *(text(band[key], WHOLE) for key in ("rows", "sellers")), text(band[HELD]))
        for band in found.get("bands", ())
        if band["rows"]
    ]
    heads = ("orders in the window, from", "readings", "sellers", "inside, of 0.900")
    return table("The 90% interval of what comes, by volume (mid-p)", heads, rows) if rows else ""


def groups(found: Figures) -> str:
    """Groups of sellers beside each other."""
    rows = [
        (f"{by.replace('_', ' ')}: {value}", f"{cell['rows']:,}", *_group(cell))
        for by, values in found.items()
        for value, cell in values.items()
        if "ci95" in cell
    ]
    if not rows:
        return ""
    heads = ("group", "readings", "in breach later", "said over came, beside the rest", "95%", "false alarms", "found")
    return table("Groups of sellers: does a probability mean the same?", heads, rows)


def _group(cell: Figures) -> tuple[str, ...]:
    around = " to ".join(text(end, "{:.2f}") for end in cell["ci95"]["overstated"] or ())
    shares = (text(cell[key], "{:.1%}") for key in ("false_alarms", "found"))
    return (text(cell["breach_share"], "{:.1%}"), text(cell["overstated"], "{:.2f}"), around, *shares)


def _cells(body: Figures) -> tuple[str, ...]:
    return tuple(text(body.get(key), form) for key, (_, form) in ALERTS.items())


def text(value: float | None, form: str = NUMBER) -> str:
    """A figure as it is shown; none where there is none."""
    return "none" if value is None else form.format(value)
