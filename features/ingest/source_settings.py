"""What a folder's source.toml says: name and zones, which times mean days, and what orders the versions of rows."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import ForesellError
from core.sql_text import quoted
from features.ingest.checks import SourcePart
from features.ingest.contract import TABLES, Table

TEXTS = ("name", "zone", "times_zone")
FILE_NAME, FILE_TIME, COLUMN = "file name", "file time", "column "
DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?!.*\d{4}-?\d{2}-?\d{2})")  # the last date in a name
FORMS = f"""date_only = ["promised_at"] or recorded_at = "{FILE_NAME}", "{FILE_TIME}" or "{COLUMN}NAME\""""


@dataclass(frozen=True)
class SourceSettings:
    """The settings of a source. date_only: columns whose times mean days; None: the source does not say.

    recorded_at: by table, what orders the versions of its rows: the file's name or time, or a column of last updates.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    date_only: frozenset[str] | None = None
    recorded_at: Mapping[str, str] = field(default_factory=dict)


def read_settings(folder: Path) -> SourceSettings:
    """The settings in the folder's source.toml; none without the file. ForesellError names everything unknown."""
    path = folder / "source.toml"
    if not path.is_file():
        return SourceSettings()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ForesellError("source.toml must be TOML.", f"{path}: {e}", "correct the line that it names") from None
    wrong = [f"{key} = {value!r}" for key, value in values.items() if not _is_known(key, value)]
    if wrong:
        rule = f"source.toml may only have the texts {', '.join(TEXTS)}, and for each table {FORMS}."
        raise ForesellError(rule, "; ".join(wrong), "rename it, or remove it")
    sections = {name: values[name] for name in TABLES if name in values}
    dates = [column for section in sections.values() for column in section.get("date_only", ())]
    said = any("date_only" in section for section in sections.values())
    orders = {name: section["recorded_at"] for name, section in sections.items() if "recorded_at" in section}
    return SourceSettings({k: values[k] for k in TEXTS if k in values}, frozenset(dates) if said else None, orders)


def _is_known(key: str, value: Any) -> bool:
    if key in TEXTS:
        return isinstance(value, str)
    if key not in TABLES or not isinstance(value, dict) or not {*value} <= {"date_only", "recorded_at"}:
        return False
    columns = {c.name for c in TABLES[key].columns if c.kind == "time_or_date"}
    dates, rule = value.get("date_only", []), value.get("recorded_at", FILE_NAME)
    known = rule in (FILE_NAME, FILE_TIME) or (isinstance(rule, str) and rule.startswith(COLUMN))
    return known and isinstance(dates, list) and {*map(str, dates)} <= columns


def with_versions(table: Table, parts: Sequence[SourcePart], rule: str, zone: str) -> tuple[SourcePart, ...]:
    """The parts with the column `recorded_at` that the source's rule gives each row."""
    if any("recorded_at" in part.columns for part in parts):
        found = f'{table.name}.recorded_at beside [{table.name}] recorded_at = "{rule}"'
        raise ForesellError("A source must order versions in one way.", found, "remove one of the two")
    if rule.startswith(COLUMN):
        return tuple(_by_column(table, part, rule.removeprefix(COLUMN)) for part in parts)
    return tuple(_by_file(part, rule, zone) for part in parts)


def _by_column(table: Table, part: SourcePart, name: str) -> SourcePart:
    if name not in part.columns:
        found = f"{part.label} with the columns {', '.join(part.columns)}"
        raise ForesellError(f"{table.name} must have the column {name!r} of last updates.", found, "correct its name")
    return _recorded(part, f'"{name}"', part.columns[name])


def _by_file(part: SourcePart, rule: str, zone: str) -> SourcePart:
    moments = {path: moment_of_file(path, rule, zone) for path in part.files}
    cases = " ".join(f"when {quoted(path)} then {quoted(moment)}" for path, moment in moments.items())
    return _recorded(part, f"case {part.file} {cases} end", "VARCHAR")


def _recorded(part: SourcePart, sql: str, kind: str) -> SourcePart:
    relation = f"(select *, {sql} as recorded_at from {part.relation})"
    return replace(part, relation=relation, columns={**part.columns, "recorded_at": kind})


def moment_of_file(path: Path, rule: str, zone: str) -> str:
    """When a file was made: the close of the day in its name, or the time of the file."""
    if rule == FILE_TIME:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
    found = DATE.search(path.stem)
    try:
        day = datetime(*map(int, found.groups())) if found else None  # type: ignore[arg-type]
    except ValueError:
        day = None
    if day is None:
        raise ForesellError(
            "The name of each file must have a date such as 2024-01-31, because source.toml orders versions by it.",
            path.name,
            f'rename the file, or write recorded_at = "{FILE_TIME}"',
        )
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(zone)).astimezone(UTC).isoformat()


def first_versions(table: Table) -> str:
    """A select of the table in which the first version of each row has no `recorded_at`: it holds from the beginning.

    Otherwise everything in the first export would count as known only on the day of that export.
    """
    key = ", ".join(table.key)
    first = f"recorded_at is not distinct from min(recorded_at) over (partition by {key})"
    columns = {
        name: f"case when not ({first}) then {name} end as {name}" for name in ("recorded_at", "recorded_at_day")
    }
    return f"select {', '.join(columns.get(name, name) for name in table.typed)} from {table.name}"
