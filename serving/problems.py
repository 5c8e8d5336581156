"""All errors of the service, in one form: application/problem+json (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import ErrorDetails, to_json
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"

# Kind: status and title. The type of a problem is /problems/<kind>; a kind is never renamed.
KINDS: Mapping[str, tuple[int, str]] = {
    "malformed-json": (400, "The body is not strict JSON"),
    "unauthorized": (401, "The request needs a valid key with a suitable role"),
    "unknown-seller": (404, "No history for this seller"),
    "unknown-decision": (404, "There is no such decision"),
    "unknown-job": (404, "There is no such job"),
    "not-found": (404, "There is nothing at this path"),
    "method-not-allowed": (405, "This path does not allow this method"),
    "timeout": (408, "The body did not arrive in time"),
    "outcome-conflict": (409, "This outcome_id is already stored with other contents"),
    "model-gone": (409, "The model that made the prediction is no longer available"),
    "job-open": (409, "The job is not done yet"),
    "job-failed": (409, "The job failed; it has no result"),
    "job-expired": (410, "The result of the job is no longer stored"),
    "erased": (410, "The record was erased"),
    "too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body must be application/json"),
    "invalid-request": (422, "The request is not valid"),
    "idempotency-mismatch": (422, "This Idempotency-Key was used with another request"),
    "too-many-jobs": (429, "Too many jobs are open"),
    "too-many-requests": (429, "This key makes more requests than it may"),
    "internal-error": (500, "The service failed; nothing was scored"),
    "not-ready": (503, "No model or no store is loaded yet"),
    "log-unavailable": (503, "The prediction could not be logged, so it is not returned"),
    "overloaded": (503, "The service has too many open requests"),
    "deadline": (504, "The answer was not ready in time"),
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


class ProblemError(Exception):
    """Ends a request with a problem as its answer."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.kind)
        self.problem = problem
        self.headers = headers or {}


def refuse(kind: str, detail: str = "", **more: Any) -> ProblemError:
    """The exception for one kind of problem."""
    return ProblemError(Problem(kind, detail, more))


def response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as an HTTP response."""
    return Response(to_json(problem.as_json()), problem.status, headers, MEDIA_TYPE)


def invalid(errors: list[ErrorDetails]) -> ProblemError:
    """The problem for validation errors: each with its place as a JSON pointer, without the value."""
    found = [{"pointer": _pointer(error["loc"]), "detail": error["msg"]} for error in errors]
    return refuse("invalid-request", f"{found[0]['pointer'] or '/'}: {found[0]['detail']}", errors=found[:20])


def _pointer(place: tuple[int | str, ...]) -> str:
    """A place as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)
