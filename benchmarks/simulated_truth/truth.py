"""The score from true rates of a simulated marketplace: the forecast of someone who knows all future rates.

Read by reports only, never by a model. Counts still are left to chance, so even this score is not perfect. Beside it
two that know less: `begun` knows every rate to come but nothing of troubles that begin later, which nobody could know,
so that no forecaster passes it; `today` knows how good each seller is on the day, and takes it to stay so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import poisson

from benchmarks.simulated_truth.detection import episodes_of
from features.ledger.build import Ledger
from features.ledger.facts import UNITS
from features.ledger.order_versions import NEVER
from features.standards.standard import Standard
from models.arithmetic.roll_forward import most_bad_events
from training.dataset.dataset import Dataset, LabelledTask

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
FILE, CAUSES = "truth.parquet", "causes.parquet"
COLUMN = {  # the true probability of each ledger quantity, for an order placed that day
    "returned": "returned",
    "late": "late",
    "late_seller_fault": "late_own",
    "cancelled_by_seller": "cancelled",
    "service_failure": "service_failure",
    "service_failure_seller_fault": "service_failure_seller_fault",
}
LONGEST = 120  # days after the order by which everything has happened
VOLUMES = np.linspace(0.05, 0.95, 10)  # quantiles of the volume to come that the probability is averaged over


Foresight = Callable[[int], Ints]  # of an as-of day: per seller, how many days of its rates to come are known


Families = Mapping[str, Mapping[str, str]]  # cause -> risk that it raises -> the feature family that should name it


@dataclass(frozen=True)
class TruthFiles:
    """Where a simulated marketplace's causes and true rates lie, and which family should name each cause."""

    folder: Path
    families: Families

    def naming(self, risk: str) -> dict[str, str]:
        """The family of each cause that raises the risk."""
        return {cause: of_risk[risk] for cause, of_risk in self.families.items() if risk in of_risk}


@dataclass(frozen=True)
class TrueRates:
    """Per seller and day, shape (sellers, days): orders placed, orders to be expected, and the true probability."""

    first_day: int
    placed: Array
    expected: Array
    bad: Array


def true_scores(dataset: Dataset, task: LabelledTask, rows: Ints, folder: Path) -> dict[str, Array]:
    """The score of the true rates, and those of the two that know less; {} where they do not speak of the standard."""
    sellers = np.unique(dataset.active.seller_id.astype(str))
    known = {"truth": None, "truth_begun": begun(folder / CAUSES, sellers), "truth_today": today(len(sellers))}
    found = {name: true_score(dataset, task, rows, folder, foresight) for name, foresight in known.items()}
    return {name: score for name, score in found.items() if score is not None}


def begun(path: Path, sellers: NDArray[np.str_]) -> Foresight:
    """Rates are known up to the day before the first episode that has not begun on the as-of day."""
    episodes = episodes_of(path)
    row = np.searchsorted(sellers, episodes["seller_id"].to_numpy(str)).clip(max=len(sellers) - 1)
    mine = sellers[row] == episodes["seller_id"].to_numpy(str)
    seller, start = row[mine], episodes["start_day"].to_numpy(np.int64)[mine]

    def ahead(day: int) -> Ints:
        out, later = np.full(len(sellers), LONGEST, dtype=np.int64), start > day
        np.minimum.at(out, seller[later], start[later] - day - 1)
        return out

    return ahead


def today(sellers: int) -> Foresight:
    """No future rate is known."""
    return lambda _: np.zeros(sellers, dtype=np.int64)


def true_score(
    dataset: Dataset, task: LabelledTask, rows: Ints, folder: Path, foresight: Foresight | None = None
) -> Array | None:
    """Probability of breach one horizon ahead from the true rates, shape (rows,); None if they do not determine it.

    foresight: how far ahead rates are known, the last of which then stands for those after it; None: as far as asked.
    Events of orders placed and to come are Poisson: those whose day, by the delays of the whole record, falls within
    the horizon. What leaves the window and what stays in it is read from the ledger, as the roll-forward does.
    """
    numerator, denominator = task.standard.numerator, task.standard.denominator
    if len(numerator) != 1 or numerator[0] not in COLUMN or denominator not in (("ordered",), ("delivered",)):
        return None
    ledger, table = dataset.ledger, dataset.active
    sellers, seller = np.unique(table.seller_id.astype(str), return_inverse=True)
    last = dataset.calendar.data_end + LONGEST
    days = _days(ledger, folder / FILE, COLUMN[numerator[0]], sellers, last)
    now = task.projection
    when, who = table.as_of[rows], seller[rows]
    events = _coming(days, days.bad, delays(ledger, numerator[0]), task.horizon, when, who, foresight)
    share = np.ones_like(days.bad) * _share(ledger, denominator[0])
    volume = _coming(days, share, delays(ledger, denominator[0]), task.horizon, when, who)
    return breach_probability(task.standard, now.stay_x[rows], now.stay_n[rows], events, volume)


