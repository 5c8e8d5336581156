"""A mapping: a TOML file that says which column of a source gives each column of the contract, and in which form."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.errors import ForesellError
from features.ingest.contract import TABLES, Column, Table
from features.ingest.cross_checks import refuse_all

PROFILES = Path(__file__).with_name("profiles")
EPOCHS = {"unix seconds": 1, "unix milliseconds": 1_000}  # forms of a time that count from 1970-01-01 UTC
EXCEL = "excel days"  # days since 1899-12-30, as a sheet stores a date without its format
UNKNOWN = "?"  # what a draft writes where the file does not tell
FILE_NAME, FILE_TIME, COLUMN = "file name", "file time", "column "
ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")
Texts = tuple[str, ...]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class NumberForm(_Checked):
    """How a source writes numbers; signs of currencies, spaces and minus signs at either end are understood."""

    decimal: str = Field(default=".", pattern="^[.,]$", description="the decimal sign")
    thousands: str = Field(default="", max_length=1, description="the sign between thousands")
    drop_sign: bool = Field(default=False, description="true: -12.00 means 12.00")


class ColumnMapping(_Checked):
    """Where the values of one column of the contract come from."""

    source: Texts = Field(default=(), alias="from", description="a column of the source; of several, the first value")
    constant: str | None = Field(default=None, description="one value for every row")
    joined: Texts = Field(default=(), description="several columns of the source, joined with /")
    number_within: Texts = Field(
        default=(), description="number the rows within these columns of the source: 1, 2, ..."
    )
    of_order: bool = Field(default=False, description="take it from the order lines of the same order_id")
    of_item: str = Field(default="", description="the line of the same order whose item is in this column")
    values: Mapping[str, str] = Field(default={}, description="the contract's value for each value of the source")
    other: str | None = Field(default=None, description="the value for all others; empty: none")
    form: Texts = Field(default=(), description="forms of a time, such as %d.%m.%Y %H:%M, unix seconds, excel days")
    zone: str = Field(default="", description="the zone of times without one; default: that of the table")
    number: NumberForm | None = Field(default=None, description="how numbers are written; default: that of the table")
    times: str = Field(default="", description="a column to multiply by, such as the quantity")
    prefix: str = Field(default="", description="text put before each value, such as a shop's code and a dash")
    when: Mapping[str, Texts] = Field(default={}, description="only where these columns have one of these values")
    plus: Mapping[str, str] = Field(default={}, description="days to add, by value of the column `by`: 5 business days")
    by: str = Field(default="", description="the column with the service level that `plus` names")

    @field_validator("source", "joined", "number_within", "form", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("when", mode="before")
    @classmethod
    def _one_value(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: (found,) if isinstance(found, str) else found for name, found in value.items()}

    @model_validator(mode="after")
    def _one_way(self) -> "ColumnMapping":
        ways = (bool(self.source), self.constant is not None, bool(self.joined), bool(self.number_within))
        if sum((*ways, self.of_order, bool(self.of_item))) != 1:
            raise ValueError("needs exactly one of from, constant, joined, number_within, of_order and of_item")
        if bool(self.plus) != bool(self.by):
            raise ValueError("needs `plus` and `by` together")
        return self

    @property
    def names(self) -> Texts:
        """The columns of the source that it reads."""
        alone = [name for name in (self.of_item, self.times, self.by) if name]
        return tuple(dict.fromkeys([*self.source, *self.joined, *self.number_within, *alone, *self.when]))


class TableMapping(_Checked):
    """Where the rows of one table of the contract come from."""

    file: Texts = Field(
        default=(), description="file names or patterns such as orders*.csv; default: the source itself"
    )
    optional: bool = Field(default=False, description="true: the source may lack the files")
    sheet: str = Field(default="", description="sheet of a workbook; default: the first")
    records: str = Field(default="", description="path of the list of records in a JSON file, such as data.orders")
    each: str = Field(
        default="", description="list inside each record of which every entry is a row, such as line_items"
    )
    query: str = Field(default="", description="SQL, where the source is a postgresql:// address")
    separator: str = Field(default=",", min_length=1, max_length=1, description="separator of a text file")
    encoding: str = Field(default="utf-8", description=f"encoding of a text file: {', '.join(ENCODINGS)}, ...")
    skip: int = Field(default=0, ge=0, description="lines before the one with the column names")
    fill_down: Texts = Field(default=(), description="columns whose empty values take the value of the row above")
    fill_within: Texts = Field(default=(), description="columns that `fill_down` does not cross, such as the order")
    null: Texts = Field(default=(), description="words that mean an empty value, such as N/A")
    number: NumberForm | None = Field(default=None, description="how numbers are written")
    zone: str = Field(default="", description="the zone of times without one; default: that of the mapping")
    only: Mapping[str, Texts] = Field(default={}, description="only rows with one of these values in the column")
    needs: Texts = Field(default=(), description="only rows with a value in these columns, so no totals and footers")
    versions: str = Field(
        default="", description="what orders the versions of a row: file name, file time, column NAME"
    )
    date_only: Texts = Field(default=(), description="deadlines whose times at midnight mean the day")
    columns: Mapping[str, ColumnMapping]

    @field_validator("file", "null", "fill_down", "fill_within", "needs", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("only", mode="before")
    @classmethod
    def _one_value(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: (found,) if isinstance(found, str) else found for name, found in value.items()}

    @field_validator("columns", mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: {"from": one} if isinstance(one, str | list) else one for name, one in value.items()}

    @property
    def names(self) -> Texts:
        """The columns of the source that it reads."""
        of_columns = [name for one in self.columns.values() for name in one.names]
        last = [self.versions.removeprefix(COLUMN)] if self.versions.startswith(COLUMN) else []
        every = [*of_columns, *self.fill_down, *self.fill_within, *self.only, *self.needs, *last]
        return tuple(name for name in dict.fromkeys(every) if name != FILE_NAME)


class SourceMapping(_Checked):
    """A whole mapping."""

    name: str = Field(default="", description="name of the marketplace; default: that of the source")
    zone: str = Field(default="UTC", description="time zone in which days are counted, and of times without one")
    country: str = Field(default="", description="country whose public holidays are no business days, such as FR")
    currency: str = Field(default="", description="currency of all amounts")
    tables: Mapping[str, TableMapping]

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"{zone!r} is no time zone such as Europe/Paris")
        return zone


def profiles() -> list[str]:
    """Names of the mappings that come with Foresell."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def profile(name: str) -> SourceMapping:
    """A mapping that comes with Foresell."""
    return read_mapping(PROFILES / f"{name}.toml")


