"""The service's log: one JSON object a line, each with its request's id, none with a value of a request."""

import logging
import sys
from functools import cache
from typing import Any

import structlog
from pydantic_core import to_json
from structlog.types import Processor

REQUEST_ID = "request_id"
STAMPS: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure() -> None:
    """Write the messages of `foresell` as JSON lines to standard error; BentoML's own keep their form."""
    render = structlog.processors.JSONRenderer(serializer=_serialized)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _traced, render],
            foreign_pre_chain=[*STAMPS, structlog.stdlib.add_log_level],
        )
    )
    logger = logging.getLogger("foresell")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)


def begin(request_id: str) -> None:
    """Give every line that follows in this request its id."""
    structlog.contextvars.bind_contextvars(request_id=request_id)


def answered(route: str, method: str, status: int, seconds: float, key_id: str, problem: str) -> None:
    """One line for one answer."""
    said = {"route": route, "method": method, "status": status, "ms": round(1000 * seconds, 2), "key_id": key_id}
    _requests().info("answered", **said, **({"problem": problem} if problem else {}))


@cache
def _requests() -> Any:
    render = structlog.processors.JSONRenderer(serializer=_serialized)
    return structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr), processors=[*STAMPS, render], wrapper_class=structlog.BoundLogger
    )


def _serialized(event: Any, **_: Any) -> str:
    return to_json(event, fallback=str).decode()


def _traced(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Where an error came from: file, line and kind of each, without its message, which may hold what a caller sent."""
    caught = event.pop("exc_info", None)
    if caught:
        kind, _error, trace = caught if isinstance(caught, tuple) else sys.exc_info()
        event["error"] = kind.__name__ if kind else ""
        event["trace"] = _places(trace)
    return event


def _places(trace: Any) -> list[str]:
    found = []
    while trace:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found
