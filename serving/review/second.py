"""Second opinions: a drawn share of decided cases, read once more by somebody who does not see the decision."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from starlette.responses import RedirectResponse, Response

from serving.casework import records, work
from serving.casework.cases import Case
from serving.casework.refusals import ConflictError, IncompleteError, MissingError, NotAllowedError
from serving.records.database import reading
from serving.review import texts
from serving.review.call import Call, Refusal
from serving.review.flash import person_of
from serving.review.page import Page, render, shown
from serving.review.seller.verdict import verdict


@dataclass(frozen=True)
class SecondCase:
    """One case as it was shown to whoever decided it, without who that was and what was decided."""

    case_id: str = shown("the case")
    version: int = shown("the version that the form answers")
    name: str = shown("the seller's name, or its id")
    risk: str = shown("returns or service")
    verdict: str = shown("the verdict in one sentence")
    reasons: tuple[str, ...] = shown("the reasons that raise the risk, the strongest first")
    speaks_for: tuple[str, ...] = shown("those that lower it")


@dataclass(frozen=True)
class SecondPage(Page):
    """Cases that ask for a second opinion."""

    template: ClassVar[str] = "second.html"
    cases: tuple[SecondCase, ...] = shown("the cases, the oldest first")


def show(call: Call) -> Response:
    """The cases that ask for this reviewer's opinion."""
    asked = work.asked_twice(call.services.engine, person_of(call))
    cases = tuple(_case(call, case) for case in asked)
    return render(call, SecondPage(texts.plain("second.title"), cases=cases))


def say(call: Call) -> Response:
    """Keep an opinion; it changes nothing of the case."""
    version = call.value("version")
    if not version.isdecimal():
        raise Refusal(400)
    at, person = datetime.now(UTC), person_of(call)
    try:
        work.second_opinion(call.services.engine, call.params["case_id"], int(version), person, at, call.value("said"))
    except ConflictError as error:
        raise Refusal(409, "refusal.answered", found=error.found) from error
    except (NotAllowedError, IncompleteError) as error:
        raise Refusal(403, "refusal.rule", rule=error.rule, found=error.found, next_step=error.next_step) from error
    except MissingError as error:
        raise Refusal(404) from error
    return RedirectResponse("/second", 303)


def _case(call: Call, case: Case) -> SecondCase:
    with reading(call.services.engine) as con:
        record = records.read(con, case.facts.decision_id)
    said = record.said["risks"][case.risk]
    why = said["explanation"]["reasons"]
    return SecondCase(
        case_id=case.case_id,
        version=case.version,
        name=case.facts.seller_name or case.seller_id,
        risk=case.risk,
        verdict=verdict(case.risk, said, record.as_of, record.horizon_days),
        reasons=tuple(r["text"] for r in why if r["direction"] == "raises")[:5],
        speaks_for=tuple(r["text"] for r in why if r["direction"] == "lowers")[:3],
    )
