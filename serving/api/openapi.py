"""The OpenAPI 3.1 document: made from the table of routes, their models and the kinds of problems."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.api.routing import ID, Route, Routes
from serving.api.schema.score import InvalidShown
from serving.database.api_keys import ROLES
from serving.problems import KINDS, MEDIA_TYPE

REFERENCE = "#/components/schemas/{model}"
ALWAYS = ("internal-error", "deadline")
WITH_KEY = ("unauthorized", "too-many-requests", "overloaded")
WITH_BODY = ("malformed-json", "timeout", "too-large", "unsupported-media-type", "invalid-request")
SCHEME = "key"
KEYS = "An API key: `foresell keys create NAME --role score` makes one."
ABOUT = "Tells which sellers are about to breach a performance standard, weeks before they do, and why."
RETRY = {"description": "seconds after which to try again", "schema": {"type": "integer"}}
ASKED = {"description": "the caller's own, or one of the service's", "schema": {"type": "string"}}
HEADERS = {"X-Request-ID": ASKED}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A request sent again with the same key and body gets the same bytes, and is recorded once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def document(routes: Routes) -> dict[str, Any]:
    """The API as OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes.all:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Foresell", "version": "v1", "description": ABOUT},
        "paths": paths,
        "security": [{SCHEME: []}],
        "components": {
            "schemas": _schemas(routes.all),
            "securitySchemes": {SCHEME: {"type": "http", "scheme": "bearer", "description": KEYS}},
        },
    }


def kinds_of(route: Route) -> tuple[str, ...]:
    """Every kind of problem that a route may answer with."""
    takes = WITH_BODY if route.body else ("invalid-request",) if route.query or "{" in route.path else ()
    again = ("idempotency-mismatch", "erased") if route.idempotent else ()
    keyed = () if route.probe else WITH_KEY
    return tuple(dict.fromkeys([*keyed, *takes, *again, *route.problems, *ALWAYS]))


def _operation(route: Route) -> dict[str, Any]:
    said: dict[str, Any] = {"operationId": route.name, "summary": route.summary, "responses": _responses(route)}
    if route.probe:
        said["security"] = []
    elif missing := sorted({*ROLES} - {*route.roles, "admin"}):
        said["description"] = f"Not for keys of {' or '.join(missing)} alone."
    if parameters := _parameters(route):
        said["parameters"] = parameters
    if route.body:
        said["requestBody"] = {"required": True, "content": _json(route.body, example=route.example)}
    return said


def _responses(route: Route) -> dict[str, Any]:
    binary = {} if route.media_type.startswith(("text/", "application/json")) else {"format": "binary"}
    text = {route.media_type: {"schema": {"type": "string", **binary}}}
    answer = {
        "description": route.summary,
        "headers": HEADERS,
        "content": _json(route.answer) if route.answer else text,
    }
    by_status: dict[str, list[str]] = {}
    for kind in kinds_of(route):
        by_status.setdefault(str(KINDS[kind][0]), []).append(kind)
    return {"200": answer} | {status: _problem(kinds) for status, kinds in sorted(by_status.items())}


def _problem(kinds: Sequence[str]) -> dict[str, Any]:
    said = "; ".join(f"{KINDS[kind][1]} (`/problems/{kind}`)" for kind in kinds)
    headers = HEADERS | ({"Retry-After": RETRY} if {KINDS[kind][0] for kind in kinds} & {429, 503} else {})
    return {"description": said, "headers": headers, "content": _json(InvalidShown, MEDIA_TYPE)}


def _parameters(route: Route) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.path.split("/") if part[:1] == "{"]
    inside = [{"name": n, "in": "path", "required": True, "schema": _text(ID.pattern)} for n in names]
    asked = [_asked(name, schema, route.query) for name, schema in _properties(route.query).items()]
    return [*inside, *asked, *([KEY] if route.idempotent else [])]


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{pattern}$"}


def _properties(model: type[BaseModel] | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = model.model_json_schema(ref_template=REFERENCE)["properties"] if model else {}
    return found


def _asked(name: str, schema: Mapping[str, Any], model: type[BaseModel] | None) -> dict[str, Any]:
    plain = {k: v for k, v in schema.items() if k not in ("title", "description")}
    required = bool(model and model.model_fields[name].is_required())
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": schema.get("description", ""),
        "schema": plain,
    }


def _schemas(routes: Iterable[Route]) -> Any:
    takes = {(route.body, "validation"): None for route in routes if route.body}
    gives = {(route.answer, "serialization"): None for route in routes if route.answer}
    pairs: list[Any] = [*takes, *gives, (InvalidShown, "serialization")]
    _, schemas = models_json_schema(pairs, ref_template=REFERENCE)
    return schemas["$defs"]


def _json(model: type[BaseModel], media_type: str = "application/json", example: Any = None) -> dict[str, Any]:
    shown = {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}
    return {media_type: shown | ({"example": dict(example)} if example else {})}