def read_mapping(path: Path) -> SourceMapping:
    """The mapping in a file; ForesellError names every fault of it at once."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ForesellError("The mapping must exist.", f"no file {path}", "check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ForesellError("A mapping must be TOML.", f"{path}: {e}", "correct the line that it names") from None
    return parse_mapping(raw, str(path))


def parse_mapping(raw: Mapping[str, Any], where: str) -> SourceMapping:
    """The mapping in plain values; `where` names it in errors."""
    tables = {name: value for name, value in raw.items() if isinstance(value, dict)}
    try:
        mapping = SourceMapping.model_validate({k: v for k, v in raw.items() if k not in tables} | {"tables": tables})
    except ValidationError as error:
        found = "; ".join(_fault(fault["loc"], fault["msg"]) for fault in error.errors())
        raise ForesellError(f"{where} must be a mapping (docs/import.md).", found, "correct each of them") from None
    refuse_all(_faults(mapping, where))
    return mapping


def _fault(place: Sequence[int | str], message: str) -> str:
    shown = " ".join(f"[{part}]" if i == 1 else str(part) for i, part in enumerate(place) if part != "tables" or i)
    return f"{shown}: {message.removeprefix('Value error, ')}"


def _faults(mapping: SourceMapping, where: str) -> list[ForesellError]:
    if "orders" not in mapping.tables:
        return [ForesellError(f"{where} must have the table [orders].", "none", "add [orders] and [orders.columns]")]
    faults = []
    for name, table in mapping.tables.items():
        if name not in TABLES:
            step = f"use one of {', '.join(TABLES)}"
            faults.append(ForesellError("A mapping may only have tables of the contract.", f"[{name}]", step))
        else:
            faults += _table_faults(TABLES[name], table, where)
    looked_up = [name for name, table in mapping.tables.items() if any(c.of_item for c in table.columns.values())]
    if looked_up and "item_id" not in mapping.tables["orders"].columns:
        rule = "[orders.columns] must give item_id, because of_item finds the line of an item."
        faults.append(ForesellError(rule, f"of_item under [{looked_up[0]}.columns]", "add item_id"))
    return faults


def _table_faults(table: Table, mapping: TableMapping, where: str) -> list[ForesellError]:
    names, faults = {c.name: c for c in table.columns}, []
    if unknown := [name for name in mapping.columns if name not in names]:
        step = f"use some of {', '.join(names)}"
        faults.append(
            ForesellError(f"[{table.name}.columns] may only have columns of the contract.", _all(unknown), step)
        )
    if missing := [c.name for c in table.columns if c.required and c.name not in mapping.columns]:
        step = f"add {' and '.join(missing)} under [{table.name}.columns] of {where}"
        faults.append(ForesellError(f"[{table.name}.columns] must give every required column.", _lacks(missing), step))
    known = [(names[name], one) for name, one in mapping.columns.items() if name in names]
    return faults + [fault for column, one in known for fault in _column_faults(table, column, one)]


def _column_faults(table: Table, column: Column, mapping: ColumnMapping) -> list[ForesellError]:
    place, faults = f"{table.name}.{column.name}", []
    if UNKNOWN in mapping.form:
        step = f'write the form of the dates, such as form = "%d-%m-%Y" or form = "%m-%d-%Y", for {place}'
        faults.append(ForesellError("The form of every time must be said.", f'{place} with form = "?"', step))
    if UNKNOWN in mapping.names:
        step = f"write the column of the source with {column.doc}, or a constant"
        faults.append(ForesellError(f"The source of {place} must be said.", '"?"', step))
    if mapping.values and column.kind == "choice":
        wrong = [v for v in [*mapping.values.values(), mapping.other or ""] if v and v not in column.choices]
        if wrong:
            step = f"use one of {', '.join(column.choices)}"
            faults.append(ForesellError(f"The values of {place} must be those of the contract.", _all(wrong), step))
    if mapping.constant is not None and column.kind == "choice" and mapping.constant not in column.choices:
        step = f"use one of {', '.join(column.choices)}"
        faults.append(ForesellError(f"{place} must have a value of the contract.", repr(mapping.constant), step))
    zone = mapping.zone
    if zone and zone not in available_timezones():
        faults.append(ForesellError(f"The zone of {place} must be known.", repr(zone), "use one such as Europe/Paris"))
    return faults


def _all(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _lacks(names: Sequence[str]) -> str:
    return f"no {', '.join(names)}"
