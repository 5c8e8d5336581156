"""The bundle: every risk model of one training, with features, standards and golden rows, as text and JSON files."""

import math
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from core.block import Block
from core.errors import ForesellError
from features.catalogue.feature import Feature
from features.standards.load import from_entry
from features.standards.standard import Standard
from models.arithmetic import calibration, expected_rate
from models.boosting.joint_predict import JointPredictor
from models.boosting.risk_model import (
    ARITHMETIC,
    Bands,
    ModelKey,
    RiskModel,
    contributions,
    contributions_by_lightgbm,
    predict,
)
from models.bundle.files import BundleFiles, as_bytes, difference, digest_of, refused, verify, write
from models.explain.reasons import ReasonFamily, families

NAME, FORMAT = "foresell", 2
CARD = "card.md"  # optional
GOLDEN_ROWS = 20
GOLDEN_TOLERANCE = 1e-9  # another processor may round the last digit of a logarithm differently
LIBRARIES = ("lightgbm", "numpy", "scipy")


@dataclass(frozen=True)
class Bundle:
    """The models that are registered, promoted and rolled back together. features: those they read, by name."""

    models: tuple[RiskModel, ...]
    features: Mapping[str, Feature]
    golden: Block  # rows whose served log-odds are stored with the models
    data_digest: str
    calibrated_to: str  # ISO date of the last label that the calibration used
    created_from: Mapping[str, Any] = field(default_factory=dict)  # plain values: data set, seed, ...
    card: str = ""  # the model card, as Markdown
    digest: str = ""  # set when saved or loaded
    _joint_predictors: dict[tuple[int, tuple[str, ...]], JointPredictor] = field(
        default_factory=dict, init=False, compare=False
    )
    _families: dict[ModelKey, list[ReasonFamily]] = field(default_factory=dict, init=False, compare=False)

    def model(self, risk: str, horizon: int, part: str = "") -> RiskModel:
        """The model of a risk (or one of its parts) for a horizon in days."""
        key = ModelKey(risk, part, horizon)
        found = next((m for m in self.models if m.key == key), None)
        if found is None:
            known = ", ".join(str(m.key) for m in self.models)
            raise ForesellError("The bundle must have the requested model.", str(key), f"request one of {known}")
        return found

    def joint_predictor(self, horizon: int, names: tuple[str, ...]) -> JointPredictor:
        """The models of a horizon for blocks with these columns, headlines first; made once per set of columns."""
        found = self._joint_predictors.get((horizon, names))
        if found is None:
            mine = tuple(sorted((m for m in self.models if m.key.horizon == horizon), key=lambda m: bool(m.key.part)))
            found = self._joint_predictors[horizon, names] = JointPredictor(mine, names)
        return found

    def families(self, model: RiskModel) -> list[ReasonFamily]:
        """The feature families of a model's reasons; computed once for each model."""
        found = self._families.get(model.key)
        if found is None:
            found = self._families[model.key] = families(model, self.features)
        return found


def golden_rows(block: Block, models: Iterable[RiskModel], count: int = GOLDEN_ROWS) -> Block:
    """Rows spread evenly over a block, with the columns that the models read."""
    names = tuple(sorted({name for model in models for name in model.columns()}))
    rows = np.linspace(0, len(block) - 1, min(count, len(block))).round().astype(np.int64)
    return Block(names, block.matrix(names)[rows])


def save(bundle: Bundle, folder: Path) -> Bundle:
    """Write a bundle into a new folder, always with the same bytes; returns the bundle with its digest."""
    models = tuple(sorted(bundle.models, key=lambda m: m.key))
    golden = golden_rows(bundle.golden, models)
    plain = {
        "features.json": [asdict(bundle.features[name]) for name in _catalogue_names(models)],
        "standards.json": [s.as_json() for s in _standards(models)],
        "models.json": [_entry(m) for m in models],
        "golden.json": _golden(golden, models),
    }
    content = {name: as_bytes(value) for name, value in plain.items()} | {_path(m.key): m.text.encode() for m in models}
    if bundle.card:
        content[CARD] = bundle.card.encode()
    digest = write(folder, content, _facts(bundle, models))
    return replace(bundle, models=models, golden=golden, digest=digest)


def load(folder: Path, digest: str | None = None) -> Bundle:
    """Read a bundle and check it: first the digests, then that the files agree, then LightGBM, then the golden rows.

    ForesellError names the difference. A text that crashes LightGBM ends the process: see models.bundle.trial.
    """
    files = verify(folder, digest)
    if (files.manifest.get("name"), files.manifest.get("format")) != (NAME, FORMAT):
        raise refused(f"must have the name {NAME} and the format {FORMAT}", repr(files.manifest.get("format")))
    features = {entry["name"]: Feature(**entry) for entry in files.json("features.json")}
    models = _models(files)
    check_features(models, features.values())
    stored = files.json("golden.json")
    names, rows = tuple(stored["columns"]), np.array(stored["rows"], dtype=np.float64)
    facts = {name: files.manifest[name] for name in ("data_digest", "calibrated_to", "created_from")}
    card = files.content.get(CARD, b"").decode()
    bundle = Bundle(
        models, features, Block(names, rows.reshape(-1, len(names))), card=card, digest=files.digest, **facts
    )
    check_golden(bundle, stored["log_odds"])
    check_contributions(bundle)
    return bundle


