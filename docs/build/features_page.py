"""docs/features.md: every family and feature, with sample sentences from a small simulated marketplace."""

import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from core.markdown import markdown
from features.catalogue.failure_kinds import FAMILIES
from features.catalogue.feature import Feature
from features.catalogue.features import CATALOGUE
from features.ingest.intake import open_folder
from features.ledger.build import build_ledger
from features.standards.load import load
from features.table import FeatureTable, build_table
from models.score import row_of
from simulation.market import Run, simulate

DIRECTIONS = {"up": "high is bad", "down": "low is bad", "none": "neither"}
SAMPLE = 50
MARKET = Run(sellers=120, days=430, seed=1)


def features_page() -> str:
    """Every feature by family, and a sample of sentences."""
    said = sample()
    parts = [
        "# Features",
        "Written by `make docs` from `features/catalogue/features.py`, which defines each feature once.",
        f"{len(CATALOGUE)} features in {len(FAMILIES)} families. If a source lacks the quantities of a feature, the "
        "feature is left out. The formula is SQL over the columns of a row. For example, `late_28` is the number of "
        "late orders in the seller's ledger over the last 28 days; `peer_late_28`, `market_late_28`, "
        "`category_late_28`, `item_late_28` and `region_late_28` are the same for its peer group, the market, and its "
        "category, item and region; `since_late` is the number of days since the last one. A reason that a reviewer "
        "reads is the sentence with the counts filled in.",
        markdown(["family", "what it tells", "features"], [_contents(name) for name in FAMILIES]),
        *(_family(name) for name in FAMILIES),
        "# A sample of sentences",
        f"{len(said)} features, each for one seller of a simulated marketplace of {MARKET.sellers} sellers "
        f"(`foresell simulate`, seed {MARKET.seed}, {MARKET.days} days).",
        markdown(["feature", "says"], [[f"`{name}`", text] for name, text in said]),
    ]
    return "\n\n".join(parts) + "\n"


@cache
def sample() -> tuple[tuple[str, str], ...]:
    """Features from all over the catalogue, each with its sentence about a seller."""
    with tempfile.TemporaryDirectory() as scratch:
        simulate(Path(scratch) / "market", MARKET)
        ledger = build_ledger(open_folder(Path(scratch) / "market"))
        table = build_table(ledger, [ledger.last_day], load().standards)
    chosen = [table.features[i * len(table.features) // SAMPLE] for i in range(SAMPLE)]
    return tuple((f.name, f.sentence_of(row_of(table, _seller(f, table, i)))) for i, f in enumerate(chosen))


def _seller(feature: Feature, table: FeatureTable, turn: int) -> int:
    """A row for a feature; four in five rows have orders as evidence, where there are any."""
    some = [i for i in range(len(table)) if feature.evidence and table.block[feature.evidence][i] > 0]
    rows = some if some and turn % 5 else range(len(table))
    return rows[turn % len(rows)]


def _of(family: str) -> list[Feature]:
    return [f for f in CATALOGUE if f.family == family]


def _contents(family: str) -> list[str]:
    return [f"[`{family}`](#{family})", FAMILIES[family], str(len(_of(family)))]


def _family(family: str) -> str:
    heads = ["feature", "what it is", "unit", "direction", "formula", "sentence"]
    return f"## {family}\n\n{FAMILIES[family]}.\n\n{markdown(heads, _rows(_of(family)))}"


def _rows(features: Iterable[Feature]) -> list[list[str]]:
    return [[f"`{f.name}`", f.title, f.unit, DIRECTIONS[f.direction], f"`{f.formula}`", f.sentence] for f in features]
