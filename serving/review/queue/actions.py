"""Forms of the queue and of the case panel. Each runs one action on the version that the person has seen."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from core.errors import ForesellError
from serving.casework.cases import case_actions
from serving.casework.cases.case import Case
from serving.casework.cases.rules import ConflictError, IncompleteError, MissingError, NotAllowedError
from serving.casework.decisions import decide
from serving.casework.decisions.decision import APPEAL, DecisionForm, DecisionSettings
from serving.review.pages import texts
from serving.review.pages.page import render
from serving.review.queue.filters import FILTERS, queue_query
from serving.review.seller.answer import seller_path
from serving.review.seller.page import SellerPageRequest, seller_page
from serving.review.seller.panel import RefusedForm
from serving.review.web.page_request import PageRequest, Refusal
from serving.scoring.formats import TrustedText

MOST_AT_ONCE = 50
Step = Callable[[PageRequest, str, int, datetime], object]


def take_next(request: PageRequest) -> Response:
    """Take the case worth most among those in the filtered queue that nobody has."""
    want = queue_query({name: request.value(name) for name in (*FILTERS, "q")})
    at = datetime.now(UTC)
    case = case_actions.take_next(request.services.engine, request.user, at, want.plain)
    if case is None:
        return RedirectResponse("/queue?did=none_left", 303)
    return to_seller(case, "take")


def act(request: PageRequest) -> Response:
    """Run one action on one case; then show the seller's page, or the queue once the person no longer has the case."""
    action, case_id, at = request.params["action"], request.params["case_id"], datetime.now(UTC)
    step = STEPS.get(action)
    if step is None:
        raise Refusal(404)
    try:
        apply_step(step, request, case_id, _version(request.value("version")), at)
    except IncompleteError as error:
        return _page_again(request, case_id, at, error)
    case = case_actions.find_case(request.services.engine, case_id)
    if action in ("decide", "snooze", "release"):
        return RedirectResponse(f"/queue?{urlencode({'did': action, 'case': case_id})}", 303)
    return to_seller(case, action)


def several(request: PageRequest) -> Response:
    """Run the same action on each case that was marked in the queue."""
    action, at = request.params["action"], datetime.now(UTC)
    if action not in ("assign", "snooze"):
        raise Refusal(404)
    keys = request.form.get("case", [])[:MOST_AT_ONCE]
    for key in keys:
        case_id, _, version = key.partition(".")
        try:
            apply_step(STEPS[action], request, case_id, _version(version), at)
        except IncompleteError as error:
            raise Refusal(422, "refusal.rule", **_refusal_texts(error)) from error
    if len(keys) == 1:
        notice = {"did": action, "case": keys[0].partition(".")[0]}
    else:
        notice = {"did": "several" if keys else "none_marked"}
    return RedirectResponse(f"{_view(request)}{urlencode(notice)}", 303)


def apply_step(step: Step, request: PageRequest, case_id: str, version: int, at: datetime) -> object:
    """Run an action; an error of casework becomes the error page that explains it."""
    try:
        return step(request, case_id, version, at)
    except ConflictError as error:
        case = case_actions.find_case(request.services.engine, case_id)
        raise Refusal(409, "refusal.conflict", back=_page(case), found=error.found) from error
    except NotAllowedError as error:
        raise Refusal(403, "refusal.rule", **_refusal_texts(error)) from error
    except MissingError as error:
        raise Refusal(404) from error


def _page_again(request: PageRequest, case_id: str, at: datetime, error: IncompleteError) -> Response:
    """The seller's page again, with the form as it was filled in and what it lacks."""
    case = case_actions.find_case(request.services.engine, case_id)
    problem = texts.html("refusal.rule", **_refusal_texts(error))
    typed = RefusedForm({name: values[0] for name, values in request.form.items()}, error.field, problem)
    return render(request, seller_page(SellerPageRequest(request, at, typed), case.seller_id, case.risk), 422)


def _refusal_texts(error: ForesellError) -> dict[str, str]:
    return {"rule": TrustedText(error.rule), "found": str(error.found), "next_step": TrustedText(error.next_step)}


def to_seller(case: Case, did: str) -> Response:
    """Lead to the page of the case's seller, which says what was done."""
    return RedirectResponse(f"{_page(case)}&{urlencode({'did': did, 'case': case.case_id})}", 303)


def choice_of(request: PageRequest) -> DecisionForm:
    """The decision that a form holds."""
    kind = request.value("kind")
    return DecisionForm(
        kind=kind,
        facts=request.value("facts"),
        standard=request.value("standard"),
        standard_version=request.value("standard_version"),
        appeal=request.value("appeal") or APPEAL,
        until=request.value("until"),
        urgent=request.value("urgent"),
    )


def setup_of(request: PageRequest) -> DecisionSettings:
    """What the marketplace decides under."""
    return DecisionSettings(request.services.standards())


def _page(case: Case) -> str:
    return f"{seller_path(case.seller_id)}?risk={case.risk}"


def _view(request: PageRequest) -> str:
    """Address of the queue with its filters, to which a query can be added."""
    named = {name: request.value(name) for name in (*FILTERS, "q")}
    query = urlencode({name: value for name, value in named.items() if value})
    return f"/queue?{query}&" if query else "/queue?"


def _version(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise Refusal(400)
    return int(text)


STEPS: Mapping[str, Step] = {
    "take": lambda c, i, v, at: case_actions.take(c.services.engine, i, v, c.user, at),
    "release": lambda c, i, v, at: case_actions.release(c.services.engine, i, v, c.user, at),
    "assign": lambda c, i, v, at: case_actions.assign(c.services.engine, i, v, c.user, at, c.value("to")),
    "snooze": lambda c, i, v, at: case_actions.snooze(c.services.engine, i, v, c.user, at, c.value("until")),
    "wake": lambda c, i, v, at: case_actions.wake(c.services.engine, i, v, c.user, at),
    "note": lambda c, i, v, at: case_actions.note(c.services.engine, i, c.user, at, c.value("note")),
    "first_look": lambda c, i, v, at: case_actions.first_look(c.services.engine, i, v, c.user, at, c.value("said")),
    "undo": lambda c, i, v, at: case_actions.undo(c.services.engine, i, v, c.user, at),
    "decide": lambda c, i, v, at: decide.decide(c.services.engine, i, v, c.user, at, choice_of(c), setup_of(c)),
}
