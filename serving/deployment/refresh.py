"""`python -m serving.deployment.refresh`: bring the registry's champion here.

It is a process of its own, because a registry may hang.
"""

import os
import sys
import tempfile
from pathlib import Path

from core.errors import ForesellError
from core.file_lock import locked
from core.settings import Settings
from models import registry
from serving.deployment.background import BUSY
from serving.store.bundles import challenger_pointer, current, install, install_challenger
from serving.store.pointer import read


def refresh(settings: Settings) -> str:
    """Make the local champion the registry's, and say what was done."""
    champion = registry.find(registry.CHAMPION, settings)
    if champion is None:
        return "The registry has no champion yet."
    here = current(settings.home)
    if (here.get("version"), here.get("digest")) == (champion.number, champion.digest):
        return f"Version {champion.number} is here already."
    folder = settings.home / "serving"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        registry.fetch(champion, Path(scratch) / "bundle", settings)
        install(Path(scratch) / "bundle", champion.number, settings.home, champion.digest)
    return f"Version {champion.number} is here now."


def refresh_challenger(settings: Settings) -> None:
    """Bring the registry's challenger here for the shadow; one that cannot be used is left, and serves no answer."""
    challenger = registry.find(registry.CHALLENGER, settings)
    here = read(challenger_pointer(settings.home)) or {}
    if challenger is None or (here.get("version"), here.get("digest")) == (challenger.number, challenger.digest):
        return
    with tempfile.TemporaryDirectory(dir=settings.home / "serving") as scratch:
        registry.fetch(challenger, Path(scratch) / "bundle", settings)
        install_challenger(Path(scratch) / "bundle", challenger.number, settings.home, challenger.digest)


def main() -> int:
    """0 when the local champion is the registry's, BUSY when another process is at it."""
    settings = Settings()
    os.nice(10)  # answers come first
    with locked(settings.home / "serving" / "refresh.lock", wait=False) as mine:
        try:
            if not mine:
                return BUSY
            print(refresh(settings))
            refresh_challenger(settings)
        except ForesellError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
