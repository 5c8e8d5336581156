"""Drawn exports, read as they are and imported by mapping: every row of every file is accounted for, or the run is
refused in words, and never with a traceback.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ForesellError
from features.importing.import_source import import_mapped
from features.importing.mapping import parse_mapping
from features.ingest.intake import Marketplace, open_folder
from features.ingest.quarantine import IntakeReport
from features.ledger.build import build_ledger
from tests.support.drawn_exports import FORMS, DrawnExport, draw, write

MOST_REFUSED = 0.3
SHARE = 0.05  # of a table's rows that may be quarantined
TIMES = ("ordered_at", "promised_at", "delivered_at", "opened_at", "created_at", "recorded_at", "valid_from")


def opened(made: DrawnExport, folder: Path) -> Marketplace:
    """The marketplace of a drawn folder as it is."""
    write(made, folder)
    (folder / "source.toml").write_text('zone = "UTC"\ntimes_zone = "UTC"\n')
    return open_folder(folder, quarantine_share=SHARE)


def imported(made: DrawnExport, folder: Path) -> Marketplace:
    """The marketplace of a drawn folder that is imported by a mapping."""
    write(made, folder / "in")
    tables: dict[str, Any] = {}
    for name, rows in made.tables.items():
        if rows:
            names = list(dict.fromkeys(column for row in rows for column in row))
            given = {"file": f"{name}/*", "separator": made.separator, "encoding": made.encoding.removesuffix("-sig")}
            tables[name] = given | {"columns": {n: _column(n, made.form) for n in names}}
    import_mapped(str(folder / "in"), folder / "out", parse_mapping({"zone": "UTC", **tables}, "drawn"), SHARE)
    return open_folder(folder / "out", quarantine_share=SHARE)


def _column(name: str, form: str) -> Any:
    return {"from": name, "form": form} if name in TIMES and form in FORMS[2:] else name


def unaccounted(made: DrawnExport, market: Marketplace, report: IntakeReport) -> list[str]:
    """What does not add up: rows of files against rows read, rows read against what became of them, and the ledger."""
    faults = []
    for name, rows in made.rows.items():
        table = report.table(name)
        became = table.kept + table.duplicates + table.not_sales + table.far + table.held_back
        became += sum(table.quarantined.values())
        if not rows == table.read == became:
            faults.append(f"{name}: {rows} written, {table.read} read, {became} accounted for")
    known = "select count(*) from (select distinct order_id, line_id from orders)"
    lines = market.con.execute(known).fetchall()[0][0]
    counted = build_ledger(market).con.execute("select coalesce(sum(units), 0) from ledger").fetchall()[0][0]
    return faults if lines == counted else [*faults, f"{lines} order lines kept, {counted} in the ledger"]


def tried(seed: int, by_mapping: bool) -> tuple[str, list[str]]:
    """The words of a refusal ("" if there was none), and what is not accounted for."""
    made = draw(np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "export"
        folder.mkdir()
        try:
            market = imported(made, folder) if by_mapping else opened(made, folder)
        except ForesellError as refused:
            return str(refused), []
        report = market.report
        if by_mapping:
            report = _of_import(folder / "out", report)
        return "", [f"{fault} ({', '.join(made.faults)})" for fault in unaccounted(made, market, report)]


def _of_import(out: Path, again: IntakeReport) -> IntakeReport:
    """The report of the import itself, which counts rows that did not come into its folder."""
    from pydantic import TypeAdapter

    text = (out / "intake.json").read_text()
    said = TypeAdapter(dict[str, Any]).validate_json(text)
    said.pop("lines")
    report = TypeAdapter(IntakeReport).validate_python(said)
    assert [t.kept for t in report.tables] == [t.kept for t in again.tables], "the folder reads as the import said"
    return report


def check(seeds: range, by_mapping: bool) -> None:
    found = [tried(seed, by_mapping) for seed in seeds]
    assert [fault for _, faults in found for fault in faults] == []
    refused = [words for words, _ in found if words]
    assert all("Found" in words and "Next" in words for words in refused)
    assert len(refused) <= MOST_REFUSED * len(seeds), refused[:5]


@pytest.mark.slow
@pytest.mark.parametrize("by_mapping", [False, True])
def test_each_row_of_a_few_drawn_exports_is_accounted_for(by_mapping: bool) -> None:
    check(range(20), by_mapping)


@pytest.mark.long
@pytest.mark.parametrize("by_mapping", [False, True])
def test_each_row_of_500_drawn_exports_is_accounted_for(by_mapping: bool) -> None:
    check(range(1_000, 1_500), by_mapping)
