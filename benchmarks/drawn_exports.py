"""Drawn exports with the faults that real ones have, and how many rows each file of them holds."""

import csv
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from core.errors import ForesellError
from features.importing.import_source import import_mapped
from features.importing.mapping import parse_mapping
from features.ingest.intake import Marketplace, open_folder
from features.ingest.quarantine import IntakeReport
from features.ledger.build import build_ledger

Row = dict[str, Any]
START = datetime(2024, 3, 1, tzinfo=UTC)
SHARE = 0.05  # of a table's rows that may be quarantined
TIMES = ("ordered_at", "promised_at", "delivered_at", "opened_at", "created_at", "recorded_at", "valid_from")
FORMS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p")


@dataclass
class DrawnExport:
    """Rows by table, how they are written, and what was drawn to be wrong with them."""

    tables: dict[str, list[Row]]
    form: str = FORMS[0]
    separator: str = ","
    encoding: str = "utf-8"
    files: int = 1
    parquet: bool = False
    faults: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # lines that cannot be split, written at the end of the orders

    @property
    def rows(self) -> dict[str, int]:
        """The number of rows in the files of each table."""
        more = {"orders": len(self.broken)}
        return {name: len(rows) + more.get(name, 0) for name, rows in self.tables.items() if rows}


def draw(rng: np.random.Generator) -> DrawnExport:
    """A small marketplace with none to two faults."""
    made = DrawnExport(_clean(rng))
    for name in rng.choice(list(FAULTS), size=int(rng.integers(0, 3)), replace=False):
        made.faults.append(str(name))
        FAULTS[str(name)](made, rng)
    made.files = int(rng.integers(1, 4))
    made.parquet = not made.broken and made.separator == "," and bool(rng.random() < 0.25)
    return made


def _clean(rng: np.random.Generator) -> dict[str, list[Row]]:
    orders, returns, cases, feedback = [], [], [], []
    for n in range(int(rng.integers(120, 260))):
        at = START + timedelta(days=int(rng.integers(0, 60)), minutes=int(rng.integers(0, 1400)))
        seller = f"s{rng.integers(0, 8)}"
        for line in range(1 + int(rng.random() < 0.2)):
            arrives = at + timedelta(days=int(rng.integers(1, 9)))
            row: Row = {"order_id": f"o{n}", "line_id": str(line + 1), "seller_id": seller, "item_id": f"i{line}"}
            row |= {
                "price": f"{rng.integers(1, 900) / 10:.2f}",
                "ordered_at": at,
                "promised_at": at + timedelta(days=5),
            }
            orders.append(row | {"delivered_at": arrives if rng.random() < 0.9 else None})
        key: Row = {"order_id": f"o{n}", "seller_id": seller}
        if rng.random() < 0.15 and orders[-1]["delivered_at"]:
            opened = orders[-1]["delivered_at"] + timedelta(days=3)
            returns.append({"return_id": f"r{n}", "order_id": f"o{n}", "line_id": "1", "opened_at": opened})
        if rng.random() < 0.1:
            cases.append({"case_id": f"c{n}", **key, "kind": "inquiry", "opened_at": at + timedelta(days=1)})
        if rng.random() < 0.1:
            feedback.append({"feedback_id": f"f{n}", **key, "rating": "5", "created_at": at + timedelta(days=9)})
    sellers = [{"seller_id": f"s{n}", "region": "nord"} for n in range(8)]
    return {"orders": orders, "returns": returns, "cases": cases, "feedback": feedback, "sellers": sellers}


def _some(rows: list[Row], rng: np.random.Generator, most: int = 2) -> list[Row]:
    return [rows[int(i)] for i in rng.integers(0, len(rows), size=int(rng.integers(1, most + 1)))]


def _copies(made: DrawnExport, rng: np.random.Generator) -> None:
    made.tables["orders"] += [dict(row) for row in _some(made.tables["orders"], rng, 20)]


def _collision(made: DrawnExport, rng: np.random.Generator) -> None:
    made.tables["orders"].append(made.tables["orders"][0] | {"seller_id": "another"})


def _versions(made: DrawnExport, rng: np.random.Generator) -> None:
    for row in made.tables["orders"]:
        row["recorded_at"] = None
    for row in _some(made.tables["orders"], rng, 30):
        later = row["ordered_at"] + timedelta(days=int(rng.integers(1, 20)))
        made.tables["orders"].append(row | {"delivered_at": later, "recorded_at": later})


def _differing(made: DrawnExport, rng: np.random.Generator) -> None:
    made.tables["orders"].append(made.tables["orders"][0] | {"price": "0.01"})


