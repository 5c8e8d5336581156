"""The product as a person or a program meets it: its command line and its services."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from mlflow import MlflowClient

ROOT = Path(__file__).resolve().parents[2]
FORESELL = Path(sys.executable).with_name("foresell")
TESTED = "\n[backtest]\nfirst = 90\ntest_from = 284\nevery_days = 14\nrefit_days = 70\n"  # the demo's days
SHARE = 0.1  # the faults planted in the simulated record are more than usual in its last week alone


@dataclass(frozen=True)
class Place:
    """Where a record's work is done."""

    name: str
    folder: Path

    @property
    def data(self) -> Path:
        """The record in the data contract; its name says which it is."""
        return self.folder / self.name

    @property
    def standards(self) -> Path:
        """The standards of the record, with the days of its backtest."""
        if self.name != "simulated":
            return ROOT / "benchmarks" / f"{self.name.split('-')[0]}.toml"
        (built_in,) = (ROOT / "features").glob("**/standards.toml")
        file = self.folder / "standards.toml"
        file.write_text(built_in.read_text(encoding="utf-8") + TESTED, encoding="utf-8")
        return file

    def environment(self, **settings: object) -> dict[str, str]:
        """This process's variables with the settings of this place alone."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FORESELL_")}
        ours = {"home": self.folder / "home", "quarantine_share": SHARE, **settings}
        return {**kept, "BENTOML_DO_NOT_TRACK": "True", **{f"FORESELL_{n.upper()}": str(v) for n, v in ours.items()}}

    def ask(self, *words: object, given: str = "") -> "subprocess.CompletedProcess[str]":
        """A command with --json, as it ended."""
        command, env = [str(FORESELL), *map(str, words), "--json"], self.environment()
        return subprocess.run(
            command, env=env, cwd=self.folder, input=given, capture_output=True, text=True, check=False
        )

    def run(self, *words: object, given: str = "") -> Any:
        """What a command prints; its end with another code than 0 ends the freeze."""
        done = self.ask(*words, given=given)
        if done.returncode:
            sys.exit(f"{words} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def promote(self) -> Any:
        """What `foresell promote` prints; a challenger that the gates refuse is made the champion in MLflow."""
        done = self.ask("promote")
        if done.returncode:
            client = MlflowClient(tracking_uri=f"sqlite:///{self.folder}/home/mlflow.db")
            client.set_registered_model_alias("foresell", "champion", "1")
        return {"code": done.returncode, **json.loads(done.stdout)}

    @contextmanager
    def serving(self, setting: str, probe: str, *words: object) -> Iterator[str]:
        """The address of a service that runs meanwhile."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with (self.folder / f"{setting}.log").open("wb") as log:
            environment = self.environment(**{setting: port})
            process = subprocess.Popen(
                [str(word) for word in words], env=environment, cwd=self.folder, stdout=log, stderr=log
            )
        try:
            address = f"http://127.0.0.1:{port}"
            wait(f"{address}{probe}", process)
            yield address
        finally:
            process.terminate()
            process.wait()


def wait(address: str, process: subprocess.Popen[bytes]) -> None:
    """Until the service answers, ten minutes at most."""
    for _ in range(1200):
        try:
            if httpx.get(address, timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.5)
    sys.exit(f"{address} did not answer")
