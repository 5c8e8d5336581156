"""Decisions and letters: what is refused, what is kept, and that letter, answer and case say the same."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
import sqlalchemy as sa

from core.settings import Settings
from features.ingest.contract import HELPING, RESTRICTING
from serving.casework.cases import case_actions, case_repository
from serving.casework.cases.case import DECIDED, OPEN, TAKEN, Case, Person
from serving.casework.cases.rules import ConflictError, IncompleteError, NotAllowedError
from serving.casework.decisions import letters, regimes
from serving.casework.decisions.decide import decide
from serving.casework.decisions.decision import DECISION_KINDS, Decision, DecisionForm, of_seller
from serving.casework.decisions.regimes import Regime
from serving.casework.decisions.write_letter import write_letter
from serving.casework.snapshots import logged_answers
from serving.casework.snapshots.seller_snapshot import SellerProfile
from serving.database.connection import reading
from serving.database.tables.casework import CASES
from tests.support import serving_market as market
from tests.support.casework_fixture import ANN, BOB, FACTS, MEG, NOW, decision_settings, open_small_week, order_cap_form

PEOPLE = {f"s{n}": SellerProfile(f"Shop {n} \u05d0 <b>&</b>", natural_person=n % 2 == 0) for n in range(60)}


@pytest.fixture(scope="module")
def engine(module_records: sa.Engine, module_settings: Settings) -> sa.Engine:
    open_small_week(module_records, module_settings.home, known=PEOPLE)
    with module_records.begin() as con:
        con.execute(sa.update(CASES).values(arm="full"))
    return module_records


@pytest.fixture
def case(engine: sa.Engine) -> Case:
    """A case of its own for each test, taken by ann."""
    found = case_actions.take_next(engine, ANN, NOW)
    assert found is not None
    return found


def decide_as(engine: sa.Engine, case: Case, form: DecisionForm, person: Person = ANN, at: datetime = NOW) -> Decision:
    return decide(engine, case.case_id, case.version, person, at, form, decision_settings())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kind": "punish"}, "kind"),
        ({"facts": "late"}, "facts"),
        ({"facts": " " * 50}, "facts"),
        ({"facts": "x" * 4001}, "facts"),
        ({"appeal": ""}, "appeal"),
        ({"standard": "another_rate"}, "standard"),
        ({"standard_version": "0"}, "standard"),
        ({"standard": "", "standard_version": ""}, "standard"),
        ({"urgent": ""}, "urgent"),
        ({"until": "yesterday"}, "until"),
        ({"until": "2027-07-20"}, "until"),
    ],
)
def test_a_restriction_that_lacks_something_is_refused_and_nothing_changes(
    engine: sa.Engine, case: Case, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(IncompleteError) as refused:
        decide_as(engine, case, order_cap_form(case, **changed))
    assert refused.value.field == field
    with reading(engine) as con:
        assert case_repository.find(con, case.case_id) == case
    assert of_seller(engine, case.seller_id) == []
    case_actions.release(engine, case.case_id, case.version, ANN, NOW)


def test_only_the_reviewer_who_has_the_case_decides(engine: sa.Engine, case: Case) -> None:
    for person in (BOB, MEG):
        with pytest.raises(NotAllowedError):
            decide_as(engine, case, DecisionForm("coaching"), person)
    with pytest.raises(ConflictError):
        decide(engine, case.case_id, case.version - 1, ANN, NOW, DecisionForm("coaching"), decision_settings())
    assert decide_as(engine, case, DecisionForm("coaching")).decided_by == "ann"


def test_a_case_that_withholds_something_is_decided_after_a_first_look(engine: sa.Engine, case: Case) -> None:
    with engine.begin() as con:
        con.execute(sa.update(CASES).where(CASES.c.case_id == case.case_id).values(arm="no_reasons"))
    with pytest.raises(NotAllowedError, match="first look"):
        decide_as(engine, case, DecisionForm("coaching"))
    seen = case_actions.first_look(engine, case.case_id, case.version, ANN, NOW, "act")
    with pytest.raises(NotAllowedError, match="first look only"):
        case_actions.first_look(engine, seen.case_id, seen.version, ANN, NOW, "wait")
    assert decide_as(engine, seen, DecisionForm("coaching")).shown["first_look"] == "act"


def test_a_decision_keeps_what_was_shown(engine: sa.Engine, case: Case) -> None:
    made = decide_as(engine, case, order_cap_form(case))
    with reading(engine) as con:
        record = logged_answers.read(con, made.shown["decision_id"])
        last = case_repository.events(con, case.case_id)[-1]
    assert made.shown["digest"] == record.digest == case.facts.digest
    assert (last.action, last.detail["digest"], last.detail["kind"]) == ("decide", record.digest, "order_cap")
    assert [d for d in of_seller(engine, case.seller_id) if d.case_id == case.case_id] == [made]


def test_a_decision_takes_effect_when_it_can_no_longer_be_undone(engine: sa.Engine, case: Case) -> None:
    made = decide_as(engine, case, order_cap_form(case))
    assert not made.stands_at(NOW)
    assert made.stands_at(NOW + timedelta(minutes=10))
    with reading(engine) as con:
        now = case_repository.find(con, case.case_id)
    with pytest.raises(NotAllowedError, match="10 minutes"):
        case_actions.undo(engine, now.case_id, now.version, ANN, NOW + timedelta(minutes=11))
    with pytest.raises(NotAllowedError, match="it was ann"):
        case_actions.undo(engine, now.case_id, now.version, BOB, NOW)
    back = case_actions.undo(engine, now.case_id, now.version, ANN, NOW)
    assert (now.state, back.state, back.assignee) == (DECIDED, TAKEN, "ann")
    assert not of_seller(engine, case.seller_id)[0].stands_at(NOW + timedelta(minutes=10))
    with pytest.raises(NotAllowedError, match="undo"):
        case_actions.undo(engine, back.case_id, back.version, ANN, NOW)


def test_help_given_before_lets_a_restriction_come_later(engine: sa.Engine, case: Case) -> None:
    with pytest.raises(IncompleteError, match="Help must come before"):
        decide_as(engine, case, order_cap_form(case, urgent=""))
    decide_as(engine, case, DecisionForm("coaching"))
    with engine.begin() as con:  # as if the case were open again, four weeks on
        con.execute(sa.update(CASES).where(CASES.c.case_id == case.case_id).values(state=OPEN))
        case = case_repository.find(con, case.case_id)
    case = case_actions.take(engine, case.case_id, case.version, ANN, NOW)
    assert decide_as(engine, case, order_cap_form(case, urgent="")).kind == "order_cap"


class Words(HTMLParser):
    """The text of a document, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        self.tags: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("kind", [k for k in DECISION_KINDS if k != "no_action"])
