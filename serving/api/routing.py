"""The routes that exist: what each takes and gives, which roles may ask, and who answers."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.responses import Response

from core.settings import Settings
from serving.api.auth import Authenticator
from serving.database.api_keys import ROLES, Role
from serving.deployment.background import RegistryFreshness
from serving.problems import Problem, ProblemError, refuse

if TYPE_CHECKING:  # brings LightGBM, which BentoML's parent process has no use for
    from serving.scoring.service import ScoringService

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # every id in a path is one that we gave out; no dot, no slash, no line break


@dataclass(frozen=True)
class Route:
    """One method of one path; a part of the path in braces is a parameter.

    name: of the operation, in the document and in clients made from it. answer: the model of a 200; None where it is
    plain text or a page. handle: None where BentoML answers: its probes. problems: the kinds that this route answers
    with, beside those that every route may. roles: who may ask, beside admin.
    """

    name: str
    method: str
    path: str
    summary: str
    handle: "Handler | None" = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    media_type: str = "application/json"
    problems: tuple[str, ...] = ()
    roles: frozenset[Role] = frozenset(ROLES)
    probe: bool = False  # asked by what can hold no key: says 200 or 503, and nothing else
    idempotent: bool = False  # takes an Idempotency-Key
    example: Mapping[str, Any] | None = None  # of the body

    @property
    def methods(self) -> tuple[str, ...]:
        """GET stands for HEAD too."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


@dataclass(frozen=True)
class AppState:
    """The settings, who may ask, and the model, store and records that scores come from."""

    settings: Settings
    authenticator: Authenticator
    scoring: "ScoringService"
    freshness: RegistryFreshness


@dataclass(frozen=True)
class Call:
    """A request that the middleware let through. raw: the bytes of the body."""

    route: Route
    state: AppState
    routes: "Routes"
    path: Mapping[str, str] = field(default_factory=dict)
    headers: Headers = field(default_factory=Headers)
    query: BaseModel | None = None
    body: BaseModel | None = None
    raw: bytes = b""
    caller: str = ""  # id of the API key


Handler = Callable[[Call], Awaitable[Response]]


class Routes:
    """The table; what is not in it does not exist."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        self._by_path: dict[str, dict[str, Route]] = {}
        for route in self.all:
            self._by_path.setdefault(route.path, {}).update(dict.fromkeys(route.methods, route))
        self._templates = {path: path.split("/") for path in self._by_path if "{" in path}

    def template(self, path: str) -> str | None:
        """The path of the table that a request's path stands for."""
        if path in self._by_path and path not in self._templates:
            return path
        parts = path.split("/")
        return next((name for name, wanted in self._templates.items() if _fits(wanted, parts)), None)

    def is_probe(self, template: str) -> bool:
        """Whether a path of the table is asked by what can hold no key."""
        return any(route.probe for route in self._by_path.get(template, {}).values())

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and its parameters; ProblemError when there is none, or when a parameter can be no id of ours."""
        template = self.template(path)
        if template is None:
            raise refuse("not-found", "The paths are listed at /docs.json.")
        by_method = self._by_path[template]
        if method not in by_method:
            allowed = ", ".join(by_method)
            raise ProblemError(Problem("method-not-allowed", f"Use {allowed}."), {"Allow": allowed})
        return by_method[method], _parameters(self._templates.get(template, []), path)


def _fits(wanted: list[str], parts: list[str]) -> bool:
    """Whether the parts are those of the template; an empty part is never a parameter."""
    if len(wanted) != len(parts):
        return False
    return all(want == part or (want[:1] == "{" and part) for want, part in zip(wanted, parts, strict=True))


def _parameters(wanted: list[str], path: str) -> dict[str, str]:
    pairs = zip(wanted, path.split("/"), strict=True) if wanted else ()
    found = {name[1:-1]: value for name, value in pairs if name[:1] == "{"}
    wrong = [name for name, value in found.items() if not ID.fullmatch(value)]
    if wrong:
        errors = [{"pointer": f"/{name}", "detail": f"It must match {ID.pattern}."} for name in wrong]
        raise refuse("invalid-request", "A parameter of the path is not a valid id.", errors=errors)
    return found
