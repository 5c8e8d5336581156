"""What would change a risk, in words: counts, day and probabilities are those that were worked out."""

from datetime import date

from features.standards.load import load
from features.standards.standard import Standard
from models.what_if.counterfactual import Counterfactual
from models.what_if.projected import SUCCESSES
from serving.api.schema.model import Action
from serving.scoring.what_if import PHRASES, as_json, sentence

DAY = date(2026, 5, 12).toordinal() - date(1970, 1, 1).toordinal()


def standard(risk: str) -> Standard:
    """The built-in headline of a risk."""
    found = load().headline(risk)
    assert found
    return found


def found(successes: int | None, failing: int, actions: dict[str, int], then: float = 0.38) -> Counterfactual:
    """Of 40 orders to come, from 71% on 12 May."""
    return Counterfactual(DAY, 40, failing, successes, tuple(actions.items()), 0.4, 0.71, then)


def test_one_kind_of_success_is_said_as_it_is() -> None:
    said = sentence(standard("service"), found(14, 16, {"shipped_on_time": 14}))
    assert said == "If 14 more of the next 40 orders ship on time, the risk on 12 May 2026 falls from 71% to 38%."
    said = sentence(standard("returns"), found(1, 3, {"not_returned": 1}), "your")
    assert (
        said == "If 1 more of your next 40 deliveries is not returned, your risk on 12 May 2026 falls from 71% to 38%."
    )


def test_several_kinds_are_counted_apart() -> None:
    said = sentence(standard("service"), found(14, 16, {"shipped_on_time": 9, "not_cancelled": 4, "resolved": 1}))
    assert (
        "14 more of the next 40 orders go well (9 ship on time, 4 are not cancelled, 1 has its case resolved)" in said
    )


def test_what_is_not_enough_or_not_needed_is_said_plainly() -> None:
    said = sentence(standard("service"), found(None, 5, {"not_cancelled": 5}, 0.62))
    assert said == (
        "Even if all 5 of the next 40 orders that would count against the seller are not cancelled, the risk on "
        "12 May 2026 would be 62%; as things go, it is 71%."
    )
    said = sentence(standard("service"), found(0, 5, {}, 0.71))
    assert said == "As things go, the risk on 12 May 2026 is 71%, below the 40% at which its band of today begins."
    said = sentence(standard("service"), found(None, 0, {}, 0.71))
    assert said == (
        "None of the next 40 orders is expected to count against the seller, and the risk on 12 May 2026 is still 71%."
    )


def test_the_day_is_a_date_and_every_success_has_its_words() -> None:
    plain = as_json(standard("service"), found(14, 16, {"shipped_on_time": 14}))
    assert (plain["day"], plain["actions"]) == ("2026-05-12", [{"code": "shipped_on_time", "orders": 14}])
    codes = {s.code for s in SUCCESSES}
    assert codes == {*PHRASES} == {*Action.model_json_schema()["properties"]["code"]["enum"]}
