"""Objections: the seller's own, answered by another reviewer, and followed by a correction that shows at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from core.settings import Settings
from features.ingest.intake import open_folder
from serving.casework.cases import case_actions, case_repository
from serving.casework.cases.case import APPEALED, DECIDED, Case, Person
from serving.casework.cases.rules import ConflictError, IncompleteError, MissingError, NotAllowedError
from serving.casework.decisions.decide import decide
from serving.casework.decisions.decision import Decision, of_seller
from serving.casework.objections import objections, rulings
from serving.casework.objections.objections import ObjectionForm, RowKey
from serving.casework.objections.recompute import order_entries
from serving.casework.objections.rulings import Ruling, RulingContext
from serving.casework.snapshots import logged_answers
from serving.database.connection import reading
from serving.database.tables.casework import CASES
from tests.support import serving_market as market
from tests.support.casework_fixture import (
    ANN,
    BOB,
    MEG,
    NOW,
    decision_settings,
    open_small_week,
    order_cap_form,
    ruling_context,
)

WHY = "The parcel came back because the customer had moved; the carrier has confirmed it."
ANSWER = "The carrier has confirmed what you say. The order does not count any more."
LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def engine(module_records: sa.Engine, module_settings: Settings) -> sa.Engine:
    open_small_week(module_records, module_settings.home)
    with module_records.begin() as con:
        con.execute(sa.update(CASES).values(arm="full"))
    return module_records


@pytest.fixture(scope="module")
def context(module_settings: Settings, engine: sa.Engine) -> RulingContext:
    return ruling_context(module_settings.home, engine)


def capped_case(engine: sa.Engine) -> tuple[Person, Case, Decision, list[str]]:
    """A returns case of a seller with returns, capped by ann; the seller, and the orders that came back."""
    with reading(engine) as con:
        found = next(
            c for c in case_repository.by_loss_avoided(con, [CASES.c.state == "open", CASES.c.risk == "returns"], 50)
        )
        form = logged_answers.read(con, found.facts.decision_id).result
    case = case_actions.take(engine, found.case_id, found.version, ANN, NOW)
    made = decide(engine, case.case_id, case.version, ANN, NOW, order_cap_form(case), decision_settings())
    back = [o for item in form["risks"]["returns"]["items"] for o in item["order_ids"]]
    return Person(f"owner of {case.seller_id}", "seller", case.seller_id), case, made, back


def raise_objection_of(
    context: RulingContext, seller: Person, order_id: str, **changed: Any
) -> tuple[ObjectionForm, list[RowKey]]:
    found = order_entries(context.source, seller.seller_id, order_id, context.loaded.store.as_of)
    form = ObjectionForm(order_id, tuple(e.row for e in found), "excluded", WHY)
    return replace(form, **changed), [e.row for e in found]


@pytest.mark.slow
def test_from_objection_to_correction(engine: sa.Engine, context: RulingContext) -> None:
    seller, case, made, back = capped_case(engine)
    form, rows = raise_objection_of(context, seller, back[0], case_decision_id=made.case_decision_id)
    raised = objections.raise_objection(engine, seller, LATER, form, rows)
    with reading(engine) as con:
        assert case_repository.find(con, case.case_id).state == APPEALED
        waiting = objections.waiting(con)
        assert [o.objection_id for o in waiting if o.seller_id == raised.seller_id] == [raised.objection_id]

    for person, why in (
        (ANN, "made no decision"),
        (MEG, "Only a reviewer can answer"),
        (seller, "Only a reviewer can answer"),
    ):
        with pytest.raises(NotAllowedError, match=why):
            rulings.answer_objection(
                engine, raised.objection_id, 1, person, LATER, Ruling(True, ANSWER, False), context
            )
    answered = rulings.answer_objection(
        engine, raised.objection_id, 1, BOB, LATER, Ruling(True, ANSWER, False), context
    )
    with pytest.raises(ConflictError):
        rulings.answer_objection(engine, raised.objection_id, 1, BOB, LATER, Ruling(False, ANSWER), context)

    with reading(engine) as con:
        kept, now = objections.read_corrections(con, "small", seller.seller_id), case_repository.find(con, case.case_id)
        record = logged_answers.read(con, now.facts.decision_id)
        past = [e.action for e in case_repository.events(con, case.case_id)]
    assert {(row["table"], row["row_key"]) for row in kept} == set(rows)
    assert now.state == DECIDED
    assert past[-3:] == ["object", "refresh", "answer_objection"]
    assert of_seller(engine, seller.seller_id)[0].overturned_at == answered.decided_at
    told = answered.change["standards"][0]
    assert told["bad"][1] == told["bad"][0] - 1
    assert told["volume"][1] == told["volume"][0] - 1
    after = record.result["risks"]["returns"]
    assert answered.change["risks"]["returns"]["probability"]["after"] == after["probability"]
    assert after["standard"]["volume"] == told["volume"][1]
    assert now.facts.risks["returns"].probability == after["probability"] != case.facts.risks["returns"].probability
    assert now.facts.loss_avoided == answered.change["risks"]["returns"]["loss"]["after"]
    assert "returned_60" in answered.change["features"]


def test_a_refused_objection_changes_no_figure(engine: sa.Engine, context: RulingContext) -> None:
    seller, case, made, back = capped_case(engine)
    form, rows = raise_objection_of(context, seller, back[0], case_decision_id=made.case_decision_id)
    raised = objections.raise_objection(engine, seller, LATER, form, rows)
    answered = rulings.answer_objection(engine, raised.objection_id, 1, BOB, LATER, Ruling(False, ANSWER), context)
    with reading(engine) as con:
        assert objections.read_corrections(con, "small", seller.seller_id) == []
        now = case_repository.find(con, case.case_id)
    assert (answered.state, answered.change) == ("refused", {})
    assert (now.state, now.facts) == (DECIDED, case.facts)
    assert of_seller(engine, seller.seller_id)[0].overturned_at == ""


def test_what_an_objection_lacks_is_named(engine: sa.Engine, context: RulingContext) -> None:
    seller, _, made, back = capped_case(engine)
    form, rows = raise_objection_of(context, seller, back[0])
    lacking = {
        "effect": replace(form, effect="forgive"),
        "new_fault": replace(form, effect="fault_changed", new_fault="seller"),
        "rows": replace(form, rows=(*rows, ("orders", "another/1"))),
        "reason": replace(form, reason="unfair"),
    }
    for field, wrong in lacking.items():
        with pytest.raises(IncompleteError) as refused:
            objections.raise_objection(engine, seller, LATER, wrong, rows)
        assert refused.value.field == field
    with pytest.raises(NotAllowedError):
        objections.raise_objection(engine, BOB, LATER, form, rows)
    other = Person("another", "seller", "s999")
    with pytest.raises(MissingError):
        objections.raise_objection(engine, other, LATER, replace(form, case_decision_id=made.case_decision_id), rows)
    objections.raise_objection(engine, seller, LATER, form, rows)
    with pytest.raises(IncompleteError, match="only one open objection"):
        objections.raise_objection(engine, seller, LATER, form, rows)


def test_corrections_enter_a_full_build_from_the_day_they_were_decided(context: RulingContext) -> None:
    row = {"correction_id": "1", "seller_id": "s1", "table": "orders", "row_key": "o00001/1", "effect": "excluded"}
    row |= {"decided_at": NOW.isoformat(), "new_fault": "", "reason": "heard"}
    market_with = open_folder(context.source.folder, added={"corrections": objections.corrections_table([row])})
    found = market_with.con.execute("select correction_id, new_fault, decided_at_day from corrections").fetchall()
    assert found == [("1", None, NOW.toordinal() - 719163)]
    none = open_folder(
        context.source.folder, added={"corrections": pa.Table.from_pylist([], objections.CORRECTION_SCHEMA)}
    )
    assert none.available == open_folder(context.source.folder).available == market.ledger().market.available
