"""From the registry to the answer: champions are fetched, tried, followed and rolled back beside the requests."""

import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from core.settings import Settings
from models import registry
from models.bundle.bundle import save
from models.registry import TrainingRun
from serving.deployment import background
from serving.deployment.refresh import refresh
from serving.store.bundles import current
from serving.store.online_store import write_store
from tests.support import serving_market as market
from tests.support.serving_fixture import START_SECONDS, free_settings, running, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]


def register(settings: Settings, calibrated_to: str) -> str:
    """A version in the registry."""
    folder = settings.home / calibrated_to
    saved = save(replace(market.bundle(), calibrated_to=calibrated_to), folder)
    return registry.log_training(TrainingRun("small", "sha256:data", folder, saved.digest, {}, {}), settings)


def model_used(api: httpx.Client) -> dict[str, Any]:
    """What the service says of its model."""
    used: dict[str, Any] = api.post("/v1/score", json={"seller_ids": ["s1"]}).json()["model"]
    return used


def wait_for_version(api: httpx.Client, version: str) -> None:
    """Until the service answers with the version."""
    end = time.monotonic() + START_SECONDS
    while model_used(api)["version"] != version:
        assert time.monotonic() < end, f"version {version} did not arrive"
        time.sleep(0.2)


def test_the_service_follows_the_registry_s_champion(tmp_path: Path) -> None:
    settings = free_settings(tmp_path)
    write_store(market.ledger(), market.last_rows(), tmp_path / "store")
    with running(settings, path="/livez") as api:
        unready = api.post("/v1/score", json={"seller_ids": ["s1"]})
        assert (unready.status_code, unready.json()["type"]) == (503, "/problems/not-ready")
        assert api.get("/readyz").json()["status"] == 503
        registry.promote(register(settings, "2026-06-01"), settings)
        wait_for(api, "/readyz", 200)
        assert model_used(api)["version"] == "1"
        assert_pyfunc_says_the_same(api, settings)
        registry.promote(register(settings, "2026-06-02"), settings)
        assert refresh(settings) == "Version 2 is here now."  # as `foresell promote` does; the service need not ask
        wait_for_version(api, "2")
        assert model_used(api)["calibrated_to"] == "2026-06-02"
        registry.rollback(settings)
        wait_for_version(api, "1")
    assert refresh(settings) == "Version 1 is here already."


def assert_pyfunc_says_the_same(api: httpx.Client, settings: Settings) -> None:
    """The registered model, loaded through MLflow, against the service."""
    import mlflow

    mlflow.set_tracking_uri(registry.tracking_uri(settings))
    model = mlflow.pyfunc.load_model("models:/foresell@champion")
    table = market.last_rows()
    found: pd.DataFrame = model.predict(market.as_frame(table), params={"horizon_days": 56})
    asked = api.post("/v1/score", json={"seller_ids": table.seller_id.tolist(), "horizon_days": 56}).json()["results"]
    by_seller = {result["seller_id"]: result["risks"] for result in asked}
    assert len(found) == 2 * len(table)
    for row in found.to_dict("records"):
        said = by_seller[row["seller_id"]][row["risk"]]
        assert (said["probability"], said["band"]) == (row["probability"], row["band"])
        assert said["explanation"]["base"] == row["base"]


def test_a_registry_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    market.make_home(tmp_path)
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        uri = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        settings = free_settings(tmp_path).model_copy(update={"tracking_uri": uri})
        with running(settings) as api:
            for _ in range(5):
                assert model_used(api)["version"] == "1"


def test_asking_is_spared_while_the_registry_under_home_is_unchanged(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, tracking_uri="")
    assert background._changed_at(settings) == 0  # there is none
    (tmp_path / "mlflow.db").write_bytes(b"1")
    assert background._changed_at(settings) not in (0, None)
    assert background._changed_at(settings.model_copy(update={"tracking_uri": "http://elsewhere"})) is None
    assert current(tmp_path) == {}


def test_a_second_service_of_the_same_home_leaves_the_first_one_s_metrics_alone(tmp_path: Path) -> None:
    market.make_home(tmp_path)
    asked = 'foresell_requests_total{route="/v1/score",status="200"} 2.0'
    with running(free_settings(tmp_path)) as first:
        for _ in range(2):
            model_used(first)
        assert asked in first.get("/metrics").text
        with running(free_settings(tmp_path)) as second:
            assert asked not in second.get("/metrics").text
            assert asked in first.get("/metrics").text
        assert asked in first.get("/metrics").text