def _missing_column(made: DrawnExport, rng: np.random.Generator) -> None:
    name = rng.choice(["seller_id", "price", "promised_at", "delivered_at", "item_id"])
    for row in made.tables["orders"]:
        row.pop(name, None)


def _empty_values(made: DrawnExport, rng: np.random.Generator) -> None:
    for row in _some(made.tables["orders"], rng):
        row[str(rng.choice(["seller_id", "ordered_at", "line_id", "price"]))] = None


def _wrong_values(made: DrawnExport, rng: np.random.Generator) -> None:
    for row in _some(made.tables["orders"], rng):
        row[str(rng.choice(["ordered_at", "price", "delivered_at"]))] = "soon"


def _spike(made: DrawnExport, rng: np.random.Generator) -> None:
    away = timedelta(days=int(rng.choice([-3000, -400, 300, 5000])))
    for n, row in enumerate(_some(made.tables["orders"], rng)):
        made.tables["orders"].append(row | {"order_id": f"far{n}", "ordered_at": row["ordered_at"] + away})


def _unknown_lines(made: DrawnExport, rng: np.random.Generator) -> None:
    for row in _some(made.tables["returns"], rng, 1):
        made.tables["returns"].append(row | {"return_id": "lost", "order_id": "nowhere"})


def _aliases(made: DrawnExport, rng: np.random.Generator) -> None:
    made.tables["aliases"] = [{"old_seller_id": "s0", "new_seller_id": "s1", "valid_from": START}]


def _replacements(made: DrawnExport, rng: np.random.Generator) -> None:
    for row in made.tables["orders"]:
        row["kind"] = "sale"
    for row in _some(made.tables["orders"], rng, 9):
        row["kind"] = "replacement"


def _other_separator(made: DrawnExport, rng: np.random.Generator) -> None:
    made.separator = str(rng.choice([";", "\t", "|"]))


def _other_encoding(made: DrawnExport, rng: np.random.Generator) -> None:
    made.encoding = str(rng.choice(["utf-8-sig", "utf-16", "cp1252"]))
    for row in made.tables["sellers"]:
        row["region"] = "süd"


def _other_form(made: DrawnExport, rng: np.random.Generator) -> None:
    made.form = str(rng.choice(FORMS[1:]))


def _broken_rows(made: DrawnExport, rng: np.random.Generator) -> None:
    made.broken = ["cut", "a,b;c\td|e" + (",;\t|" * 30)][: int(rng.integers(1, 3))]


FAULTS: dict[str, Callable[[DrawnExport, np.random.Generator], None]] = {
    function.__name__.removeprefix("_"): function
    for function in (
        *(_copies, _collision, _versions, _differing, _missing_column, _empty_values, _wrong_values, _spike),
        *(_unknown_lines, _aliases, _replacements, _other_separator, _other_encoding, _other_form, _broken_rows),
    )
}


def write(made: DrawnExport, folder: Path) -> None:
    """Write each table as one or more files, `<table>/<number>.csv` or `.parquet`."""
    for name, rows in made.tables.items():
        if not rows:
            continue
        columns = list(dict.fromkeys(column for row in rows for column in row))
        (folder / name).mkdir(parents=True)
        for number in range(made.files):
            part = [{c: _text(row.get(c), made.form) for c in columns} for row in rows[number :: made.files]]
            path = folder / name / f"{number}.{'parquet' if made.parquet else 'csv'}"
            broken = made.broken if (name, number) == ("orders", 0) else []
            _write_part(made, path, columns, part, broken)


def _write_part(
    made: DrawnExport, path: Path, columns: list[str], rows: list[dict[str, str]], broken: list[str]
) -> None:
    if made.parquet:
        pq.write_table(pa.table({c: pa.array([row[c] or None for row in rows], pa.string()) for c in columns}), path)
        return
    with path.open("w", encoding=made.encoding, newline="") as out:
        writer = csv.DictWriter(out, columns, delimiter=made.separator, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        out.writelines(f"{line}\n" for line in broken)


def _text(value: Any, form: str) -> str:
    if isinstance(value, datetime):
        return value.strftime(form)
    return "" if value is None else str(value)


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
    text = (out / "intake.json").read_text()
    said = TypeAdapter(dict[str, Any]).validate_json(text)
    said.pop("lines")
    report = TypeAdapter(IntakeReport).validate_python(said)
    assert [t.kept for t in report.tables] == [t.kept for t in again.tables], "the folder reads as the import said"
    return report
