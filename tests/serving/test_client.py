"""A Python client made from the API's own document, without edits by hand, against a live service."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import serving_market as market
from tests.support.serving_fixture import free_settings, new_key, running

pytestmark = pytest.mark.slow
PACKAGE = "foresell_client"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, str]]:
    """The service, and a key that may score and read."""
    home = tmp_path_factory.mktemp("home")
    market.make_home(home)
    settings = free_settings(home)
    key = new_key(settings, "score", "read")
    with running(settings) as api:
        yield api, key


@pytest.fixture(scope="module")
def made(live: tuple[httpx.Client, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The generated package, importable while the tests run."""
    folder = tmp_path_factory.mktemp("client")
    document = folder / "openapi.json"
    document.write_text(json.dumps(live[0].get("/docs.json").json()))
    tools = Path(sys.executable).parent
    words = ["generate", "--path", str(document), "--output-path", str(folder / "made"), "--fail-on-warning"]
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    done = subprocess.run(
        [str(tools / "openapi-python-client"), *words],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder / "made"))
    yield folder / "made" / PACKAGE
    sys.path.remove(str(folder / "made"))


def operation(name: str) -> Any:
    """A module of the client."""
    return importlib.import_module(f"{PACKAGE}.api.default.{name}")


def model(name: str) -> Any:
    """A model of the client."""
    return getattr(importlib.import_module(f"{PACKAGE}.models"), name)


def client(live: tuple[httpx.Client, str], key: str | None = None) -> Any:
    """The generated client with a key."""
    kind = importlib.import_module(PACKAGE).AuthenticatedClient
    return kind(base_url=str(live[0].base_url), token=key or live[1], raise_on_unexpected_status=True)


@pytest.mark.usefixtures("made")
def test_it_scores_explains_and_reads_a_decision(live: tuple[httpx.Client, str]) -> None:
    with client(live) as api:
        scored = operation("score").sync(client=api, body=model("ScoreRequest")(seller_ids=["s1", "nobody"]))
        first, nobody = scored.results
        assert (scored.model.version, first.seller_id, nobody.problem.status) == ("1", "s1", 404)
        risk = first.risks["returns"]
        assert 0 < risk.probability < 1
        assert risk.interval_90[0] <= risk.probability <= risk.interval_90[1]
        assert all(isinstance(reason.text, str) for reason in risk.explanation.reasons)
        explained = operation("explain").sync(
            client=api, body=model("ExplainRequest")(seller_id="s1"), idempotency_key="k1"
        )
        assert explained.result.risks["returns"].probability == risk.probability
        assert explained.risks["returns"].contributions[0].contribution
        decision = operation("decision").sync(first.decision_id, client=api)
        assert decision.result.to_dict()["risks"] == first.to_dict()["risks"]


@pytest.mark.usefixtures("made")
def test_it_reads_the_model_and_the_standards_and_understands_problems(live: tuple[httpx.Client, str]) -> None:
    with client(live) as api:
        assert operation("model").sync(client=api).version == "1"
        assert {s.risk for s in operation("standards").sync(client=api).standards} == {"returns", "service"}
        wrong = operation("score").sync(client=api, body=model("ScoreRequest")(seller_ids=[]))
        assert (wrong.status, wrong.type_) == (422, "/problems/invalid-request")
        assert wrong.errors[0].pointer == "/seller_ids"
    with client(live, key="fsl_wrong") as api:
        refused = operation("score").sync(client=api, body=model("ScoreRequest")(seller_ids=["s1"]))
        assert (refused.status, refused.type_) == (401, "/problems/unauthorized")


def test_every_route_is_there(made: Path) -> None:
    from serving.api.routes import ROUTES

    assert {path.stem for path in (made / "api" / "default").glob("*.py")} == {
        "__init__",
        *(r.name for r in ROUTES.all),
    }
