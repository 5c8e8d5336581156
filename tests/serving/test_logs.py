"""The service's log: JSON lines with a request's id, where an error came from, and nothing that a caller sent."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from serving.api import logs


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written to standard error from here on."""
    out, logger = io.StringIO(), logging.getLogger("foresell")
    before = logger.handlers, logger.propagate, logger.level
    monkeypatch.setattr(sys, "stderr", out)
    logs._requests.cache_clear()
    logs.configure()
    logs._requests()  # pytest puts its own standard error back before the test
    yield out
    logger.handlers, logger.propagate, logger.level = before
    logs._requests.cache_clear()


def lines(said: io.StringIO) -> list[dict[str, object]]:
    """Each line as JSON."""
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_every_line_of_a_request_has_its_id(said: io.StringIO) -> None:
    logs.begin("abc")
    logging.getLogger("foresell").warning("The registry did not answer in %g seconds", 10)
    logs.answered("/v1/score", "POST", 200, 0.0042, "k1", "")
    logs.answered("/v1/score", "POST", 422, 0.001, "k1", "invalid-request")
    first, second, third = lines(said)
    assert (first["request_id"], first["level"], first["event"]) == (
        "abc",
        "warning",
        "The registry did not answer in 10 seconds",
    )
    assert {name: second[name] for name in ("event", "request_id", "route", "status", "ms", "key_id")} == {
        "event": "answered",
        "request_id": "abc",
        "route": "/v1/score",
        "status": 200,
        "ms": 4.2,
        "key_id": "k1",
    }
    assert third["problem"] == "invalid-request"
    assert all("timestamp" in line for line in lines(said))


def test_an_error_s_place_is_told_and_its_message_is_not(said: io.StringIO) -> None:
    try:
        int("very-secret-seller")
    except ValueError:
        logging.getLogger("foresell").exception("A request failed")
    (line,) = lines(said)
    assert (line["event"], line["error"]) == ("A request failed", "ValueError")
    assert "test_logs.py" in str(line["trace"])
    assert "secret" not in said.getvalue()
