"""A home to serve from: a simulated marketplace, a bundle with every model of the built-in standards, and its store."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.settings import Settings
from features.ingest.intake import open_folder
from features.ledger.build import build_ledger
from features.standards.load import load
from features.standards.standard import BacktestDays
from features.table import build_table
from models import registry
from models.arithmetic.calibration import Calibration
from models.boosting.joint_predict import JointPredictor
from models.boosting.risk_model import Bands, ModelKey, RiskModel
from models.bundle.bundle import Bundle, save
from models.registry import TrainingRun
from serving.store.bundles import install
from serving.store.online_store import Store, open_store, write_store
from simulation.market import Run, simulate
from training.dataset.dataset import Dataset, labelled_task, modelled_standards, prepare_dataset
from training.fit.boosting import boost

MARKETPLACE = Run(sellers=1_200, days=300, seed=1)
LOOKS = BacktestDays(first=90, test_from=200, every_days=14)
HORIZON = 28


def make(home: Path) -> Bundle:
    """Trees as training grows them, on the longest list of features; calibrated by nothing, since only speed counts."""
    data = home / "data"
    simulate(data, MARKETPLACE)
    market = open_folder(data)
    dataset = prepare_dataset(market, replace(load(), backtest=LOOKS))
    models = tuple(model(dataset, number) for number in range(len(modelled_standards(dataset))))
    read = {f.name: f for f in dataset.active.features}
    bundle = save(Bundle(models, read, dataset.active.block, "sha256:benchmark", "2024-08-01"), home / "bundle")
    ledger = build_ledger(market)
    write_store(ledger, build_table(ledger, [ledger.last_day], [m.standard for m in models]), home / "store")
    install(home / "bundle", "1", home)
    return bundle


def model(dataset: Dataset, number: int) -> RiskModel:
    """A model of one standard, with trees as training grows them."""
    standard = modelled_standards(dataset)[number]
    task = labelled_task(dataset, standard, HORIZON)
    names = max(task.feature_lists, key=len)
    known = task.rows.take(np.isfinite(task.rows.label)).only(names)
    key = ModelKey(standard.risk, "" if standard.headline else standard.part, HORIZON)
    return RiskModel(key, standard, boost(known, 0).model_to_string(), names, Calibration(), Bands(0.2, 0.5))


def register(home: Path, bundle: Bundle, settings: Settings) -> str:
    """The same bundle in MLflow, for its own server to load."""
    return registry.log_training(TrainingRun("benchmark", "sha256:b", home / "bundle", bundle.digest, {}, {}), settings)


def write_matrices(home: Path, bundle: Bundle) -> Store:
    """For the bare service: what each Booster reads of each seller, worked out beforehand; and the sellers' ids."""
    store = open_store(home / "store")
    rows = store.rows(np.arange(len(store.keys)))
    together = JointPredictor(tuple(m for m in bundle.models if m.key.horizon == HORIZON), store.names)
    said = together.predict(rows.table.block)
    folder = home / "bare"
    folder.mkdir()
    for i, model in enumerate(said.models):
        prediction, line = said.of_model(i), model.calibration
        np.save(folder / f"{model.key}.npy", prediction.matrix)
        (folder / f"{model.key}.json").write_text(
            json.dumps({"slope": line.a, "shift": line.c, "offset": prediction.offset.tolist()})
        )
        (folder / f"{model.key}.txt").write_text(model.text)
    (folder / "sellers.json").write_text(json.dumps(rows.table.seller_id.tolist()))
    (home / "ids.txt").write_text("\n".join(rows.table.seller_id.tolist()) + "\n")
    return store
