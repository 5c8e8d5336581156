"""`simulate`: a marketplace in the data contract, one block of sellers after another, with its causes and truth."""

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from core.errors import ForesellError
from simulation.aftermath import REASONS, Columns, draw_cases, draw_feedback, draw_returns
from simulation.appeals import appeals
from simulation.arrow import Names, arrow_table
from simulation.blemishes import handed_over
from simulation.conditions import Conditions, conditions, there
from simulation.draws import generator
from simulation.episodes import Disruption, Episode, abandoned, draw_disruptions, draw_episodes, while_there
from simulation.folder import Folder, check_replaceable
from simulation.orders import DAY, ITEMS, draw_orders
from simulation.parameters import Parameters, load
from simulation.rows import case_rows, feedback_rows, order_rows, return_rows, seller_rows
from simulation.sellers import BLOCK, Sellers, draw_sellers
from simulation.tables import causes_table, interventions_table, truth_table
from simulation.treatments import Treatment, draw_treatments
from simulation.truth import truth

FEWEST_DAYS, MOST_DAYS = 30, 3_650
MOST_SELLERS = 5_000_000
Progress = Callable[[int, int], None]  # blocks done, blocks in all


@dataclass(frozen=True)
class Run:
    """What to simulate."""

    sellers: int
    days: int
    seed: int
    interventions: bool = False
    disruptions: bool = True  # False: the same sellers and episodes, but no slow carrier

    @property
    def blocks(self) -> int:
        """Blocks of sellers."""
        return -(-self.sellers // BLOCK)


@dataclass(frozen=True)
class SellerBlock:
    """A block's sellers and what happens to them."""

    sellers: Sellers
    episodes: tuple[Episode, ...]
    treatments: tuple[Treatment, ...]
    conditions: Conditions


def simulate(folder: Path, run: Run, progress: Progress = lambda done, of: None) -> dict[str, int]:
    """Write the folder, complete or not at all; returns the rows of each table."""
    check_run(run)
    check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    p = load()
    disruptions = draw_disruptions(p, run.seed, run.days) if run.disruptions else []
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        with Folder(made) as out:
            for block in range(run.blocks):
                out.add(block, tables(p, run, block, disruptions))
                progress(block + 1, run.blocks)
            _describe(made, p, run, out.rows)
        if folder.exists():
            folder.rename(Path(scratch) / "replaced")
        made.rename(folder)
    return out.rows


def check_run(run: Run) -> None:
    """ForesellError for a run without sellers or days, or with more than ids are reserved for."""
    for what, value, least, most in (
        ("sellers", run.sellers, 1, MOST_SELLERS),
        ("days", run.days, FEWEST_DAYS, MOST_DAYS),
        ("seed", run.seed, 0, 2**32 - 1),
    ):
        if not least <= value <= most:
            rule = f"--{what} is a whole number from {least:,} to {most:,}."
            raise ForesellError(rule, value, "choose another number")


def draw_block(p: Parameters, run: Run, block: int, disruptions: list[Disruption]) -> SellerBlock:
    """The block's sellers, their episodes, their interventions, and the rates that follow."""
    number = min(BLOCK, run.sellers - block * BLOCK)
    sellers = draw_sellers(p, run.seed, block, number, run.days)
    episodes = draw_episodes(p, run.seed, block, sellers, run.days, disruptions)
    goes = generator(run.seed, block, "goes").random(number) < p.sellers.leaves_after_abandonment
    sellers = abandoned(sellers, episodes, goes, run.days)
    episodes = while_there(episodes, sellers)
    treatments = draw_treatments(p, run.seed, block, sellers, episodes, run.days) if run.interventions else []
    found = conditions(p, run.seed, block, sellers, episodes, treatments, run.days)
    return SellerBlock(sellers, tuple(episodes), tuple(treatments), found)


def tables(p: Parameters, run: Run, block: int, disruptions: list[Disruption]) -> Mapping[str, pa.Table]:
    """Every table of one block of sellers."""
    b = draw_block(p, run, block, disruptions)
    names, first, end = names_of(p, b.sellers), p.sellers.first_day, (p.sellers.first_day + run.days) * DAY
    rows = drawn(p, run, block, b.conditions)
    handed = {table: handed_over(p, run.seed, block, table, r, end) for table, r in rows.items()}
    handed["sellers"] = seller_rows(b.sellers, first)
    found = {table: arrow_table(table, r, names) for table, r in handed.items()}
    found["corrections"] = appeals(p, run.seed, block, rows, names, end)
    found["causes"] = causes_table(p, b.episodes, names)
    live = there(b.sellers, run.days) > 0
    found["truth"] = truth_table(names["seller_id"], first, live, truth(p, b.conditions))
    if run.interventions:
        found["interventions"] = interventions_table(b.treatments, names, first, block)
    return found


def drawn(p: Parameters, run: Run, block: int, c: Conditions) -> dict[str, Columns]:
    """All rows of orders, returns, cases and ratings, without a last day."""
    orders, lines = draw_orders(p, run.seed, block, c)
    of_lines = order_rows(block, orders, lines)
    return {
        "orders": of_lines,
        "returns": return_rows(block, draw_returns(p, run.seed, block, c, orders, lines), of_lines),
        "cases": case_rows(block, draw_cases(p, run.seed, block, c, orders), orders),
        "feedback": feedback_rows(block, draw_feedback(p, run.seed, block, c, orders), orders),
    }


def names_of(p: Parameters, sellers: Sellers) -> Names:
    """By column, the texts that a block's numbers stand for."""
    numbers = range(sellers.first, sellers.first + len(sellers))
    return {
        "seller_id": [f"s{n:06d}" for n in numbers],
        "name": [f"Seller {n}" for n in numbers],
        "item_id": [f"s{n:06d}-{item:02d}" for n in numbers for item in range(ITEMS)],
        "line_id": ("1", "2", "3", "4"),
        "category": p.sellers.categories,
        "region": p.sellers.regions,
        "reason": REASONS,
    }


def _describe(folder: Path, p: Parameters, run: Run, rows: Mapping[str, int]) -> None:
    """Describe the folder: source.toml for readers of the data, simulation.json for comparing runs."""
    (folder / "source.toml").write_text('name = "simulated"\nzone = "UTC"\n', encoding="utf-8")
    facts = {"sellers": run.sellers, "days": run.days, "seed": run.seed, "interventions": run.interventions}
    facts |= {} if run.disruptions else {"disruptions": False}
    about = {"version": p.version, "parameters": f"sha256:{p.digest}", **facts, "rows": dict(rows)}
    (folder / "simulation.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