def breach_probability(standard: Standard, stay_x: Array, stay_n: Array, events: Array, volume: Array) -> Array:
    """Probability that stay + Poisson counts are in breach; arrays of shape (rows,)."""
    total = np.zeros(len(events))
    for quantile in VOLUMES:
        came = poisson.ppf(quantile, volume)
        rate = np.divide(events * came, volume, out=np.zeros_like(events), where=volume > 0)
        met = stay_n + came >= standard.minimum_volume
        total += met * poisson.sf(most_bad_events(standard, stay_n + came) - stay_x, rate)
    return np.asarray(total / len(VOLUMES))


def delays(ledger: Ledger, quantity: str) -> Array:
    """Share of a quantity's events that have happened by each day after the order, shape (LONGEST + 1,)."""
    day = next(fact.day for fact in UNITS[0].facts if quantity in fact.adds)
    found = ledger.con.execute(
        f"select {day} - ordered_day as days, count(*) as n from order_facts "
        f"where until = {NEVER} and {day} is not null group by days"
    ).df()
    after = np.clip(np.asarray(found["days"], dtype=np.int64), 0, LONGEST)
    cumulated = np.cumsum(np.bincount(after, found["n"].to_numpy(), LONGEST + 1))
    return np.asarray(cumulated / max(cumulated[-1], 1))


def _share(ledger: Ledger, quantity: str) -> float:
    """Share of all orders that the quantity counts in the end."""
    counted, ordered = ledger.con.execute(f"select sum({quantity}), sum(ordered) from ledger").fetchall()[0]
    return float(counted) / float(ordered)


def _days(ledger: Ledger, path: Path, column: str, sellers: NDArray[np.str_], last: int) -> TrueRates:
    first = ledger.first_day - LONGEST
    with duckdb.connect() as con:
        truth = con.execute(f"select seller_id, day, orders, {column} as bad from read_parquet(?)", [str(path)]).df()
    placed = ledger.con.execute("select seller_id, day, ordered from ledger where ordered > 0").df()
    arrays = [_dense(truth, "orders", sellers, first, last), _dense(truth, "bad", sellers, first, last)]
    return TrueRates(first, _dense(placed, "ordered", sellers, first, last), *arrays)


def _dense(found: pd.DataFrame, name: str, sellers: NDArray[np.str_], first: int, last: int) -> Array:
    out = np.zeros((len(sellers), last - first + 1))
    named, column = found["seller_id"].to_numpy(str), found["day"].to_numpy(np.int64) - first
    row = np.searchsorted(sellers, named).clip(max=len(sellers) - 1)
    kept = (sellers[row] == named) & (column >= 0) & (column <= last - first)
    out[row[kept], column[kept]] = found[name].to_numpy(np.float64)[kept]
    return out


def _coming(
    days: TrueRates,
    share: Array,
    happened: Array,
    horizon: int,
    as_of: Ints,
    seller: Ints,
    foresight: Foresight | None = None,
) -> Array:
    """Expected events in (as_of, as_of + horizon] of orders placed by as_of and of orders to come, shape (rows,)."""
    out = np.zeros(len(as_of))
    for day in np.unique(as_of).tolist():
        rows, now = np.flatnonzero(as_of == day), day - days.first_day
        ages = horizon + LONGEST - np.arange(horizon + LONGEST + 1)  # days from each order day to the horizon's close
        before = np.where(ages >= horizon, happened[np.clip(ages - horizon, 0, LONGEST)], 0.0)
        weight = happened[np.minimum(ages, LONGEST)] - before
        span = slice(now - LONGEST, now + horizon + 1)
        orders = np.where(np.arange(-LONGEST, horizon + 1) <= 0, days.placed[:, span], days.expected[:, span])
        known = share[:, span] if foresight is None else _held(share[:, span], foresight(day))
        out[rows] = ((orders * known) @ weight)[seller[rows]]
    return out


def _held(share: Array, days: Ints) -> Array:
    """Shares of the days up to as_of (LONGEST of them before it) and after; past the known ones, the last of those."""
    column = np.minimum(np.arange(share.shape[1])[None], LONGEST + days[:, None])
    return np.take_along_axis(share, column, axis=1)
