"""Filters and search of the queue, and whether it shows the cases that are put off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import sqlalchemy as sa

from serving.casework.cases import case_repository
from serving.casework.cases.case import LIVE, SNOOZED, TAKEN
from serving.database.clock import written
from serving.database.tables.casework import CASES
from serving.review.pages import texts
from serving.review.pages.page import shown

VALUES = ("category", "region", "size", "fulfilment", "family")  # filters whose options are what the cases have
ME, NOBODY = "me", "nobody"
CHOICES: Mapping[str, Sequence[str]] = {
    "risk": ("returns", "service"),
    "tenure": tuple(case_repository.TENURES),
    "assignee": (ME, NOBODY),
    "show": ("put_off",),
}
FILTERS = ("risk", "category", "region", "size", "tenure", "fulfilment", "family", "assignee", "show")


@dataclass(frozen=True)
class FilterOption:
    """A value of a filter."""

    value: str = shown("what the form sends")
    text: str = shown("what it says")


@dataclass(frozen=True)
class QueueFilter:
    """One filter of the queue."""

    name: str = shown("the form's field")
    label: str = shown("its label")
    value: str = shown("what is chosen; empty for all")
    options: tuple[FilterOption, ...] = shown("what can be chosen, all first")


@dataclass(frozen=True)
class QueueQuery:
    """The filters, search and page of the queue that a request asks for."""

    chosen: Mapping[str, str]
    search: str
    page: int

    @property
    def plain(self) -> Mapping[str, str]:
        """The filters by what a case is about, without those by who has it."""
        return {name: value for name, value in self.chosen.items() if name not in ("show", "assignee")}

    def href(self, page: int) -> str:
        """The same at another page."""
        named = {**self.chosen, "q": self.search, "page": str(page) if page > 1 else ""}
        query = urlencode({name: value for name, value in named.items() if value})
        return f"/queue?{query}" if query else "/queue"


def queue_query(given: Mapping[str, str]) -> QueueQuery:
    """The filters of a query or a form; unknown fields are ignored."""
    chosen = {name: given.get(name, "")[:200] for name in FILTERS}
    page = given.get("page", "")
    return QueueQuery(chosen, given.get("q", "").strip()[:200], int(page) if page.isdecimal() and len(page) < 6 else 1)


def conditions_of(want: QueueQuery, me: str, at: datetime) -> list[sa.ColumnElement[bool]]:
    """Conditions of the cases that a query shows: live, and not put off unless it asks for those."""
    put_off = (CASES.c.state == SNOOZED) & (CASES.c.snoozed_until > written(at))
    state = put_off if want.chosen["show"] == "put_off" else CASES.c.state.in_(LIVE) & ~put_off
    found = [state, *case_repository.matching(want.plain, want.search)]
    locked = (CASES.c.state == TAKEN) & (CASES.c.locked_until > written(at))
    match want.chosen["assignee"]:
        case "me":
            found.append(locked & (CASES.c.assignee == me))
        case "nobody":
            found.append(~locked)
    return found


def values_there(con: sa.Connection) -> Mapping[str, Sequence[str]]:
    """The values of the live cases in each filter column, read in one query."""
    columns = [CASES.c[name] for name in VALUES]
    rows = con.execute(sa.select(*columns).where(CASES.c.state.in_(LIVE)).distinct()).all()
    return {name: sorted({row[i] for row in rows} - {""}) for i, name in enumerate(VALUES)}


def filter_of(name: str, value: str, there: Mapping[str, Sequence[str]]) -> QueueFilter:
    options = tuple(_options(name, there))
    every = FilterOption("", texts.plain(f"filter.all_{name}" if name == "show" else "filter.all"))
    return QueueFilter(name, texts.plain(f"filter.{name}"), value, (every, *options))


def _options(name: str, there: Mapping[str, Sequence[str]]) -> list[FilterOption]:
    if name in CHOICES:
        return [FilterOption(value, texts.plain(f"filter.{name}_{value}")) for value in CHOICES[name]]
    return [FilterOption(value, texts.plain(f"family.{value}") if name == "family" else value) for value in there[name]]
