"""A seller over time: rates by week, scores, decisions, interventions, corrections, objections and case events."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from core.days import iso
from features.standards.standard import Standard
from serving.casework.cases import case_repository
from serving.casework.cases.case import CaseEvent
from serving.database.tables.casework import CASE_DECISIONS, OBJECTIONS, WEEKLY_SCORES
from serving.review.histories import Histories, SellerHistory
from serving.review.pages import texts
from serving.review.pages.charts import ChartMarks, ChartSize, RateSeries, rate_chart
from serving.review.seller.views import HistoryEntry, RateView, ScoreView, StandardView
from serving.scoring import formats

MOST_SCORES = 24  # twelve weeks of both risks
MOST_HAPPENED = 40
SHOWN_ACTIONS = ("take", "release", "assign", "snooze", "wake", "note", "undo", "first_look", "lapse", "open")


def scores(con: sa.Connection, seller_id: str) -> tuple[ScoreView, ...]:
    """The scores of the last weeks, the newest first."""
    w = WEEKLY_SCORES.c
    columns = sa.select(w.as_of, w.risk, w.probability, w.band, w.current_rate).where(w.seller_id == seller_id)
    rows = con.execute(columns.order_by(w.as_of.desc(), w.risk).limit(MOST_SCORES)).all()
    return tuple(ScoreView(*row) for row in rows)


def history_entries(con: sa.Connection, seller_id: str, histories: Histories | None) -> tuple[HistoryEntry, ...]:
    """All decisions, objections, events, interventions and corrections, the newest first."""
    found = [*_decisions(con, seller_id), *_objections(con, seller_id), *_events(con, seller_id)]
    if histories:
        found += [_intervention(row) for row in histories.rows("interventions", seller_id)]
        found += [_correction(row) for row in histories.rows("corrections", seller_id)]
    return tuple(sorted(found, key=lambda one: one.at, reverse=True)[:MOST_HAPPENED])


def _decisions(con: sa.Connection, seller_id: str) -> list[HistoryEntry]:
    d = CASE_DECISIONS.c
    rows = con.execute(sa.select(CASE_DECISIONS).where(d.seller_id == seller_id)).mappings()
    return [_decision(row) for row in rows]


def _decision(row: sa.RowMapping) -> HistoryEntry:
    state = "undone" if row["undone_at"] else "overturned" if row["overturned_at"] else "stands"
    kind, risk = texts.plain(f"kind.{row['kind']}"), texts.plain(f"risk.{row['risk']}")
    text = texts.html(f"history.decision_{state}", kind=kind, risk=risk)
    return HistoryEntry(row["decided_at"], "decision", text, row["decided_by"])


def _objections(con: sa.Connection, seller_id: str) -> list[HistoryEntry]:
    rows = con.execute(sa.select(OBJECTIONS).where(OBJECTIONS.c.seller_id == seller_id)).mappings()
    return [_objection(row) for row in rows]


def _objection(row: sa.RowMapping) -> HistoryEntry:
    text = texts.html("history.objection", order=row["order_id"], reason=row["reason"])
    return HistoryEntry(row["raised_at"], "objection", text, row["raised_by"])


def _events(con: sa.Connection, seller_id: str) -> list[HistoryEntry]:
    cases = case_repository.of_seller(con, seller_id)
    return [
        _event(event, case.risk) for case in cases for event in _shown_events(case_repository.events(con, case.case_id))
    ]


def _shown_events(events: Iterable[CaseEvent]) -> list[CaseEvent]:
    return [event for event in events if event.action in SHOWN_ACTIONS]


def _event(event: CaseEvent, risk: str) -> HistoryEntry:
    values = {"risk": texts.plain(f"risk.{risk}"), "text": str(event.detail.get("text", ""))}
    values["until"] = event.after.get("snoozed_until", "")[:10]
    values["to"] = event.after.get("assignee", "")
    return HistoryEntry(event.at, "event", texts.html(f"history.{event.action}", **values), event.person)


def _intervention(row: Mapping[str, Any]) -> HistoryEntry:
    text = texts.html("history.intervention", kind=texts.plain(f"kind.{row['kind']}"))
    return HistoryEntry(iso(row["day"]), "intervention", text, "")


def _correction(row: Mapping[str, Any]) -> HistoryEntry:
    text = texts.html(
        f"history.correction_{row['effect']}",
        table=row["table_name"],
        key=row["row_key"],
        fault=row["new_fault"] or "",
        reason=row["reason"] or "",
    )
    return HistoryEntry(iso(row["day"]), "correction", text, "")


WEEKS = 26
LARGE, SMALL = ChartSize(720, 240), ChartSize(350, 160)


def rate_views(
    histories: Histories | None, seller_id: str, group: str, pairs: Sequence[tuple[Standard, StandardView]], risk: str
) -> tuple[RateView, ...]:
    """A chart for each standard with some volume; the headline of the risk explained is large and comes first."""
    if histories is None:
        return ()
    known = histories.days(seller_id)
    shown = [(s, view) for s, view in pairs if view.volume and {*s.quantities()} <= {*known.quantities}]
    shown.sort(key=lambda pair: not _main(pair[0], risk))
    return tuple(_view(histories, known, group, s, view, _main(s, risk)) for s, view in shown)


def _main(standard: Standard, risk: str) -> bool:
    return standard.headline and standard.risk == risk


def _view(
    histories: Histories, known: SellerHistory, group: str, standard: Standard, view: StandardView, main: bool
) -> RateView:
    series = weekly(known, standard, histories.as_of)
    quartiles = histories.peers.get(standard.name, {}).get(group)
    expected = None if view.expected is None or view.low is None or view.high is None else view.expected
    marks = ChartMarks(
        limit=view.limit,
        peers=(quartiles[0], quartiles[2]) if quartiles else None,
        expected=None if expected is None else (view.low or 0.0, expected, view.high or 0.0),
    )
    description = _description(series, view, quartiles)
    chart = rate_chart(standard.name, standard.title, description, series, marks, LARGE if main else SMALL)
    return RateView(chart, main)


def weekly(known: SellerHistory, standard: Standard, as_of: int) -> RateSeries:
    """The rate at the close of each week, as it was known then, up to as_of."""
    ends = [as_of - 7 * back for back in reversed(range(WEEKS))]
    counts = [_counts(known, standard, day) for day in ends]
    rates = [_rate(standard, *count) for count in counts]
    return RateSeries([iso(day) for day in ends], rates, counts)


def _counts(known: SellerHistory, standard: Standard, day: int) -> tuple[int, int]:
    span = standard.window_days
    return known.total(standard.numerator, day, span), known.total(standard.denominator, day, span)


def _rate(standard: Standard, bad: int, volume: int) -> float | None:
    if volume <= 0:
        return None
    return 1 - bad / volume if standard.complement else bad / volume


def _description(series: RateSeries, view: StandardView, quartiles: Sequence[float] | None) -> str:
    found = [rate for rate in series.rates if rate is not None]
    first, last = (found[0], found[-1]) if found else (float("nan"), float("nan"))
    text = texts.plain(
        "rates.description",
        first=formats.rate(first),
        last=formats.rate(last),
        weeks=len(found),
        limit=formats.rate(view.limit),
    )
    if not quartiles:
        return text
    return f"{text} {texts.plain('rates.peers', low=formats.rate(quartiles[0]), high=formats.rate(quartiles[2]))}"
