"""The orders behind one reason, or behind one item that came back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from serving.casework import book
from serving.casework.cases import LIVE
from serving.casework.records import Record
from serving.records.database import reading
from serving.review import texts
from serving.review.call import Call, Refusal
from serving.review.page import Page, render, shown
from serving.review.seller.orders import known_orders, order_views
from serving.review.seller.reasons import seller_path
from serving.review.seller.record import record_of
from serving.review.seller.views import OrderView

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


def show(call: Call) -> Response:
    """The orders that a seller's record names for ?of= (a reason's family, or `item` with ?item=) and ?risk=."""
    seller_id, risk = call.params["seller_id"], call.query.get("risk", "")
    with reading(call.services.engine) as con:
        cases = [case for case in book.of_seller(con, seller_id) if case.state in LIVE]
        hidden = book.withheld(con, [seller_id]).get((seller_id, risk))
    if hidden == "reasons":
        raise Refusal(403, "refusal.withheld", back=f"{seller_path(seller_id)}?risk={risk}")
    record = record_of(call.services.engine, call.services.following.loaded, seller_id, cases)
    sentence, count, order_ids = _named(record, risk, call.query)
    page = EvidencePage(
        title=texts.plain("evidence.title"),
        seller_id=seller_id,
        path=f"{seller_path(seller_id)}?risk={risk}",
        sentence=sentence,
        count=count,
        order_list=order_views(order_ids, known_orders(call.services.histories, seller_id, order_ids)),
    )
    return render(call, page)


def _named(record: Record, risk: str, query: Mapping[str, str]) -> tuple[str, int, Sequence[str]]:
    said: Mapping[str, Any] = record.said["risks"].get(risk, {})
    if query.get("of") == ITEM:
        row = next((i for i in said.get("items", []) if i["item_id"] == query.get("item")), None)
        if row is None:
            raise Refusal(404)
        sentence = texts.plain("evidence.item", item=row["item_id"], returned=row["returned"])
        return sentence, row["returned"], row["order_ids"]
    reasons = said.get("explanation", {}).get("reasons", [])
    reason = next((r for r in reasons if r["code"] == query.get("of")), None)
    if reason is None:
        raise Refusal(404)
    return reason["text"], reason["evidence"]["count"], reason["evidence"]["order_ids"]
