"""Start the prediction API as its own processes: BentoML's server around serving.service."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from core.settings import Settings

ROOT = Path(__file__).parents[2]


def command(settings: Settings) -> list[str]:
    """What to run."""
    where = ["--host", settings.host, "--port", str(settings.port)]
    return [sys.executable, "-m", "bentoml", "serve", "serving.service:Foresell", "--working-dir", str(ROOT), *where]


def environment(settings: Settings) -> Mapping[str, str]:
    """The variables to run it with: this one's own, absolute paths, no tracking, and a metrics folder of its own."""
    home = settings.home.resolve()
    given = settings.model_dump(exclude_none=True)
    said = {f"FORESELL_{name.upper()}": _plain(value) for name, value in given.items()}
    return {
        **os.environ,
        **said,
        "FORESELL_HOME": str(home),
        # BentoML empties the folder of metrics in it when it starts, so two services of one home have one each.
        "BENTOML_HOME": str(home / "bentoml" / str(settings.port)),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_CONFIG_OPTIONS": f"services.foresell.workers={settings.workers}",
    }


def _plain(value: object) -> str:
    """A setting as its variable; a secret stays one, passed on to a process of our own and shown nowhere."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def start(settings: Settings) -> "subprocess.Popen[bytes]":
    """Start the service and return at once; SIGTERM lets its requests finish."""
    return subprocess.Popen(command(settings), env=environment(settings))
