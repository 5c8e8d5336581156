"""Objections: the seller's own, answered by another reviewer, and followed by a correction that shows at once."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest
import serving_market as market
import sqlalchemy as sa
from casework_fixture import ANN, BOB, MEG, NOW, bench, opened, restriction, setup

from features.intake import open_folder
from features.settings import Settings
from serving.casework import book, corrections, objections, records, rulings, work
from serving.casework.cases import APPEALED, DECIDED
from serving.casework.decision import of_seller
from serving.casework.decisions import decide
from serving.casework.entries import entries
from serving.casework.objections import Said
from serving.casework.people import Person
from serving.casework.refusals import ConflictError, IncompleteError, MissingError, NotAllowedError
from serving.casework.rulings import Bench, Ruling
from serving.records.database import reading
from serving.records.tables.casework import CASES

WHY = "The parcel came back because the customer had moved; the carrier has confirmed it."
ANSWER = "The carrier has confirmed what you say. The order does not count any more."
LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def engine(module_records: sa.Engine, module_settings: Settings) -> sa.Engine:
    opened(module_records, module_settings.home)
    with module_records.begin() as con:
        con.execute(sa.update(CASES).values(arm="full"))
    return module_records


@pytest.fixture(scope="module")
def seat(module_settings: Settings, engine: sa.Engine) -> Bench:
    return bench(module_settings.home, engine)


def capped(engine: sa.Engine):
    """A returns case of a seller with returns, capped by ann; the seller, and the orders that came back."""
    with reading(engine) as con:
        found = next(c for c in book.newest(con, [CASES.c.state == "open", CASES.c.risk == "returns"], 50))
        said = records.read(con, found.facts.decision_id).said
    case = work.take(engine, found.case_id, found.version, ANN, NOW)
    made = decide(engine, case.case_id, case.version, ANN, NOW, restriction(case), setup())
    back = [o for item in said["risks"]["returns"]["items"] for o in item["order_ids"]]
    return Person(f"owner of {case.seller_id}", "seller", case.seller_id), case, made, back


def asking(seat: Bench, seller: Person, order_id: str, **changed):
    found = entries(seat.source, seller.seller_id, order_id, seat.loaded.store.as_of)
    said = Said(order_id, tuple(e.row for e in found), "excluded", WHY)
    return replace(said, **changed), [e.row for e in found]


@pytest.mark.slow
def test_from_objection_to_correction(engine: sa.Engine, seat: Bench):
    seller, case, made, back = capped(engine)
    said, rows = asking(seat, seller, back[0], case_decision_id=made.case_decision_id)
    raised = objections.raise_objection(engine, seller, LATER, said, rows)
    with reading(engine) as con:
        assert book.find(con, case.case_id).state == APPEALED
        assert [o.objection_id for o in objections.waiting(con)] == [raised.objection_id]

    for person, why in ((ANN, "decided nothing"), (MEG, "reviewer answers"), (seller, "reviewer answers")):
        with pytest.raises(NotAllowedError, match=why):
            rulings.answer(engine, raised.objection_id, 1, person, LATER, Ruling(True, ANSWER, False), seat)
    answered = rulings.answer(engine, raised.objection_id, 1, BOB, LATER, Ruling(True, ANSWER, False), seat)
    with pytest.raises(ConflictError):
        rulings.answer(engine, raised.objection_id, 1, BOB, LATER, Ruling(False, ANSWER), seat)

    with reading(engine) as con:
        kept, now = corrections.read(con, "small", seller.seller_id), book.find(con, case.case_id)
        record = records.read(con, now.facts.decision_id)
        past = [e.action for e in book.events(con, case.case_id)]
    assert {(row["table"], row["row_key"]) for row in kept} == set(rows)
    assert now.state == DECIDED
    assert past[-3:] == ["object", "refresh", "answer_objection"]
    assert of_seller(engine, seller.seller_id)[0].overturned_at == answered.decided_at
    told = answered.change["standards"][0]
    assert told["bad"][1] == told["bad"][0] - 1
    assert told["volume"][1] == told["volume"][0] - 1
    after = record.said["risks"]["returns"]
    assert answered.change["risks"]["returns"]["probability"]["after"] == after["probability"]
    assert after["standard"]["volume"] == told["volume"][1]
    assert now.facts.risks["returns"].probability == after["probability"] != case.facts.risks["returns"].probability
    assert now.facts.loss_avoided == answered.change["risks"]["returns"]["loss"]["after"]
    assert "returned_60" in answered.change["features"]


def test_a_refused_objection_changes_no_figure(engine: sa.Engine, seat: Bench):
    seller, case, made, back = capped(engine)
    said, rows = asking(seat, seller, back[0], case_decision_id=made.case_decision_id)
    raised = objections.raise_objection(engine, seller, LATER, said, rows)
    answered = rulings.answer(engine, raised.objection_id, 1, BOB, LATER, Ruling(False, ANSWER), seat)
    with reading(engine) as con:
        assert corrections.read(con, "small", seller.seller_id) == []
        now = book.find(con, case.case_id)
    assert (answered.state, answered.change) == ("refused", {})
    assert (now.state, now.facts) == (DECIDED, case.facts)
    assert of_seller(engine, seller.seller_id)[0].overturned_at == ""


def test_what_an_objection_lacks_is_named(engine: sa.Engine, seat: Bench):
    seller, _, made, back = capped(engine)
    said, rows = asking(seat, seller, back[0])
    lacking = {
        "effect": replace(said, effect="forgive"),
        "new_fault": replace(said, effect="fault_changed", new_fault="seller"),
        "rows": replace(said, rows=(*rows, ("orders", "another/1"))),
        "reason": replace(said, reason="unfair"),
    }
    for field, wrong in lacking.items():
        with pytest.raises(IncompleteError) as refused:
            objections.raise_objection(engine, seller, LATER, wrong, rows)
        assert refused.value.field == field
    with pytest.raises(NotAllowedError):
        objections.raise_objection(engine, BOB, LATER, said, rows)
    other = Person("another", "seller", "s999")
    with pytest.raises(MissingError):
        objections.raise_objection(engine, other, LATER, replace(said, case_decision_id=made.case_decision_id), rows)
    objections.raise_objection(engine, seller, LATER, said, rows)
    with pytest.raises(IncompleteError, match="one objection at a time"):
        objections.raise_objection(engine, seller, LATER, said, rows)


def test_corrections_enter_a_full_build_from_the_day_they_were_decided(seat: Bench):
    row = {"correction_id": "1", "seller_id": "s1", "table": "orders", "row_key": "o00001/1", "effect": "excluded"}
    row |= {"decided_at": NOW.isoformat(), "new_fault": "", "reason": "heard"}
    market_with = open_folder(seat.source.folder, added={"corrections": corrections.as_table([row])})
    found = market_with.con.execute("select correction_id, new_fault, decided_at_day from corrections").fetchall()
    assert found == [("1", None, NOW.toordinal() - 719163)]
    none = open_folder(seat.source.folder, added={"corrections": pa.Table.from_pylist([], corrections.SCHEMA)})
    assert none.available == open_folder(seat.source.folder).available == market.ledger().market.available
