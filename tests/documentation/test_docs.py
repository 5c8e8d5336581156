"""Documentation that can drift is generated, and what is written by hand keeps its word."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from core.errors import ForesellError
from core.markdown import markdown, number
from docs.build import pages, reliability, results, sql_pages
from docs.build.features_page import features_page
from features.catalogue.features import CATALOGUE
from features.ingest.contract import TABLES
from features.standards.load import load, parse
from foresell.cli import app
from serving.api.schema.score import ScoreRequest
from tests.support.command_line import subcommands
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def made() -> Mapping[str, str]:
    """The generated pages: made once, by the worker that needs them."""
    return pages.pages(ROOT)


@pytest.mark.slow
def test_generated_pages_are_up_to_date(made: Mapping[str, str]) -> None:
    assert [name for name in made if (ROOT / name).read_text() != made[name]] == [], "make docs writes them anew"


@pytest.mark.slow
def test_no_page_of_a_statement_that_is_gone_is_left(made: Mapping[str, str]) -> None:
    here = {f"docs/sql/{path.name}" for path in (ROOT / "docs" / "sql").iterdir()}
    assert here == {name for name in made if name.startswith("docs/sql/")}, "make docs removes the others"


@pytest.mark.slow
def test_every_statement_says_what_it_makes_and_keeps_its_meaning_when_formatted(made: Mapping[str, str]) -> None:
    steps = sql_pages.documented_steps()
    assert [step.name for step in steps if not (step.makes and step.grain)] == []
    assert [step.name for step in steps for page in made.values() if step.query in page] == [], "kept as written"


def test_every_feature_and_standard_is_documented() -> None:
    assert [f.name for f in CATALOGUE if f"`{f.name}`" not in features_page()] == []
    assert [s.title for s in load().standards if s.title not in pages.standards_page()] == []
    columns = [c.name for table in TABLES.values() for c in table.columns]
    assert [name for name in columns if f"`{name}`" not in pages.data_page()] == []


def test_the_example_of_a_standard_is_one() -> None:
    example = re.search(r"```toml\n(.*?)```", pages.standards_page(), re.DOTALL)
    assert example is not None
    assert parse(example[1], "docs/standards.md").standards == load().standards[:1]


def test_the_requests_of_the_api_page_are_valid() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    bodies = re.findall(r"--json '(.*?)'", text) + re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    requests = [ScoreRequest.model_validate_json(body) for body in bodies]
    assert {"seller_ids", "history"} <= set().union(*(request.model_fields_set for request in requests))


def test_a_page_without_marks_is_named(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text("no marks here")
    with pytest.raises(ForesellError, match="README"):
        pages.filled(document, "results", "a table")


@pytest.mark.parametrize(
    "document",
    ["README.md", "CHANGELOG.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))],
)
def test_links_and_commands_of_the_pages_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []
    commands = set(re.findall(r"^(?:\.venv/bin/)?foresell ([a-z]+)", text, re.MULTILINE))
    assert commands <= set(subcommands(typer.main.get_command(app)))
    targets = set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets <= known


def test_every_research_note_has_a_date_and_stands_in_the_index() -> None:
    folder = ROOT / "docs" / "research"
    notes = sorted(path.name for path in folder.glob("*.md") if path.name != "README.md")
    rows = re.findall(r"^\| (\S+) \| \[(.+)\]\((\S+)\) \|$", (folder / "README.md").read_text(), re.MULTILINE)
    assert sorted(note for _, _, note in rows) == notes
    for day, title, note in rows:
        assert note.startswith(f"{day}-")
        assert (folder / note).read_text().startswith(f"# {title}\n")


def test_tables_of_results() -> None:
    assert number(None) == "-"
    assert number(0.12345) == "0.123"
    assert number(5_000_000) == "5,000,000"
    assert markdown(["a", "b"], [["1|2", "3"]]) == "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |"


def test_readme_table_of_one_report(tmp_path: Path) -> None:
    (tmp_path / "backtest-olist.json").write_text(REPORT)
    assert results.readme_table(tmp_path).splitlines()[2:] == [
        "| Olist marketplace | 280 | 18.4% | 0.275 / 0.1513 | 0.483 / 0.1296 | - "
        "| 0.400 / 0.1400 | 0.519 / 0.1245 | - |"
    ]


def test_readme_without_results_says_so(tmp_path: Path) -> None:
    assert "No backtest" in results.readme_table(tmp_path)


REPORT = """
{"risks": {"service": {"slices": {"not_yet_in_breach": {"rows": 2330, "sellers": 280, "base_rate": 0.184, "scores": {
    "current_metric": {"average_precision": 0.275, "brier": 0.1513},
    "logistic": {"average_precision": 0.4, "brier": 0.14}, "boosting": null,
    "roll_forward": {"average_precision": 0.483, "brier": 0.1296},
    "model": {"average_precision": 0.519, "brier": 0.1245}}}}}}}
"""


def test_every_fault_names_a_test_that_exists_and_figures_that_were_measured(tmp_path: Path) -> None:
    for fault in reliability.FAULTS:
        assert all((ROOT / "tests" / name).is_file() for name in fault.test.split(", ")), fault.fault
    assert reliability.NOT_MEASURED in reliability.reliability_page(tmp_path)


def test_a_package_that_does_not_say_what_it_holds_is_named(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("")
    (tmp_path / "pyproject.toml").write_text('[tool.hatch.build.targets.wheel]\npackages = ["core"]\n')
    with pytest.raises(ForesellError, match="core"):
        pages.packages_table(tmp_path)


NAMED_FILE = re.compile(
    r"`((?:core|features|models|training|serving|foresell|simulation|tests|benchmarks|docs)/[\w./-]+)`"
)


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/glossary.md", "CONTRIBUTING.md", "docs/contract.md"])
def test_files_that_a_page_names_exist(page: str) -> None:
    named = NAMED_FILE.findall((ROOT / page).read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


NAMED_PLACE = re.compile(r"`([\w/]+\.py)`\s\(`(\w+)`\)")
NAMED_COMMAND = re.compile(r"python -m ((?:core|features|models|training|serving|foresell|docs|benchmarks)[\w.]*)")


def test_functions_that_the_architecture_names_are_in_their_files() -> None:
    places = NAMED_PLACE.findall((ROOT / "docs" / "architecture.md").read_text())
    assert places
    defined = r"^\s*(?:(?:async )?def |class ){name}\b|^{name}(?:: [^=]+)? ="
    absent = [
        (path, name)
        for path, name in places
        if not re.search(defined.format(name=name), (ROOT / path).read_text(), re.MULTILINE)
    ]
    assert absent == []


def test_modules_that_the_contributor_s_guide_runs_exist() -> None:
    modules = NAMED_COMMAND.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert modules
    assert [name for name in modules if find_spec(name) is None] == []
