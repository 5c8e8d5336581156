"""What narrows the queue: filters, the search, and whether to see what is put off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import sqlalchemy as sa

from serving.casework import book
from serving.casework.cases import LIVE, SNOOZED, TAKEN
from serving.records.clock import written
from serving.records.tables.casework import CASES
from serving.review import texts
from serving.review.page import shown

VALUES = ("category", "region", "size", "fulfilment", "family")  # filters whose options are what the cases have
ME, NOBODY = "me", "nobody"
CHOICES: Mapping[str, Sequence[str]] = {
    "risk": ("returns", "service"),
    "tenure": tuple(book.TENURES),
    "assignee": (ME, NOBODY),
    "show": ("put_off",),
}
FILTERS = ("risk", "category", "region", "size", "tenure", "fulfilment", "family", "assignee", "show")


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


def wanted(given: Mapping[str, str]) -> Wanted:
    """The filters of a query or a form; what is none is left out."""
    chosen = {name: given.get(name, "")[:200] for name in FILTERS}
    page = given.get("page", "")
    return Wanted(chosen, given.get("q", "").strip()[:200], int(page) if page.isdecimal() and len(page) < 6 else 1)


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


def values_there(con: sa.Connection) -> Mapping[str, Sequence[str]]:
    """What the live cases have in each column that can be filtered by: one reading of them for all."""
    columns = [CASES.c[name] for name in VALUES]
    rows = con.execute(sa.select(*columns).where(CASES.c.state.in_(LIVE)).distinct()).all()
    return {name: sorted({row[i] for row in rows} - {""}) for i, name in enumerate(VALUES)}


def filter_of(name: str, value: str, there: Mapping[str, Sequence[str]]) -> Filter:
    options = tuple(_options(name, there))
    every = Option("", texts.plain(f"filter.all_{name}" if name == "show" else "filter.all"))
    return Filter(name, texts.plain(f"filter.{name}"), value, (every, *options))


def _options(name: str, there: Mapping[str, Sequence[str]]) -> list[Option]:
    if name in CHOICES:
        return [Option(value, texts.plain(f"filter.{name}_{value}")) for value in CHOICES[name]]
    return [Option(value, texts.plain(f"family.{value}") if name == "family" else value) for value in there[name]]
