"""What happened to a seller: scores, decisions, interventions, corrections, objections and what reviewers did."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from serving.casework import book
from serving.casework.cases import Event
from serving.records.tables.casework import CASE_DECISIONS, OBJECTIONS, WEEKLY_SCORES
from serving.review import days, texts
from serving.review.histories import Histories
from serving.review.seller.views import HappenedView, ScoreView

MOST_SCORES = 24  # twelve weeks of both risks
MOST_HAPPENED = 40
TOLD = ("take", "release", "assign", "snooze", "wake", "note", "undo", "first_look", "lapse", "open")


def scores(con: sa.Connection, seller_id: str) -> tuple[ScoreView, ...]:
    """The scores of the last weeks, the newest first."""
    w = WEEKLY_SCORES.c
    columns = sa.select(w.as_of, w.risk, w.probability, w.band, w.current_rate).where(w.seller_id == seller_id)
    rows = con.execute(columns.order_by(w.as_of.desc(), w.risk).limit(MOST_SCORES)).all()
    return tuple(ScoreView(*row) for row in rows)


def happened(con: sa.Connection, seller_id: str, histories: Histories | None) -> tuple[HappenedView, ...]:
    """All that was done, the newest first."""
    found = [*_decisions(con, seller_id), *_objections(con, seller_id), *_events(con, seller_id)]
    if histories:
        found += [_intervention(row) for row in histories.rows("interventions", seller_id)]
        found += [_correction(row) for row in histories.rows("corrections", seller_id)]
    return tuple(sorted(found, key=lambda one: one.at, reverse=True)[:MOST_HAPPENED])


def _decisions(con: sa.Connection, seller_id: str) -> list[HappenedView]:
    d = CASE_DECISIONS.c
    rows = con.execute(sa.select(CASE_DECISIONS).where(d.seller_id == seller_id)).mappings()
    return [_decision(row) for row in rows]


def _decision(row: sa.RowMapping) -> HappenedView:
    state = "undone" if row["undone_at"] else "overturned" if row["overturned_at"] else "stands"
    kind, risk = texts.plain(f"kind.{row['kind']}"), texts.plain(f"risk.{row['risk']}")
    text = texts.html(f"history.decision_{state}", kind=kind, risk=risk)
    return HappenedView(row["decided_at"], "decision", text, row["decided_by"])


def _objections(con: sa.Connection, seller_id: str) -> list[HappenedView]:
    rows = con.execute(sa.select(OBJECTIONS).where(OBJECTIONS.c.seller_id == seller_id)).mappings()
    return [_objection(row) for row in rows]


def _objection(row: sa.RowMapping) -> HappenedView:
    text = texts.html("history.objection", order=row["order_id"], reason=row["reason"])
    return HappenedView(row["raised_at"], "objection", text, row["raised_by"])


def _events(con: sa.Connection, seller_id: str) -> list[HappenedView]:
    cases = book.of_seller(con, seller_id)
    return [_event(event, case.risk) for case in cases for event in _told(book.events(con, case.case_id))]


def _told(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.action in TOLD]


def _event(event: Event, risk: str) -> HappenedView:
    said = {"risk": texts.plain(f"risk.{risk}"), "text": str(event.detail.get("text", ""))}
    said["until"] = event.after.get("snoozed_until", "")[:10]
    said["to"] = event.after.get("assignee", "")
    return HappenedView(event.at, "event", texts.html(f"history.{event.action}", **said), event.person)


def _intervention(row: Mapping[str, Any]) -> HappenedView:
    text = texts.html("history.intervention", kind=texts.plain(f"kind.{row['kind']}"))
    return HappenedView(days.iso(row["day"]), "intervention", text, "")


def _correction(row: Mapping[str, Any]) -> HappenedView:
    text = texts.html(
        f"history.correction_{row['effect']}",
        table=row["table_name"],
        key=row["row_key"],
        fault=row["new_fault"] or "",
        reason=row["reason"] or "",
    )
    return HappenedView(days.iso(row["day"]), "correction", text, "")
