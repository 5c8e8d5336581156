"""What would change a seller's risks, as the pages say it."""

from collections.abc import Collection

from serving.casework.records import Record
from serving.review.services import Services
from serving.whatif import what_if

STAFF, OWN = "text", "text_to_seller"  # the sentence for those who look after the seller, and for the seller


def changes(services: Services, record: Record, risks: Collection[str], told: str = STAFF) -> dict[str, str]:
    """A sentence by risk; none where there is nothing to tell.

    Only of a record that the model and the online store in use made: an older one, or one that a correction changed,
    has no days to be carried on from.
    """
    loaded = services.following.loaded
    if loaded is None or (loaded.store.day, loaded.held.bundle.digest) != (record.as_of, record.model_digest):
        return {}
    past = loaded.store.days(record.seller_id)
    if not past.behind(record.block):
        return {}
    found = what_if(loaded.held.bundle, record.block, past, record.horizon_days, risks)
    return {risk: one[told] for risk, one in found.items() if one}
