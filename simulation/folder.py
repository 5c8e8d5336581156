"""The folder of a run: large tables as one file for each block of sellers, small tables as one file."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa
from pyarrow import parquet

from core.errors import ForesellError
from features.ingest.contract import TABLES

IN_PARTS = ("orders", "returns", "cases", "feedback")
OWN = ("causes.parquet", "truth.parquet", "simulation.json", "source.toml", *TABLES, *(f"{t}.parquet" for t in TABLES))


class Folder:
    """Open files of a run; tables are added block by block, so that memory holds one block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, int] = {}
        self._open = ExitStack()
        self._files: dict[str, parquet.ParquetWriter] = {}

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def add(self, block: int, tables: Mapping[str, pa.Table]) -> None:
        """One block's rows of each table."""
        for name, table in tables.items():
            self.rows[name] = self.rows.get(name, 0) + len(table)
            if name in IN_PARTS:
                self._write_part(name, block, table)
            else:
                self._writer(name, table).write_table(table)

    def _write_part(self, name: str, block: int, table: pa.Table) -> None:
        path = self.path / name / f"part-{block:05d}.parquet"
        path.parent.mkdir(exist_ok=True)
        parquet.write_table(table, path, **_layout(table))

    def _writer(self, name: str, table: pa.Table) -> parquet.ParquetWriter:
        if name not in self._files:
            writer = parquet.ParquetWriter(self.path / f"{name}.parquet", table.schema, **_layout(table))
            self._files[name] = self._open.enter_context(writer)
        return self._files[name]


def _layout(table: pa.Table) -> dict[str, object]:
    """Columns with few different texts are written with a dictionary."""
    few = [f.name for f in table.schema if pa.types.is_dictionary(f.type) or pa.types.is_boolean(f.type)]
    return {"compression": "zstd", "compression_level": 1, "use_dictionary": few, "write_statistics": False}


def check_replaceable(path: Path) -> None:
    """ForesellError if the folder has files other than those of an earlier simulation."""
    others = [p.name for p in path.iterdir() if p.name not in OWN] if path.is_dir() else [path.name] * path.exists()
    whose = path.is_dir() and any(path.iterdir()) and not (path / "simulation.json").is_file()
    if others or whose:
        found = ", ".join(sorted(others)[:5]) or "tables that no simulation wrote"
        rule = "The folder to simulate into must be new, empty or an earlier simulation."
        raise ForesellError(rule, f"{found} in {path}", "choose another folder")
