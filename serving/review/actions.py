"""What people do to cases by form: each is one step of casework on the version that the person has seen."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from features.errors import ForesellError
from serving.casework import decisions, work
from serving.casework.cases import Case
from serving.casework.decision import APPEAL, Choice, Setup
from serving.casework.refusals import ConflictError, IncompleteError, MissingError, NotAllowedError
from serving.review import texts
from serving.review.call import Call, Refusal
from serving.review.flash import person_of
from serving.review.forms import Figure
from serving.review.page import render
from serving.review.queue_filters import FILTERS, wanted
from serving.review.seller.page import Asked, seller_page
from serving.review.seller.panel import Typed
from serving.review.seller.reasons import seller_path

MOST_AT_ONCE = 50
Step = Callable[[Call, str, int, datetime], object]


def take_next(call: Call) -> Response:
    """Take the most worthwhile case that nobody has, of those that the view shows."""
    want = wanted({name: call.value(name) for name in (*FILTERS, "q")})
    at = datetime.now(UTC)
    case = work.take_next(call.services.engine, person_of(call), at, want.plain)
    if case is None:
        return RedirectResponse("/queue?did=none_left", 303)
    return to_seller(case, "take")


def act(call: Call) -> Response:
    """One step on one case; the way on is the seller's page, or the queue where the case has left the person."""
    action, case_id, at = call.params["action"], call.params["case_id"], datetime.now(UTC)
    step = STEPS.get(action)
    if step is None:
        raise Refusal(404)
    try:
        done(step, call, case_id, _version(call.value("version")), at)
    except IncompleteError as error:
        return _again(call, case_id, at, error)
    case, _ = work.case_and_events(call.services.engine, case_id)
    if action in ("decide", "snooze", "release"):
        return RedirectResponse(f"/queue?{urlencode({'did': action, 'case': case_id})}", 303)
    return to_seller(case, action)


def several(call: Call) -> Response:
    """The same step on each case that was marked in the queue."""
    action, at = call.params["action"], datetime.now(UTC)
    if action not in ("assign", "snooze"):
        raise Refusal(404)
    keys = call.form.get("case", [])[:MOST_AT_ONCE]
    for key in keys:
        case_id, _, version = key.partition(".")
        try:
            done(STEPS[action], call, case_id, _version(version), at)
        except IncompleteError as error:
            raise Refusal(422, "refusal.rule", **_said(error)) from error
    if len(keys) == 1:
        told = {"did": action, "case": keys[0].partition(".")[0]}
    else:
        told = {"did": "several" if keys else "none_marked"}
    return RedirectResponse(f"{_view(call)}{urlencode(told)}", 303)


def done(step: Step, call: Call, case_id: str, version: int, at: datetime) -> object:
    """Do a step; what casework refuses becomes the page that says so."""
    try:
        return step(call, case_id, version, at)
    except ConflictError as error:
        case, _ = work.case_and_events(call.services.engine, case_id)
        raise Refusal(409, "refusal.conflict", back=_page(case), found=error.found) from error
    except NotAllowedError as error:
        raise Refusal(403, "refusal.rule", **_said(error)) from error
    except MissingError as error:
        raise Refusal(404) from error


def _again(call: Call, case_id: str, at: datetime, error: IncompleteError) -> Response:
    """The page once more, with what was typed, and what it lacks."""
    case, _ = work.case_and_events(call.services.engine, case_id)
    problem = texts.html("refusal.rule", **_said(error))
    typed = Typed({name: values[0] for name, values in call.form.items()}, error.field, problem)
    return render(call, seller_page(Asked(call, at, typed), case.seller_id, case.risk), 422)


def _said(error: ForesellError) -> dict[str, str]:
    return {"rule": Figure(error.rule), "found": str(error.found), "next_step": Figure(error.next_step)}


def to_seller(case: Case, did: str) -> Response:
    """The page of the case's seller, which says what was done."""
    return RedirectResponse(f"{_page(case)}&{urlencode({'did': did, 'case': case.case_id})}", 303)


def choice_of(call: Call) -> Choice:
    """The decision that a form holds."""
    kind = call.value("kind")
    return Choice(
        kind=kind,
        facts=call.value("facts"),
        standard=call.value("standard"),
        standard_version=call.value("standard_version"),
        appeal=call.value("appeal") or APPEAL,
        until=call.value("until"),
        urgent=call.value("urgent"),
    )


def setup_of(call: Call) -> Setup:
    """What the marketplace decides under."""
    return Setup(call.services.standards())


def _page(case: Case) -> str:
    return f"{seller_path(case.seller_id)}?risk={case.risk}"


def _view(call: Call) -> str:
    """The queue as it was narrowed, open for more of its address."""
    named = {name: call.value(name) for name in (*FILTERS, "q")}
    query = urlencode({name: value for name, value in named.items() if value})
    return f"/queue?{query}&" if query else "/queue?"


def _version(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise Refusal(400)
    return int(text)


STEPS: Mapping[str, Step] = {
    "take": lambda c, i, v, at: work.take(c.services.engine, i, v, person_of(c), at),
    "release": lambda c, i, v, at: work.release(c.services.engine, i, v, person_of(c), at),
    "assign": lambda c, i, v, at: work.assign(c.services.engine, i, v, person_of(c), at, c.value("to")),
    "snooze": lambda c, i, v, at: work.snooze(c.services.engine, i, v, person_of(c), at, c.value("until")),
    "wake": lambda c, i, v, at: work.wake(c.services.engine, i, v, person_of(c), at),
    "note": lambda c, i, v, at: work.note(c.services.engine, i, person_of(c), at, c.value("note")),
    "first_look": lambda c, i, v, at: work.first_look(c.services.engine, i, v, person_of(c), at, c.value("said")),
    "undo": lambda c, i, v, at: work.undo(c.services.engine, i, v, person_of(c), at),
    "decide": lambda c, i, v, at: decisions.decide(
        c.services.engine, i, v, person_of(c), at, choice_of(c), setup_of(c)
    ),
}
