"""The queue: live cases by the loss that a review is expected to avoid, filtered, searched and put off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isnan
from typing import ClassVar
from urllib.parse import urlencode

import sqlalchemy as sa
from starlette.responses import Response

from features.families import FAMILIES
from serving.casework import book
from serving.casework.cases import LIVE, SNOOZED, TAKEN, Case
from serving.casework.work import LONGEST_SNOOZE_DAYS
from serving.records.clock import written
from serving.records.database import reading
from serving.records.tables.casework import CASES
from serving.records.tables.people import PEOPLE
from serving.review import texts
from serving.review.call import STAFF, Call
from serving.review.flash import Flash, flash_of
from serving.review.page import Page, render, shown
from serving.review.seller.reasons import seller_path

ROWS = 50
PUT_OFF_DAYS = 7  # what forms propose
VALUES = ("category", "region", "size", "fulfilment", "family")  # filters whose options are what the cases have
ME, NOBODY = "me", "nobody"


@dataclass(frozen=True)
class RiskInRow:
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
    own: RiskInRow | None = shown("the case's own risk; None while the case withholds the score")
    risk: str = shown("the case's own risk, by name")
    other: RiskInRow | None = shown("the seller's other risk; None where there is none, or the score is withheld")
    reason: str = shown("the strongest reason in words; empty while the case withholds reasons")
    withheld: str = shown("what the case withholds until a first look: score, reasons, or nothing")
    family: str = shown("where to look: the reason's family")
    breach_by: str = shown("ISO day by which a breach is likelier than not; empty for none within the horizons")
    change: float | None = shown("of the probability since the scores a week before; None where there were none")
    orders: int = shown("evidence: orders in the window")
    low_evidence: bool = shown("whether that is little")
    at_stake: float | None = shown("money in orders that are expected to fail; None without prices, or withheld")
    age_days: int = shown("days since the case was opened")
    holder: str = shown("who has it; empty for nobody")
    put_off: str = shown("ISO day until which it is put off; empty")


@dataclass(frozen=True)
class Option:
    """A value of a filter."""

    value: str = shown("what the form sends")
    text: str = shown("what it says")


@dataclass(frozen=True)
class Filter:
    """One filter of the queue."""

    name: str = shown("the form's field")
    label: str = shown("its label")
    value: str = shown("what is chosen; empty for all")
    options: tuple[Option, ...] = shown("what can be chosen, all first")


@dataclass(frozen=True)
class QueuePage(Page):
    """The cases that the team should look at, the most worthwhile first."""

    template: ClassVar[str] = "queue.html"
    rows: tuple[QueueRow, ...] = shown("the cases of this page of the queue")
    total: int = shown("cases that match")
    first: int = shown("place of the first row in the queue, from 1")
    capacity: int = shown("cases that the team can review in a week")
    filters: tuple[Filter, ...] = shown("what narrows the queue")
    search: str = shown("text looked for in ids and names")
    narrowed: bool = shown("whether anything narrows it")
    before: str = shown("the page of the queue before; empty for none")
    after: str = shown("the page of the queue after; empty for none")
    kept: tuple[Option, ...] = shown("filters as hidden fields, so that a form comes back to the same view")
    people: tuple[str, ...] = shown("whom a case can be assigned to")
    first_day: str = shown("first ISO day that a case can be put off to")
    last_day: str = shown("last ISO day that a case can be put off to")
    put_off: str = shown("ISO day that the form proposes")
    flash: Flash | None = shown("what the last form did")


@dataclass(frozen=True)
class Wanted:
    """What of the queue is asked for."""

    chosen: Mapping[str, str]
    search: str
    page: int

    @property
    def plain(self) -> Mapping[str, str]:
        """The filters that say what a case is about, not who has it."""
        return {name: value for name, value in self.chosen.items() if name not in ("show", "assignee")}

    def href(self, page: int) -> str:
        """The same at another page."""
        named = {**self.chosen, "q": self.search, "page": str(page) if page > 1 else ""}
        query = urlencode({name: value for name, value in named.items() if value})
        return f"/queue?{query}" if query else "/queue"


def show(call: Call) -> Response:
    """The queue page."""
    return render(call, queue_page(call, wanted(call.query), datetime.now(UTC)))


def wanted(given: Mapping[str, str]) -> Wanted:
    """The filters of a query or a form; what is none is left out."""
    chosen = {name: given.get(name, "")[:200] for name in FILTERS}
    page = given.get("page", "")
    return Wanted(chosen, given.get("q", "").strip()[:200], int(page) if page.isdecimal() and len(page) < 6 else 1)


def queue_page(call: Call, want: Wanted, at: datetime) -> QueuePage:
    """One page of the queue, as one person sees it."""
    conditions = conditions_of(want, call.user.name, at)
    offset = (max(want.page, 1) - 1) * ROWS
    with reading(call.services.engine) as con:
        total = con.scalar(sa.select(sa.func.count()).select_from(CASES).where(*conditions)) or 0
        cases = book.newest(con, conditions, ROWS, offset)
        hidden = book.withheld(con, {case.seller_id for case in cases})
        there = _values(con)
        filters = tuple(_filter(name, want.chosen[name], there) for name in FILTERS)
        people = tuple(con.scalars(sa.select(PEOPLE.c.name).where(PEOPLE.c.role.in_(STAFF)).order_by(PEOPLE.c.name)))
        flash = flash_of(con, call, at)
    return QueuePage(
        title=texts.plain("queue.title"),
        rows=tuple(_row(case, hidden, at) for case in cases),
        total=total,
        first=offset + 1,
        capacity=call.services.review.capacity,
        filters=filters,
        search=want.search,
        narrowed=bool(want.search or any(want.chosen.values())),
        before=want.href(want.page - 1) if want.page > 1 else "",
        after=want.href(want.page + 1) if offset + ROWS < total else "",
        kept=tuple(Option(name, value) for name, value in {**want.chosen, "q": want.search}.items() if value),
        people=people,
        **put_off_days(at.date()),
        flash=flash,
    )


def conditions_of(want: Wanted, me: str, at: datetime) -> list[sa.ColumnElement[bool]]:
    """What a case must be to be shown: live, and not put off unless that is asked for."""
    put_off = (CASES.c.state == SNOOZED) & (CASES.c.snoozed_until > written(at))
    state = put_off if want.chosen["show"] == "put_off" else CASES.c.state.in_(LIVE) & ~put_off
    found = [state, *book.matching(want.plain, want.search)]
    held = (CASES.c.state == TAKEN) & (CASES.c.locked_until > written(at))
    match want.chosen["assignee"]:
        case "me":
            found.append(held & (CASES.c.assignee == me))
        case "nobody":
            found.append(~held)
    return found


CHOICES: Mapping[str, Sequence[str]] = {
    "risk": ("returns", "service"),
    "band": ("review", "watch", "clear"),
    "tenure": tuple(book.TENURES),
    "assignee": (ME, NOBODY),
    "show": ("put_off",),
}
FILTERS = ("risk", "category", "region", "size", "tenure", "fulfilment", "family", "assignee", "show")


def _values(con: sa.Connection) -> Mapping[str, Sequence[str]]:
    """What the live cases have in each column that can be filtered by: one reading of them for all."""
    columns = [CASES.c[name] for name in VALUES]
    rows = con.execute(sa.select(*columns).where(CASES.c.state.in_(LIVE)).distinct()).all()
    return {name: sorted({row[i] for row in rows} - {""}) for i, name in enumerate(VALUES)}


def _filter(name: str, value: str, there: Mapping[str, Sequence[str]]) -> Filter:
    options = tuple(_options(name, there))
    every = Option("", texts.plain(f"filter.all_{name}" if name == "show" else "filter.all"))
    return Filter(name, texts.plain(f"filter.{name}"), value, (every, *options))


def _options(name: str, there: Mapping[str, Sequence[str]]) -> list[Option]:
    if name in CHOICES:
        return [Option(value, texts.plain(f"filter.{name}_{value}")) for value in CHOICES[name]]
    return [Option(value, texts.plain(f"family.{value}") if name == "family" else value) for value in there[name]]


def put_off_days(today: date) -> dict[str, str]:
    """First, last and proposed day for putting a case off, as ISO days by the name of the page's field."""
    ahead = {"first_day": 1, "last_day": LONGEST_SNOOZE_DAYS, "put_off": PUT_OFF_DAYS}
    return {name: (today + timedelta(days=days)).isoformat() for name, days in ahead.items()}


def _row(case: Case, withheld: Mapping[tuple[str, str], str], at: datetime) -> QueueRow:
    facts, hidden = case.facts, withheld.get((case.seller_id, case.risk), "")
    score, why = hidden != "score", hidden != "reasons"
    risks = {
        name: RiskInRow(name, r.probability, *r.interval_90, r.band)
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
