"""`foresell import` and `foresell features`: from a source to the contract, and from there to the feature table."""

import re
from datetime import date, timedelta
from pathlib import Path

from features.appeals import known_by
from features.errors import ForesellError
from features.importing import import_source
from features.intake import Marketplace, open_folder
from features.ledger import Ledger, build_ledger
from features.quarantine import IntakeReport
from features.settings import Settings
from features.standards_file import load
from features.table import FeatureTable, build_table
from foresell.console import Outcome, Say, steps
from foresell.decided import decided

EPOCH = date(1970, 1, 1)
FIRST_WINDOW_DAYS = 60  # as-of days begin once the headline windows of the built-in standards are full


def import_data(source: str, folder: Path, source_format: str) -> Outcome:
    """Read a source into a contract folder."""
    with steps() as say:
        say(f"importing {source}")
        report = import_source(source, folder, source_format)
    return Outcome({"folder": str(folder), **report.as_json()}, (*report.lines(), f"Written to {folder}"))


def write_features(data: Path, out: Path, every: str, standards: str | None, zone: str | None) -> Outcome:
    """Build the ledger and the feature table and write it as Parquet."""
    days, file = parse_days(every), load(standards)
    with steps() as say:
        ledger = read_ledger(data, zone, Settings(), say)
        say("building the features")
        table = build_table(ledger, as_of_days(ledger, days), file.standards)
        say("writing")
        write_table(table, out)
    return _written(ledger.market.report, table, out)


def open_market(data: Path, zone: str | None, settings: Settings, say: Say) -> Marketplace:
    """The typed tables of a contract folder, with what reviewers decided; rows that break the contract are kept."""
    say("reading and checking")
    quarantine = settings.home / "quarantine" / f"{data.resolve().name}.parquet"
    return open_folder(data, zone, settings.quarantine_share, quarantine_to=quarantine, added=decided(data, settings))


def read_ledger(data: Path, zone: str | None, settings: Settings, say: Say, present: bool = False) -> Ledger:
    """The ledger of a contract folder; present: its last day is scored now, and heeds the appeals decided since."""
    market = open_market(data, zone, settings, say)
    if present:
        known_by(market.con, last_order_day(market))
    say("building the ledger")
    return build_ledger(market)


def last_order_day(market: Marketplace) -> int:
    """The last day on which an order was placed: the last ledger day."""
    return int(market.con.execute("select max(ordered_at_day) from orders").fetchall()[0][0])


def as_of_days(ledger: Ledger, every: int) -> list[int]:
    """Day numbers from the last ledger day back, while the windows before them are full; the last day in any case."""
    full = ledger.first_day + FIRST_WINDOW_DAYS
    return [*range(ledger.last_day - every, full - 1, -every)[::-1], ledger.last_day]


def parse_days(text: str) -> int:
    """Days from text such as 7d."""
    match = re.fullmatch(r"([1-9]\d{0,2})d", text)
    if not match:
        raise ForesellError("A time between as-of dates is a whole number of days, 1d to 999d.", repr(text), "use 7d")
    return int(match[1])


def iso(day: int) -> str:
    """A day number as an ISO date."""
    return (EPOCH + timedelta(days=day)).isoformat()


def write_table(table: FeatureTable, out: Path) -> None:
    """The table as one Parquet file: keys, text attributes and numeric columns; complete or not there."""
    import pyarrow as pa
    from pyarrow import parquet

    as_of = pa.array(table.as_of.astype("datetime64[D]"))
    columns = {"seller_id": table.seller_id, "as_of": as_of, **table.text}
    columns |= {name: table.block[name] for name in table.block.names}
    part = out.with_name(f".{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), part)
    part.replace(out)


def _written(report: IntakeReport, table: FeatureTable, out: Path) -> Outcome:
    days = sorted(set(table.as_of.tolist()))
    data = {
        "out": str(out),
        "rows": len(table),
        "sellers": len(set(table.seller_id.tolist())),
        "as_of": [iso(days[0]), iso(days[-1])] if days else [],
        "features": [feature.name for feature in table.features],
        "intake": report.as_json(),
    }
    line = f"{len(table):,} rows, {data['sellers']:,} sellers, {len(table.features)} features, {len(days)} as-of dates"
    return Outcome(data, (*report.lines(), f"{line}; written to {out}"))
