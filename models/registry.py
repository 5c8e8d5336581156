"""MLflow: training runs, the registered model `foresell` and its aliases. No other module imports mlflow.

The serving process does not import it: the import takes seconds, and a call to a registry that does not answer may
block for minutes.
"""

import logging
import os
import re
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import core
import features
import models
from core.errors import ForesellError
from core.file_lock import locked
from core.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME = "foresell"
CHAMPION = "champion"
CHALLENGER = "challenger"
REPLACED = "replaced"  # tag of a version: the champion before it
DIGEST = "bundle_digest"  # tag of a version: the digest that a downloaded bundle must have
REQUIREMENTS = ("lightgbm", "numpy", "pandas", "pydantic-settings")

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # With the defaults, a look-up in a registry that does not answer had not failed after four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


@dataclass(frozen=True)
class TrainingRun:
    """The results of one training that are logged and registered."""

    dataset: str
    data_digest: str
    bundle: Path
    bundle_digest: str
    parameters: Mapping[str, str | int | float | bool]
    metrics: Mapping[str, float]
    fold_metrics: Sequence[Mapping[str, float]] = ()
    plots: Path | None = None
    reports: Sequence[Path] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RegisteredVersion:
    """One registered version of the model, and the digest of its bundle."""

    number: str
    digest: str


def log_training(run: TrainingRun, settings: Settings | None = None) -> str:
    """Log a run with its bundle, register it as the challenger, and return its version."""
    settings = settings or Settings()
    client = _client(settings)
    record = client.create_run(_experiment(client, settings), tags=dict(run.tags))
    try:
        _log_values(client, record.info.run_id, run)
        _log_files(client, record.info.run_id, run)
        version = _register(client, record.info.run_id, run)
    except BaseException:
        client.set_terminated(record.info.run_id, "FAILED")
        raise
    client.set_terminated(record.info.run_id)
    client.set_model_version_tag(NAME, version, DIGEST, run.bundle_digest)
    client.set_registered_model_alias(NAME, CHALLENGER, version)
    return version


def promote(version: str, settings: Settings | None = None) -> None:
    """Make a version the champion; a tag records which version it replaced."""
    client = _client(settings or Settings())
    before = _find(client, CHAMPION)
    if before and before.number == version:
        return
    _check_exists(client, version)
    if before:
        client.set_model_version_tag(NAME, version, REPLACED, before.number)
    client.set_registered_model_alias(NAME, CHAMPION, version)


def rollback(settings: Settings | None = None) -> str:
    """Make the champion's predecessor the champion again, and return its version."""
    client = _client(settings or Settings())
    now = _find(client, CHAMPION)
    previous = client.get_model_version(NAME, now.number).tags.get(REPLACED) if now else None
    if previous is None:
        raise ForesellError(
            rule="A rollback needs a champion that replaced another.",
            found=f"champion {now.number} without a predecessor" if now else "no champion",
            next_step="promote a version by its number instead",
        )
    client.set_registered_model_alias(NAME, CHAMPION, previous)
    return previous


def find(alias: str, settings: Settings | None = None) -> RegisteredVersion | None:
    """The version with this alias, or None."""
    return _find(_client(settings or Settings()), alias)


def fetch(version: RegisteredVersion, folder: Path, settings: Settings | None = None) -> None:
    """Download the bundle of a version into a folder that does not exist yet, without checking it."""
    _client(settings or Settings())
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        found = _mlflow().artifacts.download_artifacts(
            artifact_uri=f"models:/{NAME}/{version.number}/artifacts/bundle", dst_path=scratch
        )
        shutil.move(found, folder)


def fetch_report(version: RegisteredVersion, name: str, folder: Path, settings: Settings | None = None) -> Path | None:
    """Download one report file of a version's training into a folder; None if there is no such file."""
    from mlflow.exceptions import MlflowException

    client = _client(settings or Settings())
    run_id = client.get_model_version(NAME, version.number).run_id
    if not run_id or name not in {Path(file.path).name for file in client.list_artifacts(run_id, "report")}:
        return None
    try:
        return Path(client.download_artifacts(run_id, f"report/{name}", str(folder)))
    except MlflowException as error:
        raise ForesellError("A version's report must be readable.", str(error), "check the artifact store") from None


def tracking_uri(settings: Settings) -> str:
    """The MLflow tracking URI of the settings, or else a SQLite file under home."""
    return settings.tracking_uri or f"sqlite:///{(settings.home / 'mlflow.db').resolve()}"


def _mlflow() -> ModuleType:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings(action="ignore"):  # mlflow's warnings about its own tables and types
        import mlflow
        import mlflow.pyfunc
        import mlflow.store.tracking.sqlalchemy_store

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow


