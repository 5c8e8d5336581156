"""Two reviewers and the same cases: whatever each still has on the screen, no decision is lost and none made twice."""

import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.settings import Settings
from serving.audit_log.verify import verify
from serving.casework.cases import case_actions, case_repository
from serving.casework.cases.case import APPEALED, DECIDED, Case, Person
from serving.casework.cases.rules import ConflictError, NotAllowedError
from serving.casework.decisions.decide import decide
from serving.casework.decisions.decision import DecisionForm
from serving.casework.week import open_week
from serving.database.connection import open_database, reading
from serving.database.tables.casework import CASE_DECISIONS, CASES
from tests.support.casework_fixture import (
    ANN,
    BOB,
    ECONOMY,
    FACTS,
    NOW,
    champion,
    decision_settings,
    open_small_week,
    sellers,
    store,
)

PEOPLE = st.sampled_from((ANN, BOB))
PLACES = st.integers(0, 2)
REFUSED = (ConflictError, NotAllowedError)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the small market's cases, copied for every run."""
    made = tmp_path_factory.mktemp("home")
    engine = open_database(Settings(home=made))
    open_small_week(engine, made)
    with engine.begin() as con:  # three cases, shown at once
        kept = [c.case_id for c in case_repository.by_loss_avoided(con, [], 3)]
        con.execute(sa.update(CASES).where(CASES.c.case_id.in_(kept)).values(arm="full"))
    engine.dispose()
    TwoReviewers.made, TwoReviewers.cases = made, kept
    return made


class TwoReviewers(RuleBasedStateMachine):
    """Each has a screen with cases as they were when last read; the model keeps what each was told had happened."""

    made: Path
    cases: list[str]

    @initialize()
    def begin(self) -> None:
        self.home = Path(mkdtemp())
        shutil.copytree(self.made / "serving", self.home / "serving")
        self.engine = open_database(Settings(home=self.home))
        self.at = NOW
        self.screens: dict[tuple[str, str], Case] = {}
        self.done: Counter[str] = Counter()  # decisions that a reviewer was told had been made, less those undone
        for person in (ANN, BOB):
            for place in range(3):
                self.read(person, place)

    @rule(person=PEOPLE, place=PLACES)
    def read(self, person: Person, place: int) -> None:
        with reading(self.engine) as con:
            self.screens[person.name, self.cases[place]] = case_repository.find(con, self.cases[place])

    @rule(minutes=st.sampled_from((1, 11, 31)))
    def wait(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)

    @rule(person=PEOPLE)
    def take_next(self, person: Person) -> None:
        case = case_actions.take_next(self.engine, person, self.at)
        if case and case.case_id in self.cases:
            self.screens[person.name, case.case_id] = case

    @rule(person=PEOPLE, place=PLACES, what=st.sampled_from(("take", "release", "wake")))
    def move(self, person: Person, place: int, what: str) -> None:
        act = {"take": case_actions.take, "release": case_actions.release, "wake": case_actions.wake}[what]
        self._on_screen(person, place, lambda c: act(self.engine, c.case_id, c.version, person, self.at))

    @rule(person=PEOPLE, place=PLACES, days=st.integers(1, 3))
    def snooze(self, person: Person, place: int, days: int) -> None:
        until = (self.at + timedelta(days=days)).date().isoformat()
        self._on_screen(
            person, place, lambda c: case_actions.snooze(self.engine, c.case_id, c.version, person, self.at, until)
        )

    @rule(person=PEOPLE, place=PLACES)
    def note(self, person: Person, place: int) -> None:
        self._on_screen(
            person, place, lambda c: case_actions.note(self.engine, c.case_id, person, self.at, FACTS), any_version=True
        )

    @rule(person=PEOPLE, place=PLACES, kind=st.sampled_from(("no_action", "coaching")))
    def decide(self, person: Person, place: int, kind: str) -> None:
        def act(case: Case) -> Case:
            decide(self.engine, case.case_id, case.version, person, self.at, DecisionForm(kind), decision_settings())
            with reading(self.engine) as con:
                return case_repository.find(con, case.case_id)

        if self._on_screen(person, place, act):
            self.done[self.cases[place]] += 1

    @rule(person=PEOPLE, place=PLACES)
    def undo(self, person: Person, place: int) -> None:
        before = self.screens[person.name, self.cases[place]].state
        if self._on_screen(
            person, place, lambda c: case_actions.undo(self.engine, c.case_id, c.version, person, self.at)
        ):
            self.done[self.cases[place]] -= before == DECIDED

    def _on_screen(self, person: Person, place: int, act: Callable[[Case], Case], any_version: bool = False) -> bool:
        """Act on what the person has on the screen; true when the page said that it was done."""
        key = (person.name, self.cases[place])
        with reading(self.engine) as con:
            newest = case_repository.find(con, self.cases[place]).version
        try:
            seen, self.screens[key] = self.screens[key].version, act(self.screens[key])
        except REFUSED:
            return False
        assert any_version or seen == newest, "something was done to a case as it no longer was"
        return True

    @invariant()
    def no_decision_is_lost_or_made_twice(self) -> None:
        with reading(self.engine) as con:
            standing = sa.select(CASE_DECISIONS.c.case_id).where(CASE_DECISIONS.c.undone_at == "")
            kept = Counter(row.case_id for row in con.execute(standing))
            assert kept == +self.done
            for case_id in self.cases:
                case, events = case_repository.find(con, case_id), case_repository.events(con, case_id)
                assert [e.version for e in events] == list(range(1, case.version + 1))
                assert (case.state in (DECIDED, APPEALED)) == (kept[case_id] == 1)

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.dispose()
            shutil.rmtree(self.home)


