"""Which features a model of a risk may read."""

import pytest

from features.catalogue.failure_kinds import EXCLUDED_FAMILIES, FAMILIES
from features.catalogue.features import CATALOGUE
from features.standards.load import load
from models.boosting.risk_model import ARITHMETIC
from simulation import parameters
from training.dataset.dataset import feature_lists

FAMILY = {f.name: f.family for f in CATALOGUE}
STANDARDS = {s.risk: s for s in load().standards if s.headline}


@pytest.mark.parametrize("risk", sorted(STANDARDS))
def test_the_longer_list_leaves_the_standards_record_to_arithmetic(risk: str) -> None:
    record, spoken = feature_lists(STANDARDS[risk], CATALOGUE)
    assert spoken[-len(ARITHMETIC) :] == ARITHMETIC
    assert {FAMILY[name] for name in spoken if name in FAMILY} == {*FAMILIES} - EXCLUDED_FAMILIES[risk]
    assert not {*record} & {*ARITHMETIC}
    assert len(record) < len(spoken)


def test_the_record_is_of_the_standards_own_quantities() -> None:
    own = {"ordered", *STANDARDS["returns"].quantities()}
    record = feature_lists(STANDARDS["returns"], CATALOGUE)[0]
    assert "returned_rate_60" in record
    assert all(f.quantities() <= own for f in CATALOGUE if f.name in record)


def test_what_should_name_a_cause_may_be_said() -> None:
    assert not {
        (cause.name, risk)
        for cause in parameters.load().causes
        for risk, family in cause.families.items()
        if family in EXCLUDED_FAMILIES[risk]
    }
