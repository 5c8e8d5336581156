"""From a marketplace to what is learned from and tested on: ledger, rows of active sellers, labels, daily breaches."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from features.errors import ForesellError
from features.families import BESIDE_THE_POINT
from features.feature import Feature
from features.intake import Marketplace, hold_back
from features.labels import Labels, label, treated
from features.ledger import Ledger, build_ledger
from features.standards import BacktestDays, Standard, StandardsFile
from features.table import FeatureTable, build_table, usable
from models.risk_model import ARITHMETIC, matrix
from models.roll_forward import Projection, log_odds, project
from training.fit import Rows
from training.slices import HEADLINE, masks

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Progress = Callable[[str], None]
EPOCH = date(1970, 1, 1).toordinal()
FIRST_DAY, TRAIN_SHARE = 90, 0.5  # without [backtest]: windows fill for 90 days, half of what follows is for training


@dataclass(frozen=True)
class Moments:
    """When a backtest looks, as day numbers: rows from first, tests from test_from, nothing known after data_end."""

    first: int
    test_from: int
    data_end: int
    every_days: int
    refit_days: int | None

    def as_of(self, last: int) -> list[int]:
        """The as-of days up to `last`."""
        return list(range(self.first, last + 1, self.every_days))

    def folds(self, last: int) -> list[int]:
        """The days on which a fold of the test period opens: one, or one a refit."""
        return [self.test_from] if self.refit_days is None else list(range(self.test_from, last + 1, self.refit_days))


@dataclass(frozen=True)
class Material:
    """A marketplace's rows at every as-of day (`whole`), those of active sellers, and where they come from."""

    ledger: Ledger
    whole: FeatureTable
    active: FeatureTable
    standards: tuple[Standard, ...]
    moments: Moments


@dataclass(frozen=True)
class Target:
    """One standard at one horizon over the active rows; arrays of shape (rows,)."""

    standard: Standard
    horizon: int
    labels: Labels
    treated: Mask
    projection: Projection
    rows: Rows
    candidates: tuple[tuple[str, ...], ...]  # lists of features that a model may read: choose() decides

    def known_by(self, day: int) -> Mask:
        """Rows to learn from on a day: their label was known by then, and nothing was done to their sellers."""
        seen = self.rows.as_of + self.horizon <= day
        return np.asarray(seen & np.isfinite(self.rows.label) & ~self.treated)


def prepare(
    market: Marketplace, standards: StandardsFile, progress: Progress | None = None, training_only: bool = False
) -> Material:
    """Ledger and rows of every as-of day up to the data's end. ForesellError for too short a record.

    training_only: the data ends where the test period begins; what became known later is held back unread.
    """
    say = progress or _quiet
    moments = resolve(standards.backtest, market)
    if training_only:
        moments = replace(moments, data_end=moments.test_from)
    say("building the ledger")
    ledger = build_ledger(hold_back(market, moments.data_end))
    useful = usable(standards.standards, ledger.quantities)
    days = moments.as_of(moments.data_end)
    say(f"building the rows of {len(days)} days")
    table = build_table(ledger, days, useful)
    return Material(ledger, table, table.take(table.block["active"] == 1), useful, moments)


def resolve(days: BacktestDays | None, market: Marketplace) -> Moments:
    """The backtest's days as day numbers; without any, from the length of the record."""
    first, last = _ordered_days(market)
    if days is None:
        span = last - first - FIRST_DAY
        days = BacktestDays(FIRST_DAY, FIRST_DAY + round(span * TRAIN_SHARE))
    opens, tests, end = (_day(moment, first, last) for moment in (days.first, days.test_from, days.data_end))
    if not first <= opens < tests < end:
        raise ForesellError(
            rule="A backtest needs its days in order: first ledger day, first, test_from, data_end.",
            found=f"{first}, {opens}, {tests}, {end} (days since 1970-01-01)",
            next_step="give days that fit the record under [backtest] in the standards file, or a longer record",
        )
    return Moments(opens, tests, end, days.every_days, days.refit_days)


def _ordered_days(market: Marketplace) -> tuple[int, int]:
    first, last = market.con.execute("select min(ordered_at_day), max(ordered_at_day) from orders").fetchall()[0]
    if first is None:
        raise ForesellError("A backtest needs orders.", "none after the checks", "look at the quarantine report")
    return int(first), int(last)


def _day(moment: int | date | None, first: int, last: int) -> int:
    if moment is None:
        return last
    return moment.toordinal() - EPOCH if isinstance(moment, date) else first + moment


def target(material: Material, standard: Standard, horizon: int) -> Target:
    """Labels, roll-forward and matrix of one standard at one horizon."""
    table = material.active
    labels = label(material.ledger, table, standard, horizon, material.moments.data_end)
    projection = project(standard, table.block, horizon)
    names = (*(f.name for f in table.features), *ARITHMETIC)
    return Target(
        standard=standard,
        horizon=horizon,
        labels=labels,
        treated=treated(material.ledger, table, horizon),
        projection=projection,
        rows=Rows(
            names,
            matrix(names, table.block, projection),
            log_odds(projection.probability),
            labels.value,
            table.as_of,
            masks(standard, table.block)[HEADLINE],
        ),
        candidates=candidates(standard, table.features),
    )


def candidates(standard: Standard, features: Collection[Feature]) -> tuple[tuple[str, ...], ...]:
    """Lists of features for a model of the standard, the shorter first.

    Those made of nothing but the standard's own quantities and orders; and all of the families that speak of its risk,
    with the arithmetic's own figures in place of the families that those make superfluous.
    """
    own = {"ordered", *standard.quantities()}
    record = tuple(f.name for f in features if f.quantities() and f.quantities() <= own)
    spoken = tuple(f.name for f in features if f.family not in BESIDE_THE_POINT[standard.risk])
    return record, (*spoken, *ARITHMETIC)


def headlines(material: Material) -> dict[str, Standard]:
    """The headline standard of each risk that the source can fill."""
    return {s.risk: s for s in material.standards if s.headline}


def modelled(material: Material) -> list[Standard]:
    """The standards that get a model: headlines, and one a part."""
    parts = {s.part: s for s in reversed(material.standards) if s.part and not s.headline}
    return [*headlines(material).values(), *(parts[name] for name in sorted(parts))]


def _quiet(_: str) -> None:
    pass
