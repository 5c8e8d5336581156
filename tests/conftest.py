"""What every test may ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser

from benchmarks.chromium import chromium, path
from core.settings import Settings
from serving.database.connection import open_database
from tests.support.paths import ROOT
from tests.support.postgresql_server import fresh, programs, server


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and references beside the checkout; a fresh machine has none."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no folder `shared` beside the checkout: its real data and references cannot be read")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[sa.URL]:
    """A PostgreSQL server of the tests' own."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with server() as url:
        yield url


DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]


@pytest.fixture(params=DATABASES)
def records_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A home with a fresh database, of either kind."""
    with _database(request, tmp_path) as settings:
        yield settings


@pytest.fixture(scope="module", params=DATABASES)
def module_settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The same, of a whole module."""
    with _database(request, tmp_path_factory.mktemp("home")) as settings:
        yield settings


@contextmanager
def _database(request: pytest.FixtureRequest, home: Path) -> Iterator[Settings]:
    if request.param == "sqlite":
        yield Settings(home=home)
    else:
        with fresh(request.getfixturevalue("postgresql")) as url:
            yield Settings(home=home, database=url.render_as_string(hide_password=False))


@pytest.fixture(scope="module")
def module_records(module_settings: Settings) -> Iterator[sa.Engine]:
    """The module's database, with the newest tables."""
    engine = open_database(module_settings)
    yield engine
    engine.dispose()


@pytest.fixture
def records(records_settings: Settings) -> Iterator[sa.Engine]:
    """That database, with the newest tables."""
    engine = open_database(records_settings)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one module, in place of the plugin's for the session: its event loop must end with the module,
    since the tests after it on the same process run loops of their own."""
    if path() is None:
        pytest.skip("no chromium on PATH: the review pages cannot be seen in a browser (apt-get install chromium)")
    with chromium() as running:
        yield running
