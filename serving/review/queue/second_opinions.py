"""Second opinions: a random share of decided cases, judged again by a reviewer who does not see the decision."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from starlette.responses import RedirectResponse, Response

from serving.casework.cases import case_actions
from serving.casework.cases.case import Case
from serving.casework.cases.rules import ConflictError, IncompleteError, MissingError, NotAllowedError
from serving.casework.snapshots import logged_answers
from serving.database.connection import reading
from serving.review.pages import texts
from serving.review.pages.page import Page, render, shown
from serving.review.seller.answer import verdict
from serving.review.web.page_request import PageRequest, Refusal


@dataclass(frozen=True)
class SecondOpinionCase:
    """One case as its first reviewer saw it, without the decision and who made it."""

    case_id: str = shown("the case")
    version: int = shown("the version that the form answers")
    name: str = shown("the seller's name, or its id")
    risk: str = shown("returns or service")
    verdict: str = shown("the verdict in one sentence")
    reasons: tuple[str, ...] = shown("the reasons that raise the risk, the strongest first")
    speaks_for: tuple[str, ...] = shown("those that lower it")


@dataclass(frozen=True)
class SecondOpinionPage(Page):
    """Cases that ask for a second opinion."""

    template: ClassVar[str] = "second.html"
    cases: tuple[SecondOpinionCase, ...] = shown("the cases, the oldest first")


def show(request: PageRequest) -> Response:
    """The cases that ask for this reviewer's opinion."""
    chosen = case_actions.second_opinion_cases(request.services.engine, request.user)
    cases = tuple(_case(request, case) for case in chosen)
    return render(request, SecondOpinionPage(texts.plain("second.title"), cases=cases))


def say(request: PageRequest) -> Response:
    """Keep an opinion; it changes nothing of the case."""
    version = request.value("version")
    if not version.isdecimal():
        raise Refusal(400)
    at, person = datetime.now(UTC), request.user
    try:
        case_actions.second_opinion(
            request.services.engine, request.params["case_id"], int(version), person, at, request.value("said")
        )
    except ConflictError as error:
        raise Refusal(409, "refusal.answered", found=error.found) from error
    except (NotAllowedError, IncompleteError) as error:
        raise Refusal(403, "refusal.rule", rule=error.rule, found=error.found, next_step=error.next_step) from error
    except MissingError as error:
        raise Refusal(404) from error
    return RedirectResponse("/second", 303)


def _case(request: PageRequest, case: Case) -> SecondOpinionCase:
    with reading(request.services.engine) as con:
        answer = logged_answers.read(con, case.facts.decision_id)
    risk_result = answer.result["risks"][case.risk]
    why = risk_result["explanation"]["reasons"]
    return SecondOpinionCase(
        case_id=case.case_id,
        version=case.version,
        name=case.facts.seller_name or case.seller_id,
        risk=case.risk,
        verdict=verdict(case.risk, risk_result, answer.as_of, answer.horizon_days),
        reasons=tuple(r["text"] for r in why if r["direction"] == "raises")[:5],
        speaks_for=tuple(r["text"] for r in why if r["direction"] == "lowers")[:3],
    )
