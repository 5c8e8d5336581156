"""The review pages without their words: what a reviewer, a manager and a seller see and send, for the proof.

Every page that a link leads to is read, at most a few of each kind. Then a case is taken, noted and decided, a seller
objects, and a second reviewer answers an objection. A page is the list of its links, form fields, data attributes,
shapes of its charts and numbers in the text, in their order. Ids and the forms' tokens are numbered or left out.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import httpx

MOST = 8  # pages of one kind, by path without ids and by names in the query
ID = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
NUMBER = re.compile(r"[-+\u2212]?\d(?:[\d.,:]*\d)?%?")
FIELDS = frozenset({"input", "select", "textarea", "button", "option"})
SHAPES = frozenset({"d", "points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "viewbox"})
FORMS = frozenset({"action", "method", "name", "value", "type", "checked"})
ATTRIBUTES = SHAPES | FORMS | {"href", "datetime", "style"}
TOKEN = "csrf"  # noqa: S105 - the name of a form's field
FACTS = "We have read the orders behind these figures. They have one thing in common, which we would like to show you."
NARROWED = ("risk=returns", "size=small", "fulfilment=seller", "tenure=new", "family=items", "q=s0003", "page=2")
REASON = "The parcel was handed over in time. The carrier scanned it a week late, as its tracking page shows."
Walked = dict[str, list[str]]
AddUser = Callable[[str, str, str], object]  # name, role, seller_id
OrderOf = Callable[[str], str]  # an order of a seller's


@dataclass
class Form:
    """Where a form goes, and what it sends as it stands."""

    action: str
    sends: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, value: str) -> None:
        """One field more."""
        self.sends.setdefault(name, []).append(value)


class Reader(HTMLParser):
    """What is left of a page without its words, its links and its forms."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.open: list[str] = []
        self.ids: dict[str, str] = {}
        self.select = ""
        self.area = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Attributes that count."""
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self.open.append(tag)
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.append(given["href"])
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        if tag in FIELDS and self.forms:
            self.keep_field(tag, given)
        if given.get("name") == TOKEN:
            given["value"] = ""
        for name, value in given.items():
            if name in ATTRIBUTES or name.startswith("data-"):
                self.found.append(f"{tag} {name}={self.plain(value)}")

    def keep_field(self, tag: str, given: Mapping[str, str]) -> None:
        """What the last form sends of a field that nobody touches."""
        form, name, value = self.forms[-1], given.get("name", ""), given.get("value", "")
        if tag == "select":
            self.select = name
        elif tag == "textarea":
            self.area = name
            form.add(name, "")
        elif tag == "option" and self.select and ("selected" in given or self.select not in form.sends):
            form.sends[self.select] = [value]
        elif tag == "input" and name and (given.get("type") not in ("radio", "checkbox") or "checked" in given):
            form.add(name, value)

    def handle_endtag(self, tag: str) -> None:
        """Where a script, a select or a text area ends."""
        if self.open and tag == self.open[-1]:
            self.open.pop()
        self.select = "" if tag == "select" else self.select
        self.area = "" if tag == "textarea" else self.area

    def handle_data(self, data: str) -> None:
        """Numbers."""
        if self.area and self.forms:
            self.forms[-1].sends[self.area][-1] += data
        if not self.open:
            self.found += NUMBER.findall(self.numbered(data))

    def plain(self, value: str) -> str:
        """An attribute without words and ids."""
        value = self.numbered(value)
        return value if not re.search(r"\s", value) else " ".join(NUMBER.findall(value))

    def numbered(self, text: str) -> str:
        """Ids by the order in which the page shows them."""
        return ID.sub(lambda one: self.ids.setdefault(one[0], f"id-{chr(97 + len(self.ids) % 26)}"), text)

    def form(self, part: str) -> Form | None:
        """The first form with this in its address."""
        return next((one for one in self.forms if part in one.action), None)


@dataclass
class Person:
    """Somebody who is logged in, and what they have seen."""

    name: str
    client: httpx.Client
    seen: Walked
    pages: dict[str, Reader] = field(default_factory=dict)

    def read(self, answer: httpx.Response) -> Reader:
        """Keep an answer without its words."""
        kind = answer.headers.get("content-type", "").split(";")[0]
        page = Reader(answer.text if kind == "text/html" else "")
        body = page.found if kind == "text/html" else NUMBER.findall(ID.sub("id", answer.text))
        heads = answer.text.split("\n")[:1] if kind == "text/csv" else []
        address = ID.sub("id", str(answer.url.raw_path, "ascii"))
        self.seen[f"{self.name} {len(self.seen):03} {address}"] = [str(answer.status_code), kind, *heads, *body]
        return page

    def get(self, path: str) -> Reader:
        """A page."""
        self.pages[path] = self.read(self.client.get(path))
        return self.pages[path]

    def send(self, form: Form | None, **given: str) -> Reader:
        """What a form answers when it is sent with these fields beside its own; no such form: an empty page."""
        if form is None:
            self.seen[f"{self.name} {len(self.seen):03} (no such form)"] = sorted(given)
            return Reader("")
        return self.read(self.client.post(form.action, data=form.sends | {n: [v] for n, v in given.items()}))

    def walk(self, start: str) -> None:
        """Every page that links lead to, a few of each kind."""
        waiting, known, kinds = deque([start]), {start}, Counter[tuple[str, ...]]()
        while waiting:
            path = waiting.popleft()
            kinds[kind_of(path)] += 1
            if kinds[kind_of(path)] > MOST:
                continue
            for link in (one.split("#")[0] for one in self.get(path).links):
                if link not in known:
                    known.add(link)
                    waiting.append(link)


def kind_of(path: str) -> tuple[str, ...]:
    """The address without what differs from page to page of one kind."""
    parts = urlsplit(path)
    masked = ("*" if re.search(r"\d", part) else part for part in parts.path.split("/"))
    return "/".join(masked), *sorted(name for name, _ in parse_qsl(parts.query))


def pages(address: str, add_user: AddUser, order_of: OrderOf, password: str) -> Walked:
    """What everybody sees, then what their forms do."""
    seen: Walked = {}
    add_user("anna", "reviewer", "")
    add_user("ben", "reviewer", "")
    add_user("mara", "manager", "")
    with login(address, "anna", password, seen) as anna, login(address, "ben", password, seen) as ben:
        anna.walk("/")
        for query in NARROWED:
            anna.get(f"/queue?{query}")
        seller_id = first_seller(anna)
        add_user("owner", "seller", seller_id)
        with login(address, "mara", password, seen) as mara, login(address, "owner", password, seen) as owner:
            mara.walk("/")
            owner.walk("/")
            for path in [path for path in owner.pages if path.startswith("/standing/letter/")]:
                anna.get(path.removeprefix("/standing"))
            decide(anna)
            put_off(ben)
            page = owner.get(f"/standing/object?order={order_of(seller_id)}")
            owner.send(page.form("/standing/objections"), row="whole", reason=REASON)
            answer(ben)
            mara.get("/figures")
            owner.get("/standing")
    return seen


def first_seller(person: Person) -> str:
    """The first seller whose page was read."""
    return next(path for path in person.pages if path.startswith("/seller/")).split("?")[0].split("/")[2]


def take(person: Person) -> Reader:
    """The page of the next case, taken."""
    return person.send(person.get("/queue").form("/queue/take-next"))


def decide(person: Person) -> None:
    """Note something about a case, look, decide, take it back, and decide again."""
    page = person.send(take(person).form("/note"), note="Seen.")
    if page.form("/first_look"):
        page = person.send(page.form("/first_look"), said="act")
    page = person.send(page.form("/decide"), kind="coaching", facts=FACTS)
    page = person.send(page.form("/undo"))
    person.send(page.form("/decide"), kind="order_cap", facts=FACTS)


def put_off(person: Person) -> None:
    """Release a case, put one off, hand one over, and say what another reviewer's case needed."""
    person.send(take(person).form("/release"))
    person.send(take(person).form("/snooze"), until="2025-04-02")
    person.send(take(person).form("/assign"), to="anna")
    person.send(person.get("/second").form("/second/"), said="act")


def answer(person: Person) -> None:
    """Answer the first objection that may be answered."""
    for link in [one for one in person.get("/objections").links if one.startswith("/objection/")]:
        form = person.get(link).form(link)
        if form:
            person.send(form, verdict="grant", answer=REASON, take_back="yes")
            return


@contextmanager
def login(address: str, name: str, password: str, seen: Walked) -> Iterator[Person]:
    """Somebody who has gone in by the form."""
    with httpx.Client(base_url=address, follow_redirects=True, timeout=120) as client:
        person = Person(name, client, seen)
        person.send(person.get("/login").form("/login"), name=name, password=password)
        yield person