def check_features(models: Iterable[RiskModel], known: Iterable[Feature]) -> None:
    """ForesellError unless each model's features are those of its Booster, in order, and known."""
    names = [f.name for f in known]
    for model in models:
        gap = difference(_booster_names(model.text), model.features)
        if gap:
            raise refused("must list each Booster's own features", f"{model.key}: {gap}")
        unknown = [n for n in model.features if n not in ARITHMETIC and n not in names]
        if unknown:
            raise refused("must describe every feature its models read", f"{model.key}: no {', '.join(unknown)}")


def check_catalogue(bundle: Bundle, catalogue: Iterable[Feature]) -> None:
    """ForesellError unless the running code defines each feature as training did."""
    now = {f.name: f for f in catalogue}
    gaps = [f"{name} is missing" for name in bundle.features if name not in now]
    for name, trained in bundle.features.items():
        if name in now and (now[name].formula, now[name].family) != (trained.formula, trained.family):
            gaps.append(f"{name} is {now[name].formula} ({now[name].family}), was {trained.formula} ({trained.family})")
    if gaps:
        raise refused("must have the features of this code and this source", "; ".join(gaps))


def check_golden(bundle: Bundle, expected: Mapping[str, Sequence[float]]) -> None:
    """ForesellError unless the golden rows score as they did when the bundle was made."""
    for model in bundle.models:
        stored = np.array(expected.get(str(model.key), []), dtype=np.float64)
        if len(stored) != len(bundle.golden):
            raise refused(
                "must store the log-odds of each golden row", f"{model.key}: {len(stored)} of {len(bundle.golden)}"
            )
        gap = np.abs(predict(model, bundle.golden).served - stored).max(initial=0.0)
        if not gap <= GOLDEN_TOLERANCE:
            raise refused("must score its golden rows as stored", f"{model.key}: log-odds off by up to {gap:.3g}")


def check_contributions(bundle: Bundle) -> None:
    """ForesellError unless, on the golden rows, each headline's contributions equal LightGBM's `pred_contrib`."""
    for model in (m for m in bundle.models if not m.key.part):
        prediction = predict(model, bundle.golden)
        exact = contributions_by_lightgbm(model, prediction.matrix)
        gap = np.abs(contributions(model, prediction) - exact).max(initial=0.0)
        if not gap <= GOLDEN_TOLERANCE:
            rule = "must have contributions equal to those of LightGBM's pred_contrib"
            raise refused(rule, f"{model.key}: contributions off by up to {gap:.3g}")


def _path(key: ModelKey) -> str:
    return f"boosters/{key}.txt"


def _catalogue_names(models: Iterable[RiskModel]) -> list[str]:
    return sorted({name for m in models for name in m.features if name not in ARITHMETIC})


def _standards(models: Iterable[RiskModel]) -> list[Standard]:
    return [s for _, s in sorted({(m.standard.name, m.standard.version): m.standard for m in models}.items())]


def _entry(model: RiskModel) -> dict[str, Any]:
    """A model without its trees; the digest links calibration and features to the Booster they were fitted to."""
    return {
        **asdict(model.key),
        "booster": digest_of(model.text.encode()),
        "features": list(model.features),
        "calibration": model.calibration.as_json(),
        "bands": asdict(model.bands),
        "spread": model.spread.as_json(),
        "standard": [model.standard.name, model.standard.version],
    }


def _models(files: BundleFiles) -> tuple[RiskModel, ...]:
    standards = [from_entry(entry, "standards.json") for entry in files.json("standards.json")]
    by_version = {(s.name, s.version): s for s in standards}
    return tuple(_model(entry, by_version, files) for entry in files.json("models.json"))


def _model(entry: Mapping[str, Any], standards: Mapping[tuple[str, str], Standard], files: BundleFiles) -> RiskModel:
    key = ModelKey(entry["risk"], entry["part"], entry["horizon"])
    text = files.content.get(_path(key), b"")
    if digest_of(text) != entry["booster"]:
        found = f"{key}: made for {entry['booster'][:19]}…, beside {digest_of(text)[:19]}…"
        raise refused("must have the calibration and features of its own Booster", found)
    return RiskModel(
        key=key,
        standard=standards[entry["standard"][0], entry["standard"][1]],
        text=text.decode(),
        features=tuple(entry["features"]),
        calibration=calibration.from_json(entry["calibration"]),
        bands=Bands(**entry["bands"]),
        spread=expected_rate.from_json(entry["spread"]),
    )


def _golden(golden: Block, models: Iterable[RiskModel]) -> dict[str, Any]:
    """The golden rows as JSON; null stands for nan, which JSON does not have."""
    rows = [[None if math.isnan(v) else v for v in row] for row in golden.values.tolist()]
    served = {str(m.key): predict(m, golden).served.tolist() for m in models}
    return {"columns": list(golden.names), "rows": rows, "log_odds": served}


def _facts(bundle: Bundle, models: Iterable[RiskModel]) -> dict[str, Any]:
    return {
        "name": NAME,
        "format": FORMAT,
        "models": [str(m.key) for m in models],
        "data_digest": bundle.data_digest,
        "calibrated_to": bundle.calibrated_to,
        "created_from": dict(bundle.created_from),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }


def _booster_names(text: str) -> list[str]:
    """The feature names in a Booster's text, read without LightGBM."""
    found = re.search(r"^feature_names=(.*)$", text, re.MULTILINE)
    return found[1].split(" ") if found else []
