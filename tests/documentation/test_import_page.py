"""docs/import.md: each walkthrough is run on a self-made export, from the look to a backtest."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from features.importing.import_source import import_mapped
from features.importing.look import look
from features.importing.mapping import parse_mapping
from features.ingest.intake import open_folder
from features.standards.load import parse
from foresell import cli
from tests.support import exports
from tests.support.paths import ROOT
from training.backtest.backtest import backtest
from training.backtest.scores import Options

PAGE = (ROOT / "docs/import.md").read_text(encoding="utf-8")
MAPPINGS = dict(re.findall(r"^```toml (\w+)\n(.*?)^```", PAGE, re.M | re.S))
SOURCES: dict[str, Callable[[Path], Path]] = {
    "shopify": lambda folder: exports.shopify(folder / "orders_export_1.csv"),
    "amazon": exports.amazon,
    "spreadsheet": lambda folder: exports.spreadsheet(folder / "liste.csv"),
}


def test_each_walkthrough_has_an_export_and_at_most_20_lines() -> None:
    assert set(MAPPINGS) == {*SOURCES, "standards"}
    for name, text in MAPPINGS.items():
        assert sum(bool(line.strip()) for line in text.splitlines()) <= 20, name


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_a_walkthrough_leads_to_a_backtest(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    source, mapping = SOURCES[name](tmp_path / "in"), tomllib.loads(MAPPINGS[name])
    drafted = tomllib.loads(look(source, tmp_path).draft())
    written = {(table, c) for table in ("orders", "returns") for c in mapping.get(table, {}).get("columns", ())}
    left = {(table, column) for table, column in written if column not in drafted[table]["columns"]}
    assert len(left) <= 1, f"the draft leaves {left} to be written"
    report = import_mapped(str(source), tmp_path / "market", parse_mapping(mapping, name))
    assert not any(table.quarantined for table in report.tables)
    assert report.table("orders").kept > 10_000
    standards = parse(MAPPINGS["standards"], "the page's standard")
    found: Any = backtest(open_folder(tmp_path / "market"), standards, Options(seeds=(0,)))
    assert "service" in found["risks"], found["not_learned"]


def test_every_command_of_the_page_is_one() -> None:
    for line in re.findall(r"^foresell (.*)$", PAGE, re.M):
        words = [word for word in line.split("#")[0].split() if word.startswith("--")]
        name = line.split()[0]
        said = CliRunner().invoke(cli.app, [name, "--help"], terminal_width=200).output
        assert all(word in said for word in words), line
