"""Upper bounds: forecasters on simulated marketplaces that get more information than any ledger holds.

For returns, of each order that gave a sign by then (a return, a case, a rating), whether it disappoints; for service,
of each order placed by then, how it will end. They read our features besides and learn as our trees do, for longer and
from more sellers than the other benchmarks have. What they cannot tell, hardly anybody can who reads the record alone.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.run import Measurement
from benchmarks.simulated import DAYS, standards
from benchmarks.simulated_truth.truth import true_score
from features.ingest.intake import open_folder
from simulation.aftermath import draw_cases, draw_feedback, draw_returns
from simulation.conditions import Conditions
from simulation.episodes import draw_disruptions
from simulation.market import Run, draw_block, simulate
from simulation.orders import DAY, NULL, SELLER, OrderLines, Orders, draw_orders
from simulation.parameters import Parameters, load
from training.backtest.alerts import outcome
from training.backtest.observed_outcomes import CandidateRankings, candidate_rankings
from training.backtest.scores import daily_of
from training.dataset.dataset import Dataset, LabelledTask, headline_standards, labelled_task, prepare_dataset
from training.fit.boosting import TrainingMatrix, boost, tree_sum
from training.fit.tree_settings import PRESENT
from training.measures.metrics import average_precision

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
TAUGHT_BY, TESTED_ON = Run(2_400, DAYS, 31), (Run(600, DAYS, 11), Run(600, DAYS, 12))
HORIZON = 28
LONGER = replace(PRESENT, learning_rate=2 * PRESENT.learning_rate, rounds=2 * PRESENT.rounds)
SPANS = (3, 7, 14, 21, 28, 45, 60, 400)  # days
DRAWN_TO_MEAN = 20  # orders at the marketplace's rate beside a seller's own
NEVER = 10**7
NOTES = (
    "Average precision on sellers not yet in breach, over the last 380 days of marketplaces of 600 sellers (seeds 11 "
    "and 12), one model seed. All trees learned from 2,400 sellers of another marketplace (seed 31), with 400 rounds. "
    "told: an informed forecaster. For returns, it knows of each order that has given a sign by then whether it "
    "disappoints; for service, it knows of each order placed how it ends. truth: the true rates of the weeks to come. "
    "gap_closed: how much of the distance from the roll-forward to the true rates our trees cover, as a share; "
    "gap_reachable: the same for the informed forecaster; each is the lower of the two marketplaces. lead: median "
    "days from a right alert to the breach, with 2% of the sellers queued a week."
)


@dataclass(frozen=True)
class Told:
    """Orders of a marketplace, arrays of shape (orders,): seller, day placed, day from which its ends are told."""

    seller: Ints
    placed: Ints
    since: Ints
    ends: Mapping[str, Mask]


@dataclass(frozen=True)
class Side:
    """One marketplace and risk: what our trees read, what the told forecaster reads, and the true rates' score.

    queue: of a ranking's scores, the weekly queue that it makes; what is learned from has none.
    """

    ours: TrainingMatrix
    told: TrainingMatrix
    truth: Array
    queue: Callable[[Mapping[str, Sequence[Array]]], CandidateRankings] | None = None


def measure() -> Measurement:
    """Both risks; about ten minutes on two cores."""
    figures: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {"told": {}, "roll_forward": {}, "truth": {}, "warn_line": {}}
    with tempfile.TemporaryDirectory() as scratch:
        made = {run.seed: sides(Path(scratch), run) for run in (TAUGHT_BY, *TESTED_ON)}
    for risk in made[TAUGHT_BY.seed]:
        said = {run.seed: scores(made[TAUGHT_BY.seed][risk], made[run.seed][risk]) for run in TESTED_ON}
        found = {run.seed: precisions(made[run.seed][risk], said[run.seed]) for run in TESTED_ON}
        leads = {run.seed: leads_of(made[run.seed][risk], said[run.seed]) for run in TESTED_ON}
        for name, into in {"foresell": figures, **peers}.items():
            into |= {f"ap_{risk}_{seed}": each[name] for seed, each in found.items() if name in each}
            into |= {f"lead_{risk}_{seed}": each[name] for seed, each in leads.items() if name in each}
        figures[f"gap_reachable_{risk}"] = min(share(each, "told") for each in found.values())
        figures[f"gap_closed_{risk}"] = min(share(each, "foresell") for each in found.values())
    return Measurement(figures, peers, NOTES)


def share(found: Mapping[str, float], name: str) -> float:
    """The share of the distance from the roll-forward to the true rates that a score covers."""
    return (found[name] - found["roll_forward"]) / (found["truth"] - found["roll_forward"])


def scores(taught: Side, tested: Side) -> dict[str, Array]:
    """Each forecaster's probabilities of the tested rows, shape (rows,)."""
    said = {
        name: rows.offset + tree_sum(boost(learned, 0, LONGER), rows)
        for name, learned, rows in (("told", taught.told, tested.told), ("foresell", taught.ours, tested.ours))
    }
    return said | {"roll_forward": tested.ours.offset, "truth": tested.truth}


