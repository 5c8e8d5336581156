"""What the pages show beside a score: each seller's days, orders, interventions and corrections, sorted by seller.

Written once a day from the ledger, beside the online store; read one seller at a time.
"""

import json
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.errors import ForesellError
from features.columns.peers import LEVELS, SEPARATOR
from features.ledger.build import Ledger
from features.standards.standard import Standard
from features.table import FeatureTable
from serving.store.pointer import read, swap
from serving.store.sorted_rows import BLOCK_ROWS, SortedRows, open_rows, write_rows

FORMAT = 2
POINTER = "current.json"
KEPT_DAYS = 242  # 26 weeks, and the 60 days of the longest window before them
FAULTS = ("late_seller_fault", "late_carrier_fault", "late_platform_fault")
LATE = {"late_own_day": "seller", "late_carrier_day": "carrier", "late_platform_day": "platform"}
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class SellerHistory:
    """A seller's ledger: `day` is what an entry counts for, `known` the day from which it counts; shape (entries,)."""

    day: NDArray[np.int64]
    known: NDArray[np.int64]
    quantities: Mapping[str, NDArray[np.int64]]

    def total(self, names: Iterable[str], as_of: int, span: int) -> int:
        """The sum over the days as_of - span + 1 .. as_of, of what was known at as_of."""
        inside = (self.day > as_of - span) & (self.day <= as_of) & (self.known <= as_of)
        return int(sum(self.quantities[name][inside].sum() for name in names))


@dataclass(frozen=True)
class Histories:
    """The files of one day, open."""

    as_of: int
    peers: Mapping[str, Mapping[str, Sequence[float]]]  # by standard and group: quartiles of the sellers' rates
    files: Mapping[str, SortedRows]

    def days(self, seller_id: str) -> SellerHistory:
        """The seller's ledger of the last KEPT_DAYS days."""
        found = self.files["days"].of(seller_id)
        columns = {name: found[name].to_numpy().astype(np.int64) for name in found.column_names}
        return SellerHistory(columns.pop("day"), columns.pop("known"), columns)

    def orders(self, seller_id: str, order_ids: Collection[str]) -> list[dict[str, Any]]:
        """What is known of these orders of the seller."""
        found = self.files["orders"].of(seller_id)
        rows: list[dict[str, Any]] = found.filter(pc.is_in(found["order_id"], pa.array(order_ids))).to_pylist()
        return rows

    def rows(self, name: str, seller_id: str) -> list[dict[str, Any]]:
        """The seller's rows of `interventions` or `corrections`."""
        rows: list[dict[str, Any]] = self.files[name].of(seller_id).to_pylist()
        return rows


def write_histories(ledger: Ledger, table: FeatureTable, standards: Sequence[Standard], folder: Path) -> Path:
    """Write the files of the table's one day beside older ones, then point to them; the new folder."""
    as_of = int(table.as_of[0])
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder, prefix=f"{as_of}-"))
    quantities = _quantities(ledger, standards)
    firsts = {}
    for name, query in _queries(ledger, quantities, as_of).items():
        found = ledger.con.sql(query).to_arrow_reader(BLOCK_ROWS)
        firsts[name] = write_rows(found, found.schema, draft / f"{name}.arrow")
    peers = {s.name: _quartiles(table, s) for s in standards}
    facts = {"format": FORMAT, "as_of": as_of, "firsts": firsts, "peers": peers}
    (draft / "facts.json").write_text(json.dumps(facts))
    before = read(folder / POINTER) or {}
    swap(folder / POINTER, {"name": draft.name})
    for place in folder.iterdir():
        if place.is_dir() and place.name not in {draft.name, before.get("name")}:
            shutil.rmtree(place, ignore_errors=True)
    return draft


def open_histories(folder: Path) -> Histories | None:
    """The files that the pointer in a folder names; None where none were written."""
    named = read(folder / POINTER)
    if named is None:
        return None
    place = folder / str(named["name"])
    facts = read(place / "facts.json") or {}
    if facts.get("format") != FORMAT:
        raise ForesellError(
            "Histories must have the format of this version.",
            f"{place}",
            "write them again: foresell review --data DATA",
        )
    files = {name: open_rows(place / f"{name}.arrow", firsts) for name, firsts in facts["firsts"].items()}
    return Histories(int(facts["as_of"]), facts["peers"], files)


