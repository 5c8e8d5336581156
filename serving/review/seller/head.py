"""Who a seller's pages are about."""

from math import isnan

from serving.casework.records import Record
from serving.review.seller.views import SellerHead
from serving.review.services import Services
from serving.store import UNKNOWN


def seller_head(services: Services, record: Record) -> SellerHead:
    """Who the record is about, as the online store knows it."""
    loaded = services.following.loaded
    number = int(loaded.store.find([record.seller_id])[0]) if loaded else UNKNOWN
    kept = loaded.store.record(number) if loaded and number != UNKNOWN else {}
    text, known = kept.get("text", {}), kept.get("seller", {})
    names = [text.get(name, "") for name in ("category", "size", "fulfilment", "region")]
    tenure = float(record.block["tenure_days"][0])
    return SellerHead(
        seller_id=record.seller_id,
        name=known.get("name") or "",
        attributes=tuple(name for name in names if name),
        tenure_days=0 if isnan(tenure) else int(tenure),
        orders=record.said["evidence"]["orders_in_window"],
        low_evidence=record.said["evidence"]["low_evidence"],
        natural_person=known.get("natural_person"),
    )