def _client(settings: Settings) -> "MlflowClient":
    """A client whose database has its tables; without the lock, processes that create them at once would fail."""
    mlflow = _mlflow()
    uri = tracking_uri(settings)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with locked(settings.home / "mlflow.lock"):
        _follow_home(settings)
        client: MlflowClient = mlflow.MlflowClient()
        client.search_registered_models(max_results=1)
        return client


# Where MLflow stores absolute paths of files under home.
PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def _follow_home(settings: Settings) -> None:
    """Correct the paths in the registry under home if home was moved; a registry elsewhere has paths of its own."""
    file, root = settings.home / "mlflow.db", _artifact_root(settings)
    if settings.tracking_uri or not file.exists():
        return
    with closing(sqlite3.connect(file)) as con, con:
        before = _stored_root(con)
        if before not in (None, root):
            for table, column in PLACES:
                con.execute(f"update {table} set {column} = replace({column}, ?, ?)", (before, root))


def _stored_root(con: sqlite3.Connection) -> str | None:
    """The folder for artifacts that the experiment was created with; None before the first training."""
    try:
        row = con.execute("select artifact_location from experiments where name = ?", (NAME,)).fetchone()
    except sqlite3.OperationalError:  # the tables are not there yet
        return None
    return str(row[0]) if row else None


def _experiment(client: "MlflowClient", settings: Settings) -> str:
    """The experiment's id; the experiment and the registered model are created once."""
    with locked(settings.home / "mlflow.lock"):
        if not client.search_registered_models(f"name='{NAME}'"):
            client.create_registered_model(NAME)
        found = client.get_experiment_by_name(NAME)
        return found.experiment_id if found else client.create_experiment(NAME, _artifact_root(settings))


def _artifact_root(settings: Settings) -> str | None:
    """The experiment's folder for artifacts, as an absolute path because it is stored; None on a server."""
    served = re.match(r"(https?|databricks)", settings.tracking_uri)
    return None if served else (settings.home / "artifacts").resolve().as_uri()


def _log_values(client: "MlflowClient", run_id: str, run: TrainingRun) -> None:
    parameters = {**run.parameters, "dataset": run.dataset, "data_digest": run.data_digest}
    for name, value in {**parameters, "bundle_digest": run.bundle_digest}.items():
        client.log_param(run_id, name, value, synchronous=True)
    _log_metrics(client, run_id, run.metrics, 0)
    for fold, metrics in enumerate(run.fold_metrics):
        _log_metrics(client, run_id, {f"fold/{name}": value for name, value in metrics.items()}, fold)


def _log_metrics(client: "MlflowClient", run_id: str, metrics: Mapping[str, float], step: int) -> None:
    from mlflow.entities import Metric

    rows = [Metric(name, float(value), 0, step) for name, value in metrics.items()]
    for start in range(0, len(rows), 1000):  # one call takes at most 1000 metrics
        client.log_batch(run_id, metrics=rows[start : start + 1000])


def _log_files(client: "MlflowClient", run_id: str, run: TrainingRun) -> None:
    if run.plots:
        client.log_artifacts(run_id, str(run.plots), "plots")
    for report in run.reports:
        client.log_artifact(run_id, str(report), "report")


def _register(client: "MlflowClient", run_id: str, run: TrainingRun) -> str:
    """Register the bundle as a model from code: text and JSON, no pickle; returns the version."""
    mlflow = _mlflow()
    with tempfile.TemporaryDirectory() as scratch, mlflow.start_run(run_id=run_id), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*An input example was not provided")
        info = mlflow.pyfunc.log_model(
            name="bundle",
            python_model=str(Path(models.__path__[0]) / "pyfunc_model.py"),
            artifacts={"bundle": str(shutil.copytree(run.bundle, Path(scratch) / "bundle"))},
            signature=_signature(),
            pip_requirements=list(REQUIREMENTS),
            code_paths=[package.__path__[0] for package in (core, features, models)],
        )
    return str(client.create_model_version(NAME, info.model_uri, run_id, model_id=info.model_id).version)


def _signature() -> object:
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    return ModelSignature(params=ParamSchema([ParamSpec("horizon_days", "long", 28)]))


def _find(client: "MlflowClient", alias: str) -> RegisteredVersion | None:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_model_version_by_alias(NAME, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return RegisteredVersion(str(found.version), found.tags.get(DIGEST, ""))


def _check_exists(client: "MlflowClient", version: str) -> None:
    known = [str(found.version) for found in client.search_model_versions(f"name='{NAME}'")]
    if version not in known:
        raise ForesellError(
            rule=f"The version must be registered under the model {NAME!r}.",
            found=f"{version!r}; registered: {', '.join(sorted(known, key=int)) or 'none'}",
            next_step="use a registered version, or run `foresell train` to register one",
        )
