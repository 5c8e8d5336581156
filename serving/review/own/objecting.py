"""How a seller objects: name an order, choose what of it is wrong, say why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from serving.casework import objections
from serving.casework.entries import Entry, entries
from serving.casework.objection import EXCLUDED, OTHERS, Row
from serving.casework.objections import LEAST_REASON, LONGEST_REASON, Said
from serving.casework.refusals import IncompleteError, MissingError, NotAllowedError
from serving.casework.sources import recall
from serving.review import days, forms, texts
from serving.review.call import Call, Refusal
from serving.review.flash import person_of
from serving.review.page import Page, render, shown

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


def show(call: Call) -> Response:
    """The form, for the order that the address names."""
    order_id = call.query.get("order", "").strip()[:200]
    found = _entries(call, order_id) if order_id else []
    return render(call, _page(call, order_id, found, call.query.get("decision", "")))


def send(call: Call) -> Response:
    """Keep the objection; what it lacks is said beside the form, which keeps what was written."""
    order_id = call.value("order")[:200]
    found = _entries(call, order_id)
    said = Said(
        order_id,
        _rows(call.form.get("row", []), found),
        call.value("effect"),
        call.value("reason"),
        call.value("new_fault"),
        call.value("decision"),
    )
    try:
        rows = [entry.row for entry in found]
        objections.raise_objection(call.services.engine, person_of(call), datetime.now(UTC), said, rows)
    except IncompleteError as error:
        return render(call, _page(call, order_id, found, said.case_decision_id, error), 422)
    except NotAllowedError as error:
        raise Refusal(403) from error
    except MissingError as error:
        raise Refusal(404) from error
    return RedirectResponse("/standing?did=object#objections", 303)


def order_path(order_id: str) -> str:
    """Where an objection about an order begins."""
    return f"/standing/object?order={quote(order_id, safe='')}"


def _entries(call: Call, order_id: str) -> Sequence[Entry]:
    loaded = call.services.following.loaded
    if loaded is None:
        raise Refusal(503)
    try:
        source = recall(call.services.home)
    except MissingError as error:
        raise Refusal(503) from error
    return entries(source, call.user.seller_id, order_id, loaded.store.as_of)


def _rows(values: Sequence[str], found: Sequence[Entry]) -> tuple[Row, ...]:
    if WHOLE in values:
        return tuple(entry.row for entry in found)
    return tuple(entry.row for entry in found if _value(entry) in values)


def _value(entry: Entry) -> str:
    return f"{entry.table} {entry.key}"


def _page(
    call: Call, order_id: str, found: Sequence[Entry], decision: str, error: IncompleteError | None = None
) -> ObjectPage:
    values = call.form.get("row", [])
    whole = EntryChoice(WHOLE, texts.plain("object.whole"), WHOLE in values or not values)
    rows = [EntryChoice(_value(e), _told(e), _value(e) in values) for e in found]
    fault = call.value("new_fault")
    return ObjectPage(
        title=texts.plain("object.title"),
        order_id=order_id,
        unknown=bool(order_id) and not found,
        decision=decision,
        entries=(whole, *rows) if found else (),
        faults=tuple(EntryChoice(one, texts.plain(f"fault.{one}"), one == fault) for one in OTHERS),
        effect=call.value("effect") or EXCLUDED,
        reason=call.value("reason"),
        problem=f"{error.rule} {texts.plain('object.found', found=error.found)}" if error else "",
        field=error.field if error else "",
        least=LEAST_REASON,
        most=LONGEST_REASON,
    )


def _told(entry: Entry) -> str:
    return texts.plain(f"entry.{entry.table}", told=entry.told.replace("_", " "), day=forms.day(days.iso(entry.day)))
