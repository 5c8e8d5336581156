"""The service as it really runs: BentoML's processes on a free loopback port, with a home of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from core.settings import Settings
from serving.database.api_keys import create, server_secret
from serving.database.connection import open_database
from serving.deployment.launch import command, environment

START_SECONDS = 180  # a busy machine imports slowly


def free_settings(home: Path) -> Settings:
    """Settings for a home, with a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Settings(home=home, port=probe.getsockname()[1], refresh_seconds=1)


def new_key(settings: Settings, *roles: str) -> str:
    """An API key to a home's service."""
    engine = open_database(settings)
    try:
        return create(engine, server_secret(settings), "test", roles, days=1)
    finally:
        engine.dispose()


@contextmanager
def running(
    settings: Settings, argv: Sequence[str] | None = None, more: Mapping[str, str] | None = None, path: str = "/readyz"
) -> Iterator[httpx.Client]:
    """A client of a service that answers 200 at `path`, with a key to everything; messages are in home/service.txt."""
    bearer = {"Authorization": f"Bearer {new_key(settings, 'admin')}"}
    log = settings.home / "service.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv or command(settings), env={**environment(settings), **(more or {})}, stdout=out, stderr=out
        )
    try:
        with httpx.Client(base_url=f"http://{settings.host}:{settings.port}", timeout=60, headers=bearer) as client:
            wait_for(client, path, 200)
            yield client
    except TimeoutError:
        sys.stderr.write(log.read_text(errors="replace"))
        raise
    finally:
        process.terminate()
        process.wait(60)


def wait_for(client: httpx.Client, path: str, status: int) -> None:
    """Until the path answers with the status."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            if client.get(path).status_code == status:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{path} did not answer {status}")
