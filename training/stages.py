"""Finished parts of a training, stored until all is done: an interrupted training resumes where it stopped."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import core
import features
import models
from features.ledger.build import Ledger
from models.boosting.risk_model import RiskModel
from models.bundle.bundle import Bundle, load, save

LIBRARIES = ("duckdb", "lightgbm", "numpy", "scikit-learn", "scipy")
OURS = (core, features, models)
Plain = dict[str, Any]


@dataclass(frozen=True)
class Stages:
    """Finished parts of one training, in a folder named by a digest of all inputs; None stores nothing."""

    folder: Path | None = None

    def once(self, name: str, make: Callable[[], Plain]) -> Plain:
        """A part of plain values: read if it is stored, otherwise computed and stored."""
        if self.folder is None:
            return make()
        path = self.folder / f"{name}.json"
        if not path.exists():
            _swap(path, json.dumps(make(), allow_nan=False))
        part: Plain = json.loads(path.read_text(encoding="utf-8"))
        return part

    def model(
        self, fit_model: Callable[[], RiskModel], as_bundle: Callable[[RiskModel], Bundle], name: str
    ) -> RiskModel:
        """A model: read if it is stored, otherwise fitted and stored as a bundle of its own, with digests."""
        if self.folder is None:
            return fit_model()
        place = self.folder / name
        if not place.exists():
            save(as_bundle(fit_model()), place)
        return load(place).models[0]

    def done(self) -> None:
        """Delete the stored parts."""
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


NOTHING_STORED = Stages()


def stages(
    parent: Path | None, ledger: Ledger, rows: str, settings: Mapping[str, object], extension: Path | None = None
) -> Stages:
    """The stored parts of a training with these rows (given by digest), these settings and this code.

    extension: the folder of the code that adds to the report, if any.
    """
    if parent is None:
        return NOTHING_STORED
    hashed = sha256("\n".join([rows, _ledger(ledger), code(extension), repr(sorted(settings.items()))]).encode())
    folder = parent / hashed.hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    return Stages(folder)


def code(extension: Path | None = None) -> str:
    """SHA-256 of the code and of the versions of the libraries that a training uses."""
    roots = [
        Path(__file__).parent,
        *(Path(package.__path__[0]) for package in OURS),
        *([extension] if extension else []),
    ]
    files = sorted(path for root in roots for path in root.rglob("*") if path.suffix in (".py", ".toml"))
    hashed = sha256("\n".join(version(name) for name in LIBRARIES).encode())
    for path in files:
        hashed.update(path.name.encode() + path.read_bytes())
    return hashed.hexdigest()


def _ledger(ledger: Ledger) -> str:
    hashes = [
        ledger.con.execute(f"select count(*), bit_xor(hash(t)) from {table} as t").fetchall()[0]
        for table in ("ledger", "ledger_corrections")
    ]
    return repr(hashes)


def _swap(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