def test_letter_and_answer_say_the_same(engine: sa.Engine, case: Case, kind: str) -> None:
    made = decide_as(engine, case, order_cap_form(case, kind=kind, facts=f"{FACTS} <script>alert(1)</script>"))
    with reading(engine) as con:
        risk_result = logged_answers.read(con, made.shown["decision_id"]).result["risks"][case.risk]
    assert made.letter is not None
    parsed = Words()
    parsed.feed(str(letters.as_html(made.letter)))
    text = plain(letters.as_text(made.letter))
    held = risk_result["standard"]
    assert held["current_rate"] is not None
    assert risk_result["expected_rate"] is not None
    figures = [
        f"{round(held['current_rate'] * held['volume'])} of {held['volume']}",
        letters.percent(held["current_rate"], 1),
        letters.percent(risk_result["probability"]),
        letters.percent(risk_result["expected_rate"], 1),
        f"{held['limit']:.1%}",
        *[r["text"] for r in risk_result["explanation"]["reasons"] if r["direction"] == "raises"][:5],
    ]
    if kind in RESTRICTING:
        figures += [f"version {held['version']}", "decided by ann"]
    for reading_of_it in (text, plain(parsed.words)):
        assert [figure for figure in figures if figure not in reading_of_it] == []
        assert "{" not in reading_of_it
        assert "unknown" not in reading_of_it
    assert "script" not in parsed.tags
    assert "b" not in parsed.tags
    assert max(len(line) for line in letters.as_text(made.letter).splitlines()) <= 78