TestTwoReviewers = TwoReviewers.TestCase
TestTwoReviewers.settings = settings(max_examples=5, stateful_step_count=20, deadline=None)


@pytest.mark.slow
class TestTwoReviewersForLonger(TwoReviewers.TestCase):  # type: ignore[valid-type,misc] # made by the library
    """The same, many more times."""

    settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_two_at_the_same_moment_get_two_cases(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "serving", tmp_path / "serving")
    engine = open_database(Settings(home=tmp_path))
    first, second = case_actions.take_next(engine, ANN, NOW), case_actions.take_next(engine, BOB, NOW)
    assert first is not None
    assert second is not None
    assert first.case_id != second.case_id
    assert first.facts.loss_avoided >= second.facts.loss_avoided
    with pytest.raises(NotAllowedError, match="ann has it"):
        case_actions.snooze(engine, first.case_id, first.version, BOB, NOW, "2026-07-22")
    late = NOW + timedelta(minutes=31)
    again = case_actions.take_next(engine, BOB, late)
    assert again is not None
    assert again.case_id == first.case_id  # the lock has expired
    with pytest.raises(ConflictError, match="take by bob"):
        decide(engine, first.case_id, first.version, ANN, late, DecisionForm("no_action"), decision_settings())


def test_of_many_at_once_each_gets_a_case_and_one_decides_it(records: sa.Engine, tmp_path: Path) -> None:
    """On a server there are many writers; what SQLite does by having one is there the doing of locks and versions."""
    open_small_week(records, tmp_path)
    with records.begin() as con:
        con.execute(sa.update(CASES).values(arm="full"))
    people = [Person(f"person {n}", "reviewer") for n in range(8)]
    with ThreadPoolExecutor(len(people)) as pool:
        asked = list(pool.map(lambda person: case_actions.take_next(records, person, NOW), people))
        taken = [case for case in asked if case is not None]
        assert len({case.case_id for case in taken}) == len(people)
        done = list(pool.map(lambda _: decided(records, taken[0], people[0]), people))
    assert done.count(True) == 1
    assert not verify(records).faults


def decided(engine: sa.Engine, case: Case, person: Person) -> bool:
    """Whether one of several tries on the same version is the one that decides."""
    try:
        decide(engine, case.case_id, case.version, person, NOW, DecisionForm("no_action"), decision_settings())
    except ConflictError:
        return False
    return True


def test_a_week_that_is_opened_twice_at_once_is_opened_once(records: sa.Engine, tmp_path: Path) -> None:
    asked = sellers(store(tmp_path), records, {})
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: open_week(records, champion(), asked, ECONOMY, NOW), range(2)))
    with reading(records) as con:
        assert con.scalar(sa.select(sa.func.count()).select_from(CASES)) == sum(one.opened for one in done)
    assert min(one.opened for one in done) == 0 < max(one.opened for one in done)
