"""Every error of the service in one shape: application/problem+json (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import ErrorDetails, to_json
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"

# Kind: status and title. The type of a problem is /problems/<kind>; a kind is never renamed.
KINDS: Mapping[str, tuple[int, str]] = {
    "malformed-json": (400, "The body is not strict JSON"),
    "unauthorized": (401, "A key that may do this is needed"),
    "unknown-seller": (404, "No history for this seller"),
    "unknown-decision": (404, "There is no such decision"),
    "unknown-job": (404, "There is no such job"),
    "not-found": (404, "There is nothing at this path"),
    "method-not-allowed": (405, "This path does not take this method"),
    "timeout": (408, "The body did not arrive in time"),
    "outcome-conflict": (409, "This outcome_id is known with other contents"),
    "model-gone": (409, "The model that made the prediction is no longer here"),
    "job-open": (409, "The job is not done yet"),
    "job-failed": (409, "The job failed; it has no result"),
    "job-expired": (410, "The result of the job is no longer kept"),
    "erased": (410, "The record was erased"),
    "too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body must be application/json"),
    "invalid-request": (422, "The request breaks a rule"),
    "idempotency-mismatch": (422, "This Idempotency-Key came with another request before"),
    "too-many-jobs": (429, "As many jobs as may be are open"),
    "too-many-requests": (429, "This key asks more often than it may"),
    "internal-error": (500, "The service failed; nothing was scored"),
    "not-ready": (503, "No model or no store is loaded yet"),
    "log-unavailable": (503, "The prediction could not be logged, so it is not given"),
    "overloaded": (503, "The service has as much to do as it can"),
    "deadline": (504, "The answer did not come in time"),
}


@dataclass(frozen=True)
class Problem:
    """One error; `more` holds extension members."""

    kind: str
    detail: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status of its kind."""
        return KINDS[self.kind][0]

    def as_json(self) -> dict[str, Any]:
        """The members of RFC 9457."""
        status, title = KINDS[self.kind]
        detail = {"detail": self.detail} if self.detail else {}
        return {"type": f"/problems/{self.kind}", "title": title, "status": status, **detail, **self.more}


class Refused(Exception):  # noqa: N818 - what is refused is the request; the error is the caller's
    """A request that gets a problem for an answer."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.kind)
        self.problem = problem
        self.headers = headers or {}


def refuse(kind: str, detail: str = "", **more: Any) -> Refused:
    """The exception for one kind of problem."""
    return Refused(Problem(kind, detail, more))


def response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The HTTP answer that a problem makes."""
    return Response(to_json(problem.as_json()), problem.status, headers, MEDIA_TYPE)


def invalid(errors: list[ErrorDetails]) -> Refused:
    """Validation errors with the place of each as a JSON pointer; values are not repeated."""
    found = [{"pointer": _pointer(error["loc"]), "detail": error["msg"]} for error in errors]
    return refuse("invalid-request", f"{found[0]['pointer'] or '/'}: {found[0]['detail']}", errors=found[:20])


def _pointer(place: tuple[int | str, ...]) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)
