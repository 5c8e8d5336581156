"""The Bento: builds without a network, holds the packages, and answers as the source tree does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import serving_market as market
from tests.support.paths import ROOT
from tests.support.serving_fixture import free_settings, running

pytestmark = pytest.mark.slow
OFFLINE = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "UV_OFFLINE": "1",
    "PIP_NO_INDEX": "1",
}


@pytest.fixture(scope="module")
def bento(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Bento built in a store of its own, with no way out."""
    store = tmp_path_factory.mktemp("bentos")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    more = {"BENTOML_HOME": str(store), "BENTOML_DO_NOT_TRACK": "True", "PATH": path}
    command = [sys.executable, "-m", "bentoml", "build"]
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, **OFFLINE, **more}, check=True, timeout=500, capture_output=True
    )
    (found,) = store.glob("bentos/foresell/*/bento.yaml")
    assert not list(found.parent.rglob("__pycache__")), "what Python makes here when it serves is no part of the Bento"
    return found.parent


def test_it_holds_the_packages_as_they_are_named_and_no_address(bento: Path) -> None:
    for package in ("features", "models", "serving"):
        in_tree = {
            p.relative_to(ROOT) for p in (ROOT / package).rglob("*") if p.is_file() and "__pycache__" not in p.parts
        }
        inside = [p for p in (bento / "src" / package).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        assert {p.relative_to(bento / "src") for p in inside} == in_tree
    requirements = (bento / "env" / "python" / "requirements.txt").read_text()
    assert "lightgbm==" in requirements
    assert "://" not in requirements
    assert "--index" not in requirements


def test_the_served_bento_answers_as_the_source_tree_does(bento: Path, tmp_path: Path) -> None:
    market.make_home(tmp_path)
    settings = free_settings(tmp_path)
    where = ["--host", settings.host, "--port", str(settings.port)]
    argv = [sys.executable, "-m", "bentoml", "serve", str(bento), *where]
    index = bento / "src" / "serving" / "api" / "handlers" / "index.html"
    index.write_text(index.read_text() + "<!-- the Bento's own -->")
    asked = {"seller_ids": [*market.last_rows().seller_id.tolist(), "nobody"]}
    answers, pages = [], []
    for served, more in ((None, {}), (argv, {"PYTHONSAFEPATH": "1"})):
        with running(settings, served, more) as api:
            answers.append(api.post("/v1/score", json=asked).json())
            pages.append(api.get("/").text)
    for answer in answers:
        for result in answer["results"]:
            result.pop("decision_id", None)
    assert answers[0] == answers[1]
    assert ["the Bento's own" in page for page in pages] == [False, True]


def test_the_serving_processes_import_no_more_than_they_need() -> None:
    code = (
        "import sys, serving.service; assert not {'lightgbm', 'mlflow'} & sys.modules.keys(), 'parent'; "
        "serving.service.without_sklearn(); import serving.scoring.service; assert 'lightgbm' in sys.modules; "
        "assert not {'mlflow', 'sklearn.base', 'scipy.stats'} & sys.modules.keys(), 'worker'"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=True, timeout=300)
