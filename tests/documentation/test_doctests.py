"""The worked examples in docstrings of numeric modules are right."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "models.what_if.projected",
    "models.arithmetic.beta_binomial",
    "models.arithmetic.calibration",
    "models.arithmetic.expected_rate",
    "models.arithmetic.roll_forward",
    "training.measures.intervals",
    "training.fit.calibration",
    "training.fit.rate_spread",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_right(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0, "the module has no example"
    assert found.failed == 0, "the wrong example is printed above"
