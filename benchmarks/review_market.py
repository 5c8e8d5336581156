"""A large marketplace for the review pages: a simulated one's sellers many times over, each under an id of its own.

The rows, orders, ledger days and scores of each copy are those of a real scoring; only the ids differ. Building 200
thousand sellers' ledgers anew would time the ledger, which `scale` does.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from core.days import SOURCE_DAYS
from core.settings import Settings
from foresell.commands.review import bring_up
from foresell.console import steps
from foresell.demo.demo import RECORDS, build, own_settings
from models.arithmetic.economy import Economy
from serving.casework.cases import case_repository
from serving.casework.cases.case import FORESELL, OPEN, Case
from serving.casework.cases.experiment_arms import FULL
from serving.casework.snapshots import logged_answers
from serving.casework.snapshots.seller_snapshot import SellerProfile, case_facts, take_snapshots
from serving.database.clock import now
from serving.database.connection import open_database, writing
from serving.database.tables.casework import WEEKLY_SCORES
from serving.review.web.services import HISTORIES
from serving.scoring.model_watcher import ModelAndStore, ModelWatcher
from serving.store.bundles import current, local_copy, pointer
from serving.store.online_store import DAYS, POINTER, keys_of, open_store
from serving.store.sorted_rows import write_rows

AT_ONCE = 200
CAPACITY = 40


def small_home(settings: Settings) -> Settings:
    """The demo's home with its champion, store, histories and cases; made where it is not there."""
    own = own_settings(settings)
    data = own.home / RECORDS["simulated"].name
    with steps() as progress:
        if not current(own.home) or not data.exists():
            build(RECORDS["simulated"], RECORDS["simulated"].standards(), own, progress)
        bring_up(data, SOURCE_DAYS, own, CAPACITY, progress, practice=True)
    return own


def large_home(small: Settings, home: Path, copies: int, cases: int) -> Settings:
    """A home of `copies` times the sellers, with so many open cases."""
    settings = Settings(home=home, tracking_uri="")
    _champion(small.home, home)
    _store(small.home / "store", home / "store", copies)
    _histories(small.home / HISTORIES, home / HISTORIES, copies)
    engine = open_database(settings)
    watcher = ModelWatcher(home, engine)
    watcher.look()
    if watcher.loaded is None:
        raise SystemExit("The large store does not fit the champion.")
    _cases(engine, watcher.loaded, cases)
    _weekly(small, engine, copies)
    engine.dispose()
    return settings


def seller_id(copy: int, name: str) -> str:
    """The id of a seller's copy; copies sort one after the other."""
    return f"{copy:03d}-{name}"


def _champion(small: Path, home: Path) -> None:
    digest = str(current(small)["digest"])
    local_copy(home, digest).parent.mkdir(parents=True)
    shutil.copytree(local_copy(small, digest), local_copy(home, digest))
    shutil.copy(pointer(small), pointer(home))


def _store(source: Path, folder: Path, copies: int) -> None:
    """The online store's files, as serving.store.online_store reads them: rows in the order of their keys."""
    store = open_store(source)
    rows = [store.record(n) for n in range(len(store.keys))]
    ids = [seller_id(k, r["seller_id"]) for k in range(copies) for r in rows]
    place = folder / "large"
    place.mkdir(parents=True)
    keys = keys_of(ids)
    order = np.argsort(keys, kind="stable")
    np.save(place / "keys.npy", keys[order])
    shape = (len(ids), store.values.shape[1])
    values = np.lib.format.open_memmap(place / "values.npy", mode="w+", dtype=np.float64, shape=shape)
    for start in range(0, len(ids), 10_000):
        values[start : start + 10_000] = store.values[order[start : start + 10_000] % len(rows)]
    values.flush()
    offsets = np.zeros(len(ids) + 1, dtype=np.int64)
    with (place / "records.bin").open("wb") as out:
        for i, n in enumerate(order.tolist()):
            offsets[i + 1] = offsets[i] + out.write(json.dumps(rows[n % len(rows)] | {"seller_id": ids[n]}).encode())
    np.save(place / "offsets.npy", offsets)
    shutil.copy(store.folder / "figures.parquet", place)
    days = pa.ipc.open_file(pa.memory_map(str(store.folder / DAYS))).read_all()
    firsts = write_rows(_copied(days, copies), days.schema, place / DAYS)
    sizes = {path.name: path.stat().st_size for path in sorted(place.iterdir())}
    (place / "facts.json").write_text(json.dumps({**store.facts, "sellers": len(ids), "days": firsts, "sizes": sizes}))
    (folder / POINTER).write_text(json.dumps({"name": place.name}))


def _histories(source: Path, folder: Path, copies: int) -> None:
    named = json.loads((source / POINTER).read_text())["name"]
    place = folder / "large"
    place.mkdir(parents=True)
    facts = json.loads((source / named / "facts.json").read_text())
    for name in facts["firsts"]:
        rows = pa.ipc.open_file(pa.memory_map(str(source / named / f"{name}.arrow"))).read_all()
        facts["firsts"][name] = write_rows(_copied(rows, copies), rows.schema, place / f"{name}.arrow")
    (place / "facts.json").write_text(json.dumps(facts))
    (folder / POINTER).write_text(json.dumps({"name": place.name}))


def _copied(rows: pa.Table, copies: int) -> Iterator[pa.RecordBatch]:
    for k in range(copies):
        ids = pc.binary_join_element_wise(f"{k:03d}", rows["seller_id"], "-")
        yield from rows.set_column(0, "seller_id", ids).cast(rows.schema).to_batches()


def _cases(engine: sa.Engine, loaded: ModelAndStore, count: int) -> None:
    """Open cases of sellers spread over the store, each on a logged answer of its own."""
    active = loaded.store.values[:, loaded.store.names.index("active")] > 0
    numbers = np.flatnonzero(active)[:: max(1, int(active.sum()) // (count // 2))][: count // 2]
    for start in range(0, len(numbers), AT_ONCE):
        rows = loaded.store.rows(numbers[start : start + AT_ONCE])
        seen = take_snapshots(loaded.model, rows, Economy(), loaded.store.day, loaded.layout)
        with writing(engine) as con:
            logged_answers.keep(con, [one.prediction for one in seen])
            for one in seen:
                for risk in one.result["risks"]:
                    known = SellerProfile(f"Shop {one.prediction.seller_id}", False)
                    case_id = f"{one.prediction.decision_id}-{risk}"
                    said = case_facts(one, risk, known, 0.1)
                    case_repository.add(
                        con, Case(case_id, one.prediction.seller_id, risk, OPEN, 1, now(), FULL, said), FORESELL
                    )


def _weekly(small: Settings, engine: sa.Engine, copies: int) -> None:
    """The weekly scores of every copy, as the history of each seller reads them."""
    source = open_database(small)
    with source.connect() as con:
        rows = [dict(row) for row in con.execute(sa.select(WEEKLY_SCORES)).mappings()]
    source.dispose()
    for start in range(0, copies, 20):
        some = range(start, min(start + 20, copies))
        block = [row | {"seller_id": seller_id(k, row["seller_id"])} for k in some for row in rows]
        with writing(engine) as con:
            con.execute(sa.insert(WEEKLY_SCORES), block)
