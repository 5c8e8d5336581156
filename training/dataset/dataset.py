"""The dataset of a training: ledger, feature rows of active sellers, and each standard's labelled task."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from core.errors import ForesellError
from features.catalogue.failure_kinds import EXCLUDED_FAMILIES
from features.catalogue.feature import Feature
from features.ingest.intake import Marketplace, hold_back
from features.labels import Labels, label, treated
from features.ledger.build import Ledger, build_ledger
from features.standards.standard import RISKS, BacktestDays, Standard, StandardsFile
from features.table import FeatureTable, build_table, usable
from models.arithmetic.economy import Economy, cut_points
from models.arithmetic.roll_forward import Projection, log_odds, project
from models.boosting.risk_model import ARITHMETIC, Bands, matrix
from training.dataset.slices import HEADLINE, masks
from training.fit.boosting import TrainingMatrix

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Progress = Callable[[str], None]
EPOCH = date(1970, 1, 1).toordinal()
FIRST_DAY, TRAIN_SHARE = (
    90,
    0.5,
)  # without [backtest]: the first 90 days fill the windows, half of the rest is for training


@dataclass(frozen=True)
class BacktestCalendar:
    """The days of a backtest, as day numbers: rows from first, tests from test_from, no data after data_end."""

    first: int
    test_from: int
    data_end: int
    every_days: int
    refit_days: int | None

    def as_of(self, last: int) -> list[int]:
        """The as-of days up to `last`."""
        return list(range(self.first, last + 1, self.every_days))

    def folds(self, last: int) -> list[int]:
        """The first day of each fold of the test period: one fold, or one for each refit."""
        return [self.test_from] if self.refit_days is None else list(range(self.test_from, last + 1, self.refit_days))


@dataclass(frozen=True)
class Dataset:
    """A marketplace's rows at every as-of day (`whole`), those of active sellers, and the ledger they come from."""

    ledger: Ledger
    whole: FeatureTable
    active: FeatureTable
    standards: tuple[Standard, ...]
    calendar: BacktestCalendar
    unreadable: Mapping[str, str] = field(default_factory=dict)  # risks without a usable headline standard, and why


@dataclass(frozen=True)
class LabelledTask:
    """One standard at one horizon over the active rows; arrays of shape (rows,)."""

    standard: Standard
    horizon: int
    labels: Labels
    treated: Mask
    projection: Projection
    rows: TrainingMatrix
    feature_lists: tuple[tuple[str, ...], ...]  # candidate lists of a model's features: choose() takes one

    def known_by(self, day: int) -> Mask:
        """Rows to learn from on a day: their label was known by then, and no intervention acted on their seller."""
        seen = self.rows.as_of + self.horizon <= day
        return np.asarray(seen & np.isfinite(self.rows.label) & ~self.treated)

    def not_in_breach(self, rows: Mask | Ints) -> Mask:
        """Whether each of some rows (a mask, or numbers) is outside a breach on its as-of day; shape (those rows,)."""
        return ~self.standard.breach(self.projection.now_x[rows], self.projection.now_n[rows])

    def bands(self, rows: Mask | Ints, log_odds: Array, economy: Economy) -> Bands:
        """Bands from the out-of-time log-odds (shape (rows,); nan: none) of the rows whose seller is not in breach."""
        counted = self.not_in_breach(rows) & np.isfinite(log_odds)
        return Bands(*cut_points(expit(log_odds[counted]), economy))


def prepare_dataset(
    market: Marketplace, standards: StandardsFile, progress: Progress | None = None, training_only: bool = False
) -> Dataset:
    """Ledger and rows of every as-of day up to the data's end. ForesellError for too short a record.

    training_only: the data ends where the test period begins; nothing that became known later is read.
    """
    say = progress or _quiet
    calendar = calendar_of(standards.backtest, market)
    if training_only:
        calendar = replace(calendar, data_end=calendar.test_from)
    say("building the ledger")
    ledger = build_ledger(hold_back(market, calendar.data_end))
    useful = usable(standards.standards, ledger.quantities)
    days = calendar.as_of(calendar.data_end)
    say(f"building the rows of {len(days)} days")
    table = build_table(ledger, days, useful)
    active = table.take(table.block["active"] == 1)
    return Dataset(ledger, table, active, useful, calendar, unreadable_risks(standards.standards, ledger.quantities))


def unreadable_risks(standards: Collection[Standard], quantities: Collection[str]) -> dict[str, str]:
    """The risks that cannot be read off the source, with the reason in words."""
    headlines = {standard.risk: standard for standard in standards if standard.headline}
    lacking = {risk: sorted({*s.quantities()} - {*quantities}) for risk, s in headlines.items()}
    reasons = {
        risk: f"the source lacks what its standard {headlines[risk].name} counts: {', '.join(names)}"
        for risk, names in lacking.items()
        if names
    }
    return reasons | {risk: "no headline standard names it" for risk in RISKS if risk not in headlines}


def calendar_of(days: BacktestDays | None, market: Marketplace) -> BacktestCalendar:
    """The backtest's days as day numbers; by default from the length of the record."""
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
    return BacktestCalendar(opens, tests, end, days.every_days, days.refit_days)


def _ordered_days(market: Marketplace) -> tuple[int, int]:
    first, last = market.con.execute("select min(ordered_at_day), max(ordered_at_day) from orders").fetchall()[0]
    if first is None:
        raise ForesellError("A backtest needs orders.", "none left after the checks", "read the quarantine report")
    return int(first), int(last)


def _day(moment: int | date | None, first: int, last: int) -> int:
    if moment is None:
        return last
    return moment.toordinal() - EPOCH if isinstance(moment, date) else first + moment


def labelled_task(dataset: Dataset, standard: Standard, horizon: int) -> LabelledTask:
    """Labels, roll-forward and matrix of one standard at one horizon."""
    table = dataset.active
    labels = label(dataset.ledger, table, standard, horizon, dataset.calendar.data_end)
    projection = project(standard, table.block, horizon)
    names = (*(f.name for f in table.features), *ARITHMETIC)
    return LabelledTask(
        standard=standard,
        horizon=horizon,
        labels=labels,
        treated=treated(dataset.ledger, table, horizon),
        projection=projection,
        rows=TrainingMatrix(
            names,
            matrix(names, table.block, projection),
            log_odds(projection.probability),
            labels.value,
            table.as_of,
            masks(standard, table.block)[HEADLINE],
        ),
        feature_lists=feature_lists(standard, table.features),
    )


def feature_lists(standard: Standard, features: Collection[Feature]) -> tuple[tuple[str, ...], ...]:
    """Candidate lists of features for a model of the standard, the shorter first.

    First: features of the standard's own quantities and of orders only. Second: all features of the families about its
    risk, and the figures of the arithmetic.
    """
    own = {"ordered", *standard.quantities()}
    record = tuple(f.name for f in features if f.quantities() and f.quantities() <= own)
    spoken = tuple(f.name for f in features if f.family not in EXCLUDED_FAMILIES[standard.risk])
    return record, (*spoken, *ARITHMETIC)


def headline_standards(dataset: Dataset) -> dict[str, Standard]:
    """The headline standard of each risk whose quantities the source has."""
    return {s.risk: s for s in dataset.standards if s.headline}


def modelled_standards(dataset: Dataset) -> list[Standard]:
    """The standards that get a model: the headline standards, and one for each part."""
    parts = {s.part: s for s in reversed(dataset.standards) if s.part and not s.headline}
    return [*headline_standards(dataset).values(), *(parts[name] for name in sorted(parts))]


def _quiet(_: str) -> None:
    pass