def _quantities(ledger: Ledger, standards: Sequence[Standard]) -> list[str]:
    named = dict.fromkeys([*(q for s in standards for q in s.quantities()), *FAULTS])
    return [q for q in named if q in ledger.quantities]


def _queries(ledger: Ledger, quantities: Sequence[str], as_of: int) -> Mapping[str, str]:
    columns = ", ".join(quantities)
    return {
        "days": f"""select seller_id, cast(day as integer) as day, cast(known as integer) as known, {columns} from (
                select seller_id, day, day as known, {columns} from ledger
                union all select seller_id, effective_day, decided_day, {columns} from ledger_corrections) as l
            where day > {as_of - KEPT_DAYS} and day <= {as_of} and known <= {as_of} order by seller_id, day""",
        "orders": _orders_sql(ledger, as_of),
        "interventions": f"""select seller_id, started_at_day as day, ended_at_day as until, kind, arm
            from interventions where started_at_day <= {as_of} order by seller_id, day""",
        "corrections": f"""select seller_id, decided_at_day as day, table_name, row_key, effect, new_fault, reason
            from corrections where decided_at_day <= {as_of} order by seller_id, day""",
    }


def _orders_sql(ledger: Ledger, as_of: int) -> str:
    """Each order as known at as_of: what was promised, what happened, and whose fault that is."""
    known = f"valid_from <= {as_of} and {as_of} < valid_to"
    states = {row[0] for row in ledger.con.execute("describe order_facts").fetchall()}
    late = {
        name: name if name in states else "null" for name in ("late_own_day", "late_carrier_day", "late_platform_day")
    }
    faults = " ".join(
        f"when {late[column]} <= {as_of} then '{fault}'"
        for column, fault in zip(late, ("seller", "carrier", "platform"), strict=True)
    )
    return f"""with lines as (select seller_id, order_id, min(item_id) as item_id, min(category) as category,
                sum(price_cents) as cents, min(ordered_at_day) as ordered, max(ship_by_day) as ship_by,
                max(shipped_at_day) as shipped, max(promised_at_day) as promised, max(delivered_at_day) as delivered,
                max(cancelled_at_day) as cancelled, max(cancelled_by) as cancelled_by
            from orders_versions where {known} and ordered_at_day > {as_of - KEPT_DAYS} group by seller_id, order_id),
        reasons as (select return_id, max_by(reason, coalesce(recorded_at_day, 0)) as reason
            from returns group by return_id),
        back as (select v.order_id, min(v.opened_at_day) as returned, max(v.fault) as return_fault,
                max(r.reason) as return_reason
            from returns_versions as v join reasons as r on r.return_id = v.return_id
            where {known} and v.opened_at_day <= {as_of} group by v.order_id),
        rated as (select order_id, min(rating) as rating from feedback_versions
            where {known} and created_at_day <= {as_of} group by order_id),
        complaints as (select order_id, string_agg(distinct kind, ', ' order by kind) as cases from cases_versions
            where {known} and opened_at_day <= {as_of} and kind <> 'inquiry' group by order_id),
        late as (select order_id, case {faults} end as late_fault from order_facts
            where since <= {as_of} and {as_of} < until)
        select l.*, b.returned, b.return_fault, b.return_reason, f.rating, c.cases, t.late_fault
        from lines as l left join back as b on b.order_id = l.order_id left join rated as f on f.order_id = l.order_id
            left join complaints as c on c.order_id = l.order_id left join late as t on t.order_id = l.order_id
        order by l.seller_id, l.order_id"""


def _quartiles(table: FeatureTable, standard: Standard) -> dict[str, list[float]]:
    """By peer group, the quartiles of the rates of its sellers with the minimum volume."""
    bad, volume = standard.counts(table.block)
    rates = standard.rate(bad, volume)
    enough = (volume >= standard.minimum_volume) & (table.block["ordered_60"] > 0)
    members: dict[str, list[int]] = {}
    for number in np.flatnonzero(enough).tolist():
        for group in _groups(table, number):
            members.setdefault(group, []).append(number)
    return {group: np.quantile(rates[numbers], QUARTILES).tolist() for group, numbers in members.items()}


def _groups(table: FeatureTable, number: int) -> list[str]:
    """The names of the peer groups that a seller belongs to, the whole market's among them."""
    found = [""]
    for level, columns in LEVELS.items():
        values = [str(table.text[column][number]) for column in columns]
        if level.startswith("peer_") and all(values[:2]):
            found.append(SEPARATOR.join(value for value in values if value))
    return found