def test_a_letter_says_a_sentence_once_where_two_families_share_it(engine: sa.Engine, case: Case) -> None:
    form = order_cap_form(case, kind="hold")
    made = decide_as(engine, case, form)
    with reading(engine) as con:
        record = logged_answers.read(con, made.shown["decision_id"])
    raises = {"direction": "raises", "evidence": {"count": 1}}
    risk_result: tuple[Any, Any] = (
        {**raises, "text": "Orders came back more."},
        {**raises, "text": "Orders came late more."},
    )
    record.result["risks"][case.risk]["explanation"]["reasons"] = [
        risk_result[0],
        risk_result[1],
        risk_result[0].copy(),
    ]
    letter = write_letter(made, case, record, form, decision_settings())
    assert letter.reasons == ("Orders came back more.", "Orders came late more.")


def test_the_regimes_decide_which_paragraphs_appear(engine: sa.Engine, case: Case) -> None:
    made = decide_as(engine, case, order_cap_form(case, kind="hold")).letter
    assert made is not None
    names = {p.name for p in letters.paragraphs(replace(made, regimes=("p2b", "dsa", "gdpr")))}
    assert names == set(letters.ORDER)
    assert {p.name for p in letters.paragraphs(replace(made, regimes=("p2b",)))} == names - {"redress", "rights"}
    helping = replace(made, kind="coaching", regimes=())
    assert {p.name for p in letters.paragraphs(helping)} == letters.ALWAYS
    person = PEOPLE[case.seller_id].natural_person
    assert ("gdpr" in made.regimes) == person


@pytest.mark.parametrize("pack", regimes.regimes(), ids=lambda pack: pack.name)
def test_each_thing_that_a_regime_asks_for_is_in_the_letter_or_the_letter_is_refused(
    engine: sa.Engine, case: Case, pack: Regime
) -> None:
    made = decide_as(engine, case, order_cap_form(case, kind="hold")).letter
    assert made is not None
    under = replace(made, regimes=(pack.name,))
    regimes.check([pack], under)
    there = {p.name for p in letters.paragraphs(under)}
    for required in pack.requires:
        assert required.paragraph in there
        for name in required.needs:
            with pytest.raises(IncompleteError, match=re.escape(f"Article {required.article}")):
                regimes.check([pack], replace(under, **{name: type(getattr(under, name))()}))


def test_the_packs_name_source_and_date() -> None:
    for pack in regimes.regimes():
        assert pack.source.startswith("https://eur-lex.europa.eu/eli/reg/")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", pack.applies_from)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", pack.checked)
        assert not any(pack.applies(kind, natural_person=True) for kind in HELPING)
        assert all(pack.applies(kind, natural_person=None) for kind in RESTRICTING)
    assert [pack.name for pack in regimes.regimes() if not pack.applies("hold", natural_person=False)] == ["gdpr"]


def test_a_letter_is_kept_as_it_was_sent(engine: sa.Engine, case: Case) -> None:
    made = decide_as(engine, case, order_cap_form(case))
    kept = {one.case_decision_id: one.letter for one in of_seller(engine, case.seller_id)}  # of both risks
    again = kept[made.case_decision_id]
    assert again is not None
    assert made.letter is not None
    assert letters.as_text(again) == letters.as_text(made.letter)
    assert json.loads(json.dumps(vars(again))) == json.loads(json.dumps(vars(made.letter)))
    assert market.bundle().model(case.risk, 28).standard.title[1:] in letters.title(made.letter)
