"""Drawn exports, read as they are and imported by mapping: every row of every file is accounted for, or the run is
refused in words, and never with a traceback.
"""

import pytest

from benchmarks.drawn_exports import tried

MOST_REFUSED = 0.3


def check(seeds: range, by_mapping: bool) -> None:
    found = [tried(seed, by_mapping) for seed in seeds]
    assert [fault for _, faults in found for fault in faults] == []
    refused = [words for words, _ in found if words]
    assert all("Found" in words and "Next" in words for words in refused)
    assert len(refused) <= MOST_REFUSED * len(seeds), refused[:5]


@pytest.mark.slow
@pytest.mark.parametrize("by_mapping", [False, True])
def test_each_row_of_a_few_drawn_exports_is_accounted_for(by_mapping: bool) -> None:
    check(range(20), by_mapping)


@pytest.mark.long
@pytest.mark.parametrize("by_mapping", [False, True])
def test_each_row_of_500_drawn_exports_is_accounted_for(by_mapping: bool) -> None:
    check(range(1_000, 1_500), by_mapping)
