"""What reviewers have decided about a source, beside the source's own rows: corrections and interventions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from features.settings import Settings
from features.sources import settings_of
from foresell.console import Outcome
from serving.casework.exports import tables
from serving.records.database import address, open_database


def decided(data: Path, settings: Settings) -> Mapping[str, pa.Table]:
    """Both tables in the form of the contract; none where no database has been made yet."""
    if not _exists(settings):
        return {}
    engine = open_database(settings)
    try:
        return tables(engine, dataset_of(data), datetime.now(UTC))
    finally:
        engine.dispose()


def dataset_of(data: Path) -> str:
    """The name by which a folder's corrections are kept: what its source.toml says, or the folder's own."""
    return settings_of(data).get("name", data.resolve().name)


def export(data: Path, out: Path) -> Outcome:
    """Write both tables as Parquet files of the contract into a folder."""
    from pyarrow import parquet

    out.mkdir(parents=True, exist_ok=True)
    found = {name: rows for name, rows in decided(data, Settings()).items() if rows.num_rows}
    for name, rows in found.items():
        part = out / f".{name}.part"
        parquet.write_table(rows, part)
        part.replace(out / f"{name}.parquet")
    counts = {name: rows.num_rows for name, rows in found.items()}
    said = ", ".join(f"{n:,} {name}" for name, n in counts.items()) or "nothing: no decision is in effect yet"
    return Outcome({"out": str(out), "rows": counts}, (f"{said}; written to {out}",))


def _exists(settings: Settings) -> bool:
    """Whether there is a database to ask; reading data makes none."""
    url = address(settings)
    return url.get_backend_name() != "sqlite" or Path(str(url.database)).exists()
