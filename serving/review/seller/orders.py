"""The orders behind a reason or an item: the page that lists them, and what happened to each, through whose fault."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from core.days import iso
from serving.casework.cases import case_repository
from serving.casework.cases.case import LIVE
from serving.casework.snapshots.logged_answers import LoggedAnswer
from serving.database.connection import reading
from serving.review.histories import Histories
from serving.review.pages import texts
from serving.review.pages.page import Page, render, shown
from serving.review.seller.answer import answer_of, seller_path
from serving.review.seller.views import OrderView
from serving.review.web.page_request import PageRequest, Refusal

ITEM = "item"


@dataclass(frozen=True)
class EvidencePage(Page):
    """Orders behind a count."""

    template: ClassVar[str] = "orders.html"
    seller_id: str = shown("the seller")
    path: str = shown("the seller's page, at the risk that the orders speak of")
    sentence: str = shown("what the orders are evidence of")
    count: int = shown("how many there are")
    order_list: tuple[OrderView, ...] = shown("those that are kept, the newest first")


def show(request: PageRequest) -> Response:
    """The orders that a seller's answer names for ?of= (a reason's family, or `item` with ?item=) and ?risk=."""
    seller_id, risk = request.params["seller_id"], request.query.get("risk", "")
    with reading(request.services.engine) as con:
        cases = [case for case in case_repository.of_seller(con, seller_id) if case.state in LIVE]
        hidden = case_repository.withheld(con, [seller_id]).get((seller_id, risk))
    if hidden == "reasons":
        raise Refusal(403, "refusal.withheld", back=f"{seller_path(seller_id)}?risk={risk}")
    answer = answer_of(request.services.engine, request.services.watcher.loaded, seller_id, cases)
    sentence, count, order_ids = _named(answer, risk, request.query)
    page = EvidencePage(
        title=texts.plain("evidence.title"),
        seller_id=seller_id,
        path=f"{seller_path(seller_id)}?risk={risk}",
        sentence=sentence,
        count=count,
        order_list=order_views(order_ids, known_orders(request.services.histories, seller_id, order_ids)),
    )
    return render(request, page)


def _named(answer: LoggedAnswer, risk: str, query: Mapping[str, str]) -> tuple[str, int, Sequence[str]]:
    risk_result: Mapping[str, Any] = answer.result["risks"].get(risk, {})
    if query.get("of") == ITEM:
        row = next((i for i in risk_result.get("items", []) if i["item_id"] == query.get("item")), None)
        if row is None:
            raise Refusal(404)
        sentence = texts.plain("evidence.item", item=row["item_id"], returned=row["returned"])
        return sentence, row["returned"], row["order_ids"]
    reasons = risk_result.get("explanation", {}).get("reasons", [])
    reason = next((r for r in reasons if r["code"] == query.get("of")), None)
    if reason is None:
        raise Refusal(404)
    return reason["text"], reason["evidence"]["count"], reason["evidence"]["order_ids"]


LOW_RATING = 2
Orders = Mapping[str, Mapping[str, Any]]


def known_orders(histories: Histories | None, seller_id: str, order_ids: Iterable[str]) -> Orders:
    """The rows of the orders by id, read at once for the whole page."""
    wanted = sorted(set(order_ids))
    return {} if histories is None or not wanted else {r["order_id"]: r for r in histories.orders(seller_id, wanted)}


def order_views(order_ids: Sequence[str], known: Orders) -> tuple[OrderView, ...]:
    """The orders in the given sequence; an unknown order has its id only."""
    return tuple(_view(order_id, known.get(order_id)) for order_id in order_ids)


def _view(order_id: str, row: Mapping[str, Any] | None) -> OrderView:
    if row is None:
        return OrderView(order_id, "", "", "", None, ())
    price = None if row["cents"] is None else row["cents"] / 100
    item, category = row["item_id"] or "", row["category"] or ""
    return OrderView(order_id, iso(row["ordered"]), item, category, price, tuple(_events(row)))


def _events(row: Mapping[str, Any]) -> list[str]:
    """What went wrong with an order, in sequence, or that all went well."""
    sentences = [*_delivery(row), *_return(row)]
    if row["cases"]:
        sentences += [texts.html(f"complaint.{kind}") for kind in row["cases"].split(", ")]
    if row["rating"] is not None and row["rating"] <= LOW_RATING:
        sentences.append(texts.html("order.rated", rating=row["rating"]))
    return sentences or [texts.html("order.open" if row["delivered"] is None else "order.well")]


def _delivery(row: Mapping[str, Any]) -> list[str]:
    sentences: list[str] = []
    if row["late_fault"]:
        sentences.append(texts.html(f"order.late_{row['late_fault']}", days=_days_late(row)))
    elif (after := _days_after_ship_by(row)) > 0:
        sentences.append(texts.html("order.handed_over_late", days=after))
    if row["cancelled"] is not None:
        sentences.append(texts.html(f"order.cancelled_{row['cancelled_by'] or 'unknown'}"))
    return sentences


def _days_after_ship_by(row: Mapping[str, Any]) -> int:
    """Days between the promised and the actual handover; negative: early."""
    return 0 if None in (row["shipped"], row["ship_by"]) else int(row["shipped"] - row["ship_by"])


def _days_late(row: Mapping[str, Any]) -> float:
    late = None if None in (row["delivered"], row["promised"]) else row["delivered"] - row["promised"]
    return float("nan") if late is None or late < 1 else late


def _return(row: Mapping[str, Any]) -> Sequence[str]:
    if row["returned"] is None:
        return []
    reason = str(row["return_reason"] or "").replace("_", " ")
    return [texts.html("order.returned_for", reason=reason) if reason else texts.html("order.returned")]
