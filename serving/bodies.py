"""What a request carries: a body of strict JSON under a byte cap, a query of known parameters, each held to a model."""

import asyncio
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from serving import strict
from serving.problems import Refused, invalid, refuse
from serving.routes import Route

BODY_BYTES = 2 * 1024 * 1024
BODY_SECONDS = 10.0
QUERY_FIELDS = 20


async def read(headers: Headers, receive: Receive) -> bytes:
    """The body, once its headers allow it and it has arrived; Refused before it is parsed."""
    _check_headers(headers)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collect(receive)
    except TimeoutError:
        raise refuse("timeout", f"A body has {BODY_SECONDS:g} seconds to arrive.") from None


def checked(body: bytes, model: type[BaseModel]) -> BaseModel:
    """The body as its model."""
    strict.parse(body)
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
        raise refuse("invalid-request", "The query can be read in two ways, or is too long.") from None
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


def _too_large() -> Refused:
    return refuse("too-large", f"A body may have {BODY_BYTES} bytes; ask for fewer sellers at a time.")


def _invalid(error: ValidationError) -> Refused:
    return invalid(error.errors(include_url=False, include_context=False, include_input=False))
