"""The form of an objection: name an order, choose what is wrong with it, say why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from starlette.responses import RedirectResponse, Response

from core.days import iso
from serving.casework.cases.rules import IncompleteError, MissingError, NotAllowedError
from serving.casework.objections import objections
from serving.casework.objections.objections import (
    EXCLUDED,
    LEAST_REASON,
    LONGEST_REASON,
    OTHER_FAULTS,
    ObjectionForm,
    RowKey,
)
from serving.casework.objections.recompute import OrderEntry, order_entries, recall_source
from serving.review.pages import texts
from serving.review.pages.page import Page, render, shown
from serving.review.web.page_request import PageRequest, Refusal
from serving.scoring import formats

WHOLE = "whole"


@dataclass(frozen=True)
class EntryChoice:
    """Something about the order that can be wrong."""

    value: str = shown("what the form sends")
    text: str = shown("what it says")
    chosen: bool = shown("whether it is chosen already")


@dataclass(frozen=True)
class ObjectPage(Page):
    """The form of an objection: first the order, then what is wrong with it."""

    template: ClassVar[str] = "object.html"
    order_id: str = shown("the order that was named; empty at first")
    unknown: bool = shown("whether no such order of the seller's is known")
    decision: str = shown("the decision objected to; empty for none")
    entries: tuple[EntryChoice, ...] = shown("what the source holds of the order")
    faults: tuple[EntryChoice, ...] = shown("whose fault it may have been instead")
    effect: str = shown("what was chosen: excluded or fault_changed")
    reason: str = shown("what was written, so that nobody writes it twice")
    problem: str = shown("what is missing, in words; empty for nothing")
    field: str = shown("the form's field that it concerns")
    least: int = shown("characters that a reason has at least")
    most: int = shown("characters that a reason has at most")


def show(request: PageRequest) -> Response:
    """The form, for the order that the address names."""
    order_id = request.query.get("order", "").strip()[:200]
    found = _entries(request, order_id) if order_id else []
    return render(request, _page(request, order_id, found, request.query.get("decision", "")))


def send(request: PageRequest) -> Response:
    """Store the objection; if it lacks something, show the form again with what was written."""
    order_id = request.value("order")[:200]
    found = _entries(request, order_id)
    form = ObjectionForm(
        order_id,
        _rows(request.form.get("row", []), found),
        request.value("effect"),
        request.value("reason"),
        request.value("new_fault"),
        request.value("decision"),
    )
    try:
        rows = [entry.row for entry in found]
        objections.raise_objection(request.services.engine, request.user, datetime.now(UTC), form, rows)
    except IncompleteError as error:
        return render(request, _page(request, order_id, found, form.case_decision_id, error), 422)
    except NotAllowedError as error:
        raise Refusal(403) from error
    except MissingError as error:
        raise Refusal(404) from error
    return RedirectResponse("/standing?did=object#objections", 303)


def _entries(request: PageRequest, order_id: str) -> Sequence[OrderEntry]:
    loaded = request.services.watcher.loaded
    if loaded is None:
        raise Refusal(503)
    try:
        source = recall_source(request.services.home)
    except MissingError as error:
        raise Refusal(503) from error
    return order_entries(source, request.user.seller_id, order_id, loaded.store.as_of)


def _rows(values: Sequence[str], found: Sequence[OrderEntry]) -> tuple[RowKey, ...]:
    if WHOLE in values:
        return tuple(entry.row for entry in found)
    return tuple(entry.row for entry in found if _value(entry) in values)


def _value(entry: OrderEntry) -> str:
    return f"{entry.table} {entry.key}"


def _page(
    request: PageRequest,
    order_id: str,
    found: Sequence[OrderEntry],
    decision: str,
    error: IncompleteError | None = None,
) -> ObjectPage:
    values = request.form.get("row", [])
    whole = EntryChoice(WHOLE, texts.plain("object.whole"), WHOLE in values or not values)
    rows = [EntryChoice(_value(e), _told(e), _value(e) in values) for e in found]
    fault = request.value("new_fault")
    return ObjectPage(
        title=texts.plain("object.title"),
        order_id=order_id,
        unknown=bool(order_id) and not found,
        decision=decision,
        entries=(whole, *rows) if found else (),
        faults=tuple(EntryChoice(one, texts.plain(f"fault.{one}"), one == fault) for one in OTHER_FAULTS),
        effect=request.value("effect") or EXCLUDED,
        reason=request.value("reason"),
        problem=f"{error.rule} {texts.plain('object.found', found=error.found)}" if error else "",
        field=error.field if error else "",
        least=LEAST_REASON,
        most=LONGEST_REASON,
    )


def _told(entry: OrderEntry) -> str:
    return texts.plain(f"entry.{entry.table}", told=entry.text.replace("_", " "), day=formats.day(iso(entry.day)))
