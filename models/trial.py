"""Load a bundle in a process that may die: LightGBM ends the process on a text it cannot bear, and may hang."""

import subprocess
import sys
from pathlib import Path

from features.errors import ForesellError
from models.bundle_files import refused
from models.lean import without_sklearn

TIMEOUT_SECONDS = 180.0  # seconds of work; a machine that has much else to do takes minutes for it


def trial(folder: Path, digest: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
    """Load a bundle and score its golden rows in a throw-away process; ForesellError when that does not end well."""
    command = [sys.executable, "-m", "models.trial", str(folder.resolve()), *([digest] if digest else [])]
    home = Path(__file__).parents[1]
    try:
        ended = subprocess.run(command, cwd=home, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise refused("must load within its time", f"no answer after {timeout:g} seconds") from None
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise refused("must load in a trial process", f"exit {ended.returncode}: {said[-1]}")


def main(arguments: list[str]) -> int:
    """`python -m models.trial FOLDER [DIGEST]`: 0 when the bundle loads and its golden rows score as stored."""
    if len(arguments) not in (1, 2):
        print("usage: python -m models.trial FOLDER [DIGEST]", file=sys.stderr)
        return 2
    without_sklearn()
    from models.bundle import load

    try:
        bundle = load(Path(arguments[0]), *arguments[1:])
    except ForesellError as e:
        print(e, file=sys.stderr)
        return 1
    print(f"{bundle.digest}: {len(bundle.models)} models score their {len(bundle.golden)} golden rows as stored")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
