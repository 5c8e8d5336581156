"""docs/contract.md says what the code holds: tables, quantities, commands, files of scores, benchmark figures."""

import json
import re

import pytest
import typer

from features.ingest.contract import TABLES, Table
from features.ledger.quantities import QUANTITIES
from foresell.cli import app
from models.batch.score_file import Scorer
from tests.support import serving_market as market
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "contract.md").read_text()
EVERYWHERE = ("recorded_at",)  # said of all tables at once
FIGURE = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")


def section(number: int) -> str:
    """The text of one numbered section."""
    return PAGE.split(f"\n## {number} ")[1].split("\n## ")[0]


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_column_of_a_table_is_on_the_page(table: Table) -> None:
    text = PAGE.split(f"\n### {table.name}")[1].split("\n##")[0]
    assert {column.name for column in table.columns} - words(text) - {*EVERYWHERE} == set()


def test_every_column_on_the_page_is_in_the_contract() -> None:
    rows = PAGE.split("\n### orders")[1].split("\n##")[0].splitlines()
    named = {name for row in rows if row.startswith("| ") for name in re.findall(r"\w+", row.split("|")[1])}
    assert named - {"column"} == {column.name for column in TABLES["orders"].columns} - {*EVERYWHERE}


def test_every_quantity_of_the_ledger_is_on_the_page() -> None:
    assert [quantity.name for quantity in QUANTITIES if quantity.name not in words(section(2))] == []


def test_commands_are_those_of_the_page() -> None:
    group = typer.main.get_command(app)
    rows = [row for row in section(6).splitlines() if row.startswith("| `foresell")]
    named = {name for row in rows for name in re.findall(r"`(?:foresell )?([a-z]+)(?=[ `])", row.split("|")[1])}
    assert named == set(vars(group)["commands"])


@pytest.mark.slow
def test_the_columns_of_a_file_of_scores_are_those_of_the_page() -> None:
    line = next(line for line in section(7).splitlines() if line.startswith("`foresell score` writes:"))
    named = words(line.split(":", 1)[1].replace("1..5", "").replace("(code)", ""))
    columns = Scorer(market.bundle(), "1").scores(market.last_rows()).column_names
    assert {name.strip("_") for name in named} == {re.sub(r"_[1-5]$", "", name) for name in columns}


@pytest.mark.parametrize("name", ["main", "intake", "simulation", "quality", "serving", "faults", "review", "scale"])
def test_a_benchmark_writes_the_figures_of_the_page(name: str) -> None:
    row = next(row for row in section(8).splitlines() if row.startswith(f"| {name} |"))
    figures = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())["figures"]
    assert [figure for figure in FIGURE.findall(row.split("|")[2]) if figure not in figures] == []
