"""A request to a page, the person who sends it, the route that answers, and the refusal that may follow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from serving.casework.cases.case import Person

if TYPE_CHECKING:
    from serving.review.web.services import Services


@dataclass(frozen=True)
class Visitor:
    """A person in a session; csrf is the token that every form of the session carries."""

    user: Person
    csrf: str


@dataclass(frozen=True)
class PageRequest:
    """One request whose login, token and size have been checked."""

    services: "Services"
    visitor: Visitor | None
    path: str
    params: Mapping[str, str] = field(default_factory=dict)  # of the path
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    client: str = ""

    @property
    def user(self) -> Person:
        """The person who is logged in; pages without roles must not read it."""
        if self.visitor is None:
            raise RuntimeError("this page was answered without a login")
        return self.visitor.user

    def value(self, name: str, default: str = "") -> str:
        """The first value of a form's field, without spaces around it."""
        values = self.form.get(name) or [default]
        return values[0].strip()


@dataclass(frozen=True)
class PageRoute:
    """One route: who may open it, and the function that answers. roles: () is for everybody, logged in or not."""

    method: str
    path: str
    roles: tuple[str, ...]
    answer: Callable[[PageRequest], Response]
    name: str = ""  # of the page, for the documentation


class Refusal(Exception):  # noqa: N818 - what is refused is the request
    """A request that is answered with an error page: its status, the message id of what happened, and the way on."""

    def __init__(self, status: int, message: str = "", back: str = "", **values: Any) -> None:
        super().__init__(message or str(status))
        self.status, self.message, self.back, self.values = status, message, back, values
