"""The manager's figures: shares with intervals, outcomes, drawn arms, and CSV that runs nothing."""

import csv
import io
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings

from core.days import day_number
from features.labels import counts_at
from models.arithmetic.economy import AHEAD_DAYS
from models.score import headline_models
from serving.casework.cases import case_repository
from serving.casework.cases.experiment_arms import ARMS, FULL, NO_REASONS, arm_of, hash_fraction, withheld
from serving.casework.figures.case_outcomes import fill_outcomes
from serving.casework.figures.figures import ReviewedCase, _arms, _kappa, _slice, figures
from serving.casework.figures.intervals import bootstrap_difference, bootstrap_share, wilson_share
from serving.database.connection import reading
from serving.database.tables.casework import CASES
from serving.review.manager.figures_tables import as_csv
from tests.support import serving_market as market
from tests.support.casework_fixture import open_small_week


@settings(max_examples=50)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_no_cell_of_a_csv_is_read_as_a_formula(cells: list[str]) -> None:
    [head, row] = list(csv.reader(io.StringIO(as_csv(["h"] * len(cells), [cells]).lstrip("\ufeff"), newline="")))
    assert len(head) == len(row) == len(cells)
    for cell, wanted in zip(row, cells, strict=True):
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert cell.removeprefix("'") == wanted.replace("\x00", "\u2400") or cell == wanted


def test_known_formulas_are_marked_and_numbers_stay() -> None:
    text = as_csv(["name", "n"], [["=1+1", -1.5], [" @SUM(A1)", None], ["\uff1dcmd", True], ["plain", 3]])
    assert text.splitlines()[1:] == ["'=1+1,-1.5", "' @SUM(A1),", "'\uff1dcmd,True", "plain,3"]


def test_a_share_has_wilson_s_interval_and_few_cases_have_none() -> None:
    found = wilson_share([True] * 3 + [False] * 17)
    assert (found.share, found.low, found.high) == pytest.approx((0.15, 0.05237, 0.36042), abs=1e-4)  # Wilson by hand
    assert wilson_share([True] * 9).share is None
    assert wilson_share([]).share is None
    assert bootstrap_share([True] * 9).low is None
    again = bootstrap_share([True] * 30 + [False] * 70)
    assert again.low is not None
    assert again.high is not None
    assert again.low < 0.3 < again.high
    assert again == bootstrap_share([True] * 30 + [False] * 70)  # the same cases, the same interval


def test_a_difference_covers_what_it_should() -> None:
    wide = bootstrap_difference([True] * 60 + [False] * 40, [True] * 40 + [False] * 60)
    assert wide.value == pytest.approx(0.2)
    assert wide.low is not None
    assert wide.high is not None
    assert 0 < wide.low < 0.2 < wide.high
    assert bootstrap_difference([True] * 50, [True] * 9).value is None


def test_an_arm_is_drawn_by_salt_and_key_alone_and_in_its_share() -> None:
    keys = [(f"s{n}", "returns", "2026-07-20") for n in range(5000)]
    first = [arm_of("salt", *key) for key in keys]
    assert first == [arm_of("salt", *key) for key in keys]
    assert first != [arm_of("pepper", *key) for key in keys]
    for arm, wanted in {FULL: 0.8, NO_REASONS: 0.1}.items():
        assert first.count(arm) / len(keys) == pytest.approx(wanted, abs=0.02)
    assert 0 <= hash_fraction("salt", "a") < 1
    assert hash_fraction("salt", "a", "bc") != hash_fraction("salt", "ab", "c")
    assert withheld(NO_REASONS, "") == {"reasons"}
    assert withheld(NO_REASONS, "act") == withheld(FULL, "") == frozenset()
    assert len(ARMS) == 3


def case(number: int, **fields: Any) -> ReviewedCase:
    plain: dict[str, Any] = {
        "risk": "returns",
        "arm": FULL,
        "first_look": "",
        "opened_at": "2026-07-20",
        "as_of": "2026-07-20",
    }
    plain |= {"category": "c", "region": "r", "size": "small", "fulfilment": "seller", "tenure": "new"}
    return ReviewedCase(
        case_id=str(number), seller_id=str(number), probability=0.5, **plain | {"breached": None} | fields
    )


def test_explanations_that_help_are_seen_to_help() -> None:
    rng = np.random.default_rng(0)
    rows = []
    for n in range(400):
        breached = bool(rng.random() < 0.5)
        full = n % 2 == 0
        right = rng.random() < (0.85 if full else 0.6)
        act = breached if right else not breached
        arm = {"kind": "coaching" if act else "no_action"} if full else {"arm": NO_REASONS}
        look = {} if full else {"first_look": "act" if act else "wait", "kind": "no_action"}
        rows.append(case(n, breached=breached, **arm, **look))
    by_arm = {one.arm: one for one in _arms(rows)}
    full_right, other_right = by_arm[FULL].right.share, by_arm[NO_REASONS].right.share
    assert full_right is not None
    assert other_right is not None
    assert full_right > other_right
    highest = by_arm[NO_REASONS].against_full.high
    assert highest is not None
    assert highest < 0
    assert by_arm[FULL].against_full.value is None


def test_a_small_group_shows_no_share() -> None:
    rows = [case(n, kind="hold", breached=True, region="here" if n < 9 else "there") for n in range(30)]
    few, many = _slice("region", "here", rows), _slice("region", "there", rows)
    assert (few.restricted.share, few.breached.share) == (None, None)
    assert (many.restricted.share, many.breached.share) == (1.0, 1.0)


def test_agreement_beyond_chance() -> None:
    assert _kappa([(True, True), (False, False)] * 10) == 1.0
    assert _kappa([(True, True), (True, False), (False, True), (False, False)] * 5) == pytest.approx(0)
    assert _kappa([(True, True)] * 20) is None
    assert _kappa([(True, False)] * 9) is None


def test_an_outcome_is_a_breach_on_one_of_the_days_after(records: sa.Engine, tmp_path: Path) -> None:
    engine = records
    open_small_week(engine, tmp_path)
    early = "2026-06-10"
    with engine.begin() as con:
        con.execute(sa.update(CASES).values(opened_as_of=early))
        waiting = con.scalar(sa.select(CASES.c.case_id).limit(1))
        con.execute(sa.update(CASES).where(CASES.c.case_id == waiting).values(opened_as_of="2026-07-01"))
    standards = {m.key.risk: m.standard for m in headline_models(market.bundle(), 28)}
    done = fill_outcomes(engine, market.ledger(), standards)
    with reading(engine) as con:
        cases = [case_repository.from_row(row) for row in con.execute(sa.select(CASES)).mappings()]
        rows = {row.case_id: row.breached for row in con.execute(sa.select(CASES.c.case_id, CASES.c.breached))}
        assert figures(con).precision.total == done == len(cases) - 1
    assert rows[waiting] is None
    days = np.arange(1, AHEAD_DAYS + 1) + day_number(early)
    known = [one for one in cases if one.case_id != waiting]
    for risk, standard in standards.items():
        mine = [one for one in known if one.risk == risk]
        ids = np.repeat(np.array([one.seller_id for one in mine], dtype=object), len(days))
        bad, volume = counts_at(market.ledger(), standard, ids, np.tile(days, len(mine)))
        late = standard.breach(bad, volume).reshape(-1, len(days)).any(axis=1)
        assert [rows[one.case_id] for one in mine] == late.tolist()
    seen = {rows[one.case_id] for one in known}
    assert seen == {True, False}