def precisions(tested: Side, said: Mapping[str, Array]) -> dict[str, float]:
    """Average precision of each forecaster."""
    return {name: average_precision(tested.ours.label, score) for name, score in said.items()}


def leads_of(tested: Side, said: Mapping[str, Array]) -> dict[str, float]:
    """Median lead of each forecaster's right alerts at the usual capacity, and of the warn line's; days."""
    if tested.queue is None:
        return {}
    queues = {name: tested.queue({"model": [score]}) for name, score in said.items()}
    ranked = {name: (queue.candidates, queue.priorities["model"][0]) for name, queue in queues.items()}
    first = next(iter(queues.values()))
    ranked["warn_line"] = first.candidates, first.priorities["warn_line"][0]
    return {name: float(outcome(*each)["median_lead_time_days"] or np.nan) for name, each in ranked.items()}


def sides(scratch: Path, run: Run) -> dict[str, Side]:
    """A marketplace's rows by risk: all of them to learn from, or those of the test period to be judged on."""
    folder = scratch / str(run.seed)
    simulate(folder, run)
    dataset = prepare_dataset(open_folder(folder), standards())
    tasks = {risk: labelled_task(dataset, standard, HORIZON) for risk, standard in headline_standards(dataset).items()}
    return {risk: side(dataset, task, folder, run, risk) for risk, task in tasks.items()}


def side(dataset: Dataset, task: LabelledTask, folder: Path, run: Run, risk: str) -> Side:
    """One risk of a marketplace."""
    rows, learns = task.rows.only(task.feature_lists[-1]), run is TAUGHT_BY
    kept = np.isfinite(rows.label) & ~task.treated
    if not learns and rows.at_risk is not None:
        kept &= rows.at_risk & (rows.as_of >= dataset.calendar.test_from)
    number = np.array([int(seller[1:]) for seller in dataset.active.seller_id[kept]])
    ours, beside = rows.take(kept), columns(told(run, risk), number, rows.as_of[kept])
    more = replace(ours, names=(*ours.names, *beside), matrix=np.column_stack([ours.matrix, *beside.values()]))
    if learns:
        return Side(ours, more, np.empty(0))
    tested = np.flatnonzero(kept)
    queue = partial(candidate_rankings, dataset, task, tested, daily_of(dataset, task))
    return Side(ours, more, truth(dataset, task, tested, folder), queue)


def truth(dataset: Dataset, task: LabelledTask, rows: Ints, folder: Path) -> Array:
    """The true rates' score, shape (rows,); the benchmark ends where they do not speak of the standard."""
    found = true_score(dataset, task, rows, folder)
    if found is None:
        sys.exit(f"The true rates do not speak of {task.standard.name}.")
    return found


def told(run: Run, risk: str) -> Told:
    """The orders of a marketplace, drawn again as `simulate` drew them, with how they end."""
    p = load()
    parts = list(_blocks(p, run, risk))
    seller, placed, since = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("seller", "placed", "since")
    )
    ends = {name: np.concatenate([part.ends[name] for part in parts]) for name in parts[0].ends}
    return Told(seller, placed, since, ends)


