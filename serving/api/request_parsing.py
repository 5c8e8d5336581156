"""What a request carries: a body of strict JSON under a byte cap, a query of known parameters, each held to a model.

Strict JSON is RFC 8259 with one value per name, finite numbers, valid text, and no deeper than any request needs.
"""

import asyncio
import json
import math
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json
from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from serving.api.routing import Route
from serving.problems import ProblemError, invalid, refuse

BODY_BYTES = 2 * 1024 * 1024
BODY_SECONDS = 10.0
QUERY_FIELDS = 20
DEPTH = 8


async def read(headers: Headers, receive: Receive) -> bytes:
    """The body, once its headers allow it and it has arrived; ProblemError before it is parsed."""
    _check_headers(headers)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collect(receive)
    except TimeoutError:
        raise refuse("timeout", f"A body must arrive within {BODY_SECONDS:g} seconds.") from None


def checked(body: bytes, model: type[BaseModel]) -> BaseModel:
    """The body as its model."""
    parse_strict(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(error) from None


def query(scope: Scope, route: Route) -> BaseModel | None:
    """The parameters after the question mark: each once, and only those that the route takes."""
    if not scope["query_string"] and route.query is None:
        return None
    try:
        text = scope["query_string"].decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS)
    except ValueError:
        raise refuse("invalid-request", "The query is ambiguous or too long.") from None
    given = dict(pairs)
    if len(given) < len(pairs) or (given and route.query is None):
        raise refuse("invalid-request", "A parameter occurs twice, or this path takes none.")
    try:
        return route.query.model_validate_strings(given) if route.query else None
    except ValidationError as error:
        raise _invalid(error) from None


def _check_headers(headers: Headers) -> None:
    media_type = headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json" or headers.get("content-encoding", "identity") != "identity":
        raise refuse("unsupported-media-type", "Send application/json without content encoding.")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_BYTES:
        raise _too_large()


async def _collect(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> ProblemError:
    return refuse("too-large", f"A body may have {BODY_BYTES} bytes; send fewer sellers per request.")


def _invalid(error: ValidationError) -> ProblemError:
    return invalid(error.errors(include_url=False, include_context=False, include_input=False))


def parse_strict(body: bytes) -> Any:
    """The value in the body; ProblemError where two readers could take it for two things."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise refuse("malformed-json", f"The body is not UTF-8 at byte {error.start}.") from None
    except json.JSONDecodeError as error:
        raise refuse("malformed-json", f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except (RecursionError, ValueError):  # a number of thousands of digits is a ValueError
        raise refuse("malformed-json", "The body is nested too deeply, or a number has too many digits.") from None
    _check_depth(value)
    _check_text(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise refuse("malformed-json", "A name occurs twice in one object.")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise refuse("malformed-json", "A number is too large.")
    return number


def _no_constant(name: str) -> None:
    raise refuse("malformed-json", f"{name} is not a JSON number.")


def _check_depth(value: Any) -> None:
    """Level by level, so that nothing recurses."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH):
        inner = (x for outer in level for x in (outer.values() if isinstance(outer, dict) else outer))
        level = [x for x in inner if isinstance(x, dict | list)]
        if not level:
            return
    raise refuse("malformed-json", f"The body is nested deeper than {DEPTH} levels.")


def _check_text(value: Any) -> None:
    """Python takes half of a surrogate pair for text; UTF-8 cannot hold it."""
    try:
        to_json(value)
    except PydanticSerializationError:
        raise refuse("malformed-json", "A text is not valid Unicode: it has an unpaired surrogate.") from None
