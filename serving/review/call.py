"""What a page is asked, and by whom."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from serving.review.services import Services

REVIEWER, MANAGER, SELLER = "reviewer", "manager", "seller"
ROLES = (REVIEWER, MANAGER, SELLER)
STAFF = (REVIEWER, MANAGER)


@dataclass(frozen=True)
class User:
    """A person with a login. seller_id: the one seller whose pages the role seller may see."""

    name: str
    role: str
    seller_id: str = ""


@dataclass(frozen=True)
class Visitor:
    """A user in a session; csrf is the token that every form of the session carries."""

    user: User
    csrf: str


@dataclass(frozen=True)
class Call:
    """One request, checked: its login, its token and its size are as they must be."""

    services: "Services"
    visitor: Visitor | None
    path: str
    params: Mapping[str, str] = field(default_factory=dict)  # of the path
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    client: str = ""

    @property
    def user(self) -> User:
        """Who asks; only pages without roles may be asked by nobody."""
        if self.visitor is None:
            raise RuntimeError("this page was answered without a login")
        return self.visitor.user

    def value(self, name: str, default: str = "") -> str:
        """The first value of a form's field, without spaces around it."""
        values = self.form.get(name) or [default]
        return values[0].strip()


@dataclass(frozen=True)
class View:
    """One route: who may ask, and what answers. roles: () is for everybody, logged in or not."""

    method: str
    path: str
    roles: tuple[str, ...]
    answer: Callable[[Call], Response]
    name: str = ""  # of the page, for the documentation


class Refusal(Exception):  # noqa: N818 - what is refused is the request
    """A request that is answered with an error page: its status, the message id of what happened, and the way on."""

    def __init__(self, status: int, message: str = "", back: str = "", **values: Any) -> None:
        super().__init__(message or str(status))
        self.status, self.message, self.back, self.values = status, message, back, values