def _blocks(p: Parameters, run: Run, risk: str) -> Iterator[Told]:
    disruptions = draw_disruptions(p, run.seed, run.days)
    for number in range(run.blocks):
        block = draw_block(p, run, number, disruptions)
        orders, lines = draw_orders(p, run.seed, number, block.conditions)
        placed = p.sellers.first_day + orders.day
        since = placed if risk == "service" else _first_sign(p, run, number, block.conditions, orders, lines)
        yield Told(block.sellers.first + orders.seller, placed, since, _ends(orders, lines, risk))


def _ends(orders: Orders, lines: OrderLines, risk: str) -> dict[str, Mask]:
    disappoints = np.bincount(lines.order, lines.disappointing, minlength=len(orders)) > 0
    if risk == "returns":
        return {"disappoints": disappoints}
    own = orders.late & ((orders.shipped == NULL) | (orders.shipped > orders.ship_by))
    cancelled = orders.cancelled_by == SELLER
    return {"disappoints": disappoints, "late": orders.late, "late_by_seller": own, "cancelled_by_seller": cancelled}


def _first_sign(p: Parameters, run: Run, block: int, c: Conditions, orders: Orders, lines: OrderLines) -> Ints:
    """The day of each order's first return, case or rating, shape (orders,); NEVER where none comes."""
    rows = (
        draw_returns(p, run.seed, block, c, orders, lines),
        draw_cases(p, run.seed, block, c, orders),
        draw_feedback(p, run.seed, block, c, orders),
    )
    first = np.full(len(orders), NEVER)
    for table, moment in zip(rows, ("opened_at", "opened_at", "created_at"), strict=True):
        of_order = table["order"] >= 0  # some cases are about none
        np.minimum.at(first, table["order"][of_order], table[moment][of_order] // DAY)
    return first


def columns(known: Told, seller: Ints, as_of: Ints) -> dict[str, Array]:
    """What is told of a row's seller by its day: rates of each end over spans; each of shape (rows,)."""
    days, place = np.unique(as_of, return_inverse=True)
    tables = [_at_day(known, int(day), int(max(seller.max(), known.seller.max())) + 1) for day in days]
    return {name: np.array([table[name] for table in tables])[place, seller] for name in tables[0]}


def _at_day(known: Told, day: int, sellers: int) -> dict[str, Array]:
    out: dict[str, Array] = {}
    for span in SPANS:
        inside = (known.placed <= day) & (known.placed > day - span)
        heard = inside & (known.since <= day)
        of = known.seller[inside], known.seller[heard]
        placed, spoken = (np.bincount(who, minlength=sellers) for who in of)
        for name, ends in known.ends.items():
            bad, mean = np.bincount(of[1], ends[heard], minlength=sellers), DRAWN_TO_MEAN * ends.mean()
            out[f"{name}_{span}"] = (bad + mean) / (placed + DRAWN_TO_MEAN)
            out[f"{name}_heard_{span}"] = (bad + mean) / (spoken + DRAWN_TO_MEAN)
        out[f"placed_{span}"] = placed.astype(float)
    return out | _lately(known, day, sellers)


def _lately(known: Told, day: int, sellers: int, spans: Sequence[int] = SPANS[:5]) -> dict[str, Array]:
    """Orders that were heard of in the last days and end badly, against those placed in one horizon."""
    placed = np.bincount(known.seller[(known.placed <= day) & (known.placed > day - HORIZON)], minlength=sellers)
    out = {}
    for span in spans:
        new = (known.since <= day) & (known.since > day - span)
        for name, ends in known.ends.items():
            mean = DRAWN_TO_MEAN * ends.mean()
            bad = np.bincount(known.seller[new], ends[new], minlength=sellers)
            out[f"{name}_new_{span}"] = (bad + mean) / (placed + DRAWN_TO_MEAN)
    return out
