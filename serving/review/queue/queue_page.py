"""The queue: live cases by the loss that a review is expected to avoid, filtered, searched and put off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from typing import ClassVar

import sqlalchemy as sa
from starlette.responses import Response

from features.catalogue.failure_kinds import FAMILIES
from serving.casework.cases import case_repository
from serving.casework.cases.case import SNOOZED, STAFF, Case
from serving.database.connection import reading
from serving.database.tables.casework import CASES
from serving.database.tables.service import PEOPLE
from serving.review.pages import texts
from serving.review.pages.flash import Flash, flash_of
from serving.review.pages.page import Page, render, shown
from serving.review.queue.filters import (
    FILTERS,
    FilterOption,
    QueueFilter,
    QueueQuery,
    conditions_of,
    filter_of,
    queue_query,
    values_there,
)
from serving.review.seller.answer import seller_path
from serving.review.seller.panel import put_off_days
from serving.review.web.page_request import PageRequest

ROWS = 50


@dataclass(frozen=True)
class QueueRisk:
    """One of the seller's risks."""

    risk: str = shown("returns or service")
    probability: float = shown("probability of a breach at the horizon's end")
    low: float = shown("lower end of its 90% interval")
    high: float = shown("upper end of its 90% interval")
    band: str = shown("clear, watch or review")


@dataclass(frozen=True)
class QueueRow:
    """One case as the queue shows it."""

    key: str = shown("case and version, as the form sends it")
    href: str = shown("the seller's page, explaining this case's risk")
    seller_id: str = shown("the seller")
    name: str = shown("its name; empty where the source has none")
    about: tuple[str, ...] = shown("category, size and region as far as they are known")
    own: QueueRisk | None = shown("the case's own risk; None while the case withholds the score")
    risk: str = shown("the case's own risk, by name")
    other: QueueRisk | None = shown("the seller's other risk; None where there is none, or the score is withheld")
    reason: str = shown("the strongest reason in words; empty while the case withholds reasons")
    withheld: str = shown("what the case withholds until a first look: score, reasons, or nothing")
    family: str = shown("where to look: the reason's family")
    breach_by: str = shown("ISO day by which a breach is likelier than not; empty for none within the horizons")
    change: float | None = shown("of the probability since the scores a week before; None where there were none")
    orders: int = shown("evidence: orders in the window")
    low_evidence: bool = shown("whether the orders in the window are few")
    at_stake: float | None = shown("money in orders that are expected to fail; None without prices, or withheld")
    age_days: int = shown("days since the case was opened")
    holder: str = shown("who has it; empty for nobody")
    put_off: str = shown("ISO day until which it is put off; empty")


@dataclass(frozen=True)
class QueuePage(Page):
    """The cases that the team should look at, the most worthwhile first."""

    template: ClassVar[str] = "queue.html"
    rows: tuple[QueueRow, ...] = shown("the cases of this page of the queue")
    total: int = shown("cases that match")
    first: int = shown("place of the first row in the queue, from 1")
    capacity: int = shown("cases that the team can review in a week")
    filters: tuple[QueueFilter, ...] = shown("what narrows the queue")
    search: str = shown("text looked for in ids and names")
    narrowed: bool = shown("whether anything narrows it")
    before: str = shown("the page of the queue before; empty for none")
    after: str = shown("the page of the queue after; empty for none")
    kept: tuple[FilterOption, ...] = shown("filters as hidden fields, so that a form comes back to the same view")
    people: tuple[str, ...] = shown("whom a case can be assigned to")
    first_day: str = shown("first ISO day that a case can be put off to")
    last_day: str = shown("last ISO day that a case can be put off to")
    put_off: str = shown("ISO day that the form proposes")
    flash: Flash | None = shown("what the last form did")


def show(request: PageRequest) -> Response:
    """The queue page."""
    return render(request, queue_page(request, queue_query(request.query), datetime.now(UTC)))


def queue_page(request: PageRequest, want: QueueQuery, at: datetime) -> QueuePage:
    """One page of the queue, as one person sees it."""
    conditions = conditions_of(want, request.user.name, at)
    offset = (max(want.page, 1) - 1) * ROWS
    with reading(request.services.engine) as con:
        total = con.scalar(sa.select(sa.func.count()).select_from(CASES).where(*conditions)) or 0
        cases = case_repository.by_loss_avoided(con, conditions, ROWS, offset)
        hidden = case_repository.withheld(con, {case.seller_id for case in cases})
        there = values_there(con)
        filters = tuple(filter_of(name, want.chosen[name], there) for name in FILTERS)
        people = tuple(con.scalars(sa.select(PEOPLE.c.name).where(PEOPLE.c.role.in_(STAFF)).order_by(PEOPLE.c.name)))
        flash = flash_of(con, request, at)
    return QueuePage(
        title=texts.plain("queue.title"),
        rows=tuple(_row(case, hidden, at) for case in cases),
        total=total,
        first=offset + 1,
        capacity=request.services.review.capacity,
        filters=filters,
        search=want.search,
        narrowed=bool(want.search or any(want.chosen.values())),
        before=want.href(want.page - 1) if want.page > 1 else "",
        after=want.href(want.page + 1) if offset + ROWS < total else "",
        kept=tuple(FilterOption(name, value) for name, value in {**want.chosen, "q": want.search}.items() if value),
        people=people,
        **put_off_days(at.date()),
        flash=flash,
    )


def _row(case: Case, withheld: Mapping[tuple[str, str], str], at: datetime) -> QueueRow:
    facts, hidden = case.facts, withheld.get((case.seller_id, case.risk), "")
    score, why = hidden != "score", hidden != "reasons"
    risks = {
        name: QueueRisk(name, r.probability, *r.interval_90, r.band)
        for name, r in facts.risks.items()
        if score and withheld.get((case.seller_id, name)) != "score"
    }
    return QueueRow(
        key=f"{case.case_id}.{case.version}",
        href=f"{seller_path(case.seller_id)}?risk={case.risk}",
        seller_id=case.seller_id,
        name=facts.seller_name,
        about=tuple(one for one in (facts.category, facts.size, facts.region) if one),
        own=risks.get(case.risk),
        risk=case.risk,
        other=next((one for name, one in risks.items() if name != case.risk), None),
        reason=facts.reason if why else "",
        withheld=hidden,
        family=facts.family if why and facts.family in FAMILIES else "",
        breach_by=facts.breach_by if score else "",
        change=facts.change if score else None,
        orders=facts.orders_in_window,
        low_evidence=facts.low_evidence,
        at_stake=facts.at_stake if score and not isnan(facts.at_stake) else None,
        age_days=case.age_days(at),
        holder=case.held_by(at),
        put_off=case.snoozed_until[:10] if case.state_at(at) == SNOOZED else "",
    )
