"""The examples under docs/deploy: a container checked without an engine, and a real nginx before a service."""

import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
import typer

from foresell.cli import app
from tests.support.command_line import subcommands
from tests.support.paths import ROOT

DEPLOY = ROOT / "docs" / "deploy"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
SLOW = 500


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def of(kind: str) -> list[str]:
    """The arguments of every instruction of a kind."""
    return [rest for name, rest in instructions() if name == kind]


def test_the_container_copies_what_exists_and_all_of_it() -> None:
    copied = [words.split()[:-1] for words in of("COPY") if "--from" not in words]
    sources = {source for words in copied for source in words}
    assert [source for source in sources if not (ROOT / source).exists()] == []
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], "pyproject.toml", "requirements.lock", "README.md"} == sources
    assert set(dict(instructions())) <= {
        *("FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK"),
        *("ENTRYPOINT", "CMD"),
    }


def test_the_container_runs_as_nobody_special_and_what_the_command_line_knows() -> None:
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert of("USER") == ["foresell"]
    assert any("--require-hashes" in run for run in of("RUN"))
    (entry,), (command,) = of("ENTRYPOINT"), of("CMD")
    assert json.loads(entry) == ["foresell"]
    assert json.loads(command)[0] in subcommands(typer.main.get_command(app))
    check = json.loads(of("HEALTHCHECK")[0].split("CMD ")[1])
    assert check[:2] == ["python", "-c"]
    compile(check[2], "healthcheck", "exec")
    assert "/readyz" in check[2]


def test_the_container_s_settings_exist() -> None:
    from core.settings import Settings

    known = {f"FORESELL_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"FORESELL_[A-Z_]+", of("ENV")[0])) <= known


class Behind(BaseHTTPRequestHandler):
    """What nginx passes requests on to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Says what it was asked."""
        said = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_POST(self) -> None:
        """Takes a body."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The example before a service of this process; yields the port of its TLS."""
    if NGINX is None or shutil.which("openssl") is None:
        pytest.skip("nginx and openssl are needed (Debian: apt-get install nginx-light openssl)")
    folder = tmp_path_factory.mktemp("nginx")
    behind = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    Thread(target=behind.serve_forever, daemon=True).start()
    port = free_port()
    make_certificate(folder)
    main = folder / "nginx.conf"
    main.write_text(configuration(folder, port, behind.server_address[1]))
    checked = subprocess.run([NGINX, "-t", "-c", str(main)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    running = subprocess.Popen([NGINX, "-c", str(main)])
    try:
        wait_for(port)
        yield port
    finally:
        running.terminate()
        running.wait(20)
        behind.shutdown()
        behind.server_close()


def make_certificate(folder: Path) -> None:
    """A key and a certificate that signs itself."""
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "fullchain.pem")]
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(words, check=True, capture_output=True)


def configuration(folder: Path, port: int, behind: int) -> str:
    """The example as it stands, with this test's addresses and paths, inside a configuration of its own."""
    text = (DEPLOY / "nginx.conf").read_text()
    for old, new in (
        ("127.0.0.1:3000", f"127.0.0.1:{behind}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/foresell", str(folder)),
        ("/var/log/nginx", str(folder)),
    ):
        assert old in text
        text = text.replace(old, new)
    temporary = [f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    return "\n".join(
        [
            f"daemon off; pid {folder / 'pid'}; error_log {folder / 'error.log'}; worker_rlimit_nofile 4096;",
            "events { worker_connections 2048; }",
            "http {",
            *temporary,
            text,
            "}",
        ]
    )


def wait_for(port: int) -> None:
    """Until something listens."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on {port}")


@pytest.mark.slow
def test_the_proxy_passes_requests_on_and_keeps_metrics_to_itself(proxy: int) -> None:
    with httpx.Client(base_url=f"https://127.0.0.1:{proxy}", verify=False) as client:  # noqa: S501 - it signs itself
        answer = client.get("/livez")
        assert (answer.status_code, answer.text) == (200, "/livez")
        assert "max-age" in answer.headers["strict-transport-security"]
        assert client.post("/v1/score", content=b"x" * 3_000_000).status_code == 413
        assert client.post("/v1/score", content=b"{}").status_code == 200


@pytest.mark.slow
def test_500_slow_clients_are_closed_in_ten_seconds_and_the_others_served(proxy: int) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    async def slow(number: int) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy, ssl=context, ssl_handshake_timeout=60)
        head = (
            b"GET / HTTP/1.1\r\nHost: x\r\n"
            if number % 2
            else b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        )
        writer.write(head)
        await writer.drain()
        started = time.monotonic()
        while await reader.read(4096):
            pass
        writer.close()
        return time.monotonic() - started

    async def other() -> list[float]:
        took = []
        async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{proxy}", verify=False) as client:  # noqa: S501
            for _ in range(20):
                started = time.monotonic()
                assert (await client.get("/livez")).status_code == 200
                took.append(time.monotonic() - started)
                await asyncio.sleep(0.1)
        return took

    async def everyone() -> tuple[list[float], list[float]]:
        held = [asyncio.create_task(slow(number)) for number in range(SLOW)]
        await asyncio.sleep(1)
        served = await other()
        return list(await asyncio.gather(*held)), served

    closed, served = asyncio.run(everyone())
    assert len(closed) == SLOW
    assert max(closed) <= 10
    assert len(served) == 20
