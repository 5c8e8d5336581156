"""Documentation that can drift is generated, and what is written by hand keeps its word."""

import re
from pathlib import Path

import pytest
import typer

from features.catalogue import CATALOGUE
from features.contract import TABLES
from features.errors import ForesellError
from features.standards_file import load, parse
from foresell import docs, reliability, results
from foresell.cli import app
from serving.schema import ScoreRequest

ROOT = Path(__file__).resolve().parents[1]
MADE = docs.pages(ROOT)


@pytest.mark.parametrize("document", MADE)
def test_generated_pages_are_up_to_date(document):
    assert (ROOT / document).read_text() == MADE[document], "make docs writes it anew"


def test_every_feature_and_standard_is_documented():
    assert [f.name for f in CATALOGUE if f"`{f.name}`" not in docs.features_page()] == []
    assert [s.title for s in load().standards if s.title not in docs.standards_page()] == []
    columns = [c.name for table in TABLES.values() for c in table.columns]
    assert [name for name in columns if f"`{name}`" not in docs.data_page()] == []


def test_the_example_of_a_standard_is_one():
    example = re.search(r"```toml\n(.*?)```", docs.standards_page(), re.DOTALL)
    assert parse(example[1], "docs/standards.md").standards == load().standards[:1]


def test_the_requests_of_the_api_page_are_valid():
    text = (ROOT / "docs" / "api.md").read_text()
    bodies = re.findall(r"--json '(.*?)'", text) + re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    requests = [ScoreRequest.model_validate_json(body) for body in bodies]
    assert {"seller_ids", "history"} <= set().union(*(request.model_fields_set for request in requests))


def test_a_page_without_marks_is_named(tmp_path):
    document = tmp_path / "README.md"
    document.write_text("no marks here")
    with pytest.raises(ForesellError, match="README"):
        docs.filled(document, "results", "a table")


@pytest.mark.parametrize(
    "document", ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_links_and_commands_of_the_pages_exist(document):
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []
    commands = set(re.findall(r"^(?:\.venv/bin/)?foresell ([a-z]+)", text, re.MULTILINE))
    assert commands <= set(typer.main.get_command(app).commands)
    targets = set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets <= known


def test_tables_of_results():
    assert results.number(None) == "-"
    assert results.number(0.12345) == "0.123"
    assert results.number(5_000_000) == "5,000,000"
    assert results.markdown(["a", "b"], [["1|2", "3"]]) == "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |"


def test_readme_table_of_one_report(tmp_path):
    (tmp_path / "backtest-olist.json").write_text(REPORT)
    assert results.readme_table(tmp_path).splitlines()[2:] == [
        "| Olist marketplace | 280 | 18.4% | 0.275 / 0.1513 | 0.483 / 0.1296 | - "
        "| 0.400 / 0.1400 | 0.519 / 0.1245 | - |"
    ]


def test_readme_without_results_says_so(tmp_path):
    assert "No backtest" in results.readme_table(tmp_path)


REPORT = """
{"risks": {"service": {"slices": {"not_yet_in_breach": {"rows": 2330, "sellers": 280, "base_rate": 0.184, "scores": {
    "current_metric": {"average_precision": 0.275, "brier": 0.1513},
    "logistic": {"average_precision": 0.4, "brier": 0.14}, "boosting": null,
    "roll_forward": {"average_precision": 0.483, "brier": 0.1296},
    "model": {"average_precision": 0.519, "brier": 0.1245}}}}}}}
"""


def test_every_fault_names_a_test_that_exists_and_figures_that_were_measured(tmp_path):
    for fault in reliability.FAULTS:
        assert all((ROOT / "tests" / name).is_file() for name in fault.test.split(", ")), fault.fault
    assert reliability.NOT_MEASURED in reliability.reliability_page(tmp_path)
