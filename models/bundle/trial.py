"""Load a bundle in a separate process: LightGBM ends the process on some corrupt texts and may hang on others."""

import subprocess
import sys
from pathlib import Path

from core.errors import ForesellError
from models.bundle.files import refused

TIMEOUT_SECONDS = 180.0  # loading takes seconds, or minutes on a busy machine


def trial(folder: Path, digest: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
    """Load a bundle and score its golden rows in a separate process; ForesellError if the process fails or hangs."""
    command = [sys.executable, "-m", "models.bundle.trial", str(folder.resolve()), *([digest] if digest else [])]
    home = Path(__file__).parents[2]
    try:
        ended = subprocess.run(command, cwd=home, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise refused("must load in time", f"no answer after {timeout:g} seconds") from None
    if ended.returncode:
        lines = ended.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise refused("must load in a trial process", f"exit {ended.returncode}: {lines[-1]}")


def without_sklearn() -> None:
    """Keep LightGBM from importing scikit-learn, a third of the start's time; call it before LightGBM is imported."""
    sys.modules.setdefault("sklearn", None)  # type: ignore[arg-type]  # None makes the import fail


def main(arguments: list[str]) -> int:
    """`python -m models.bundle.trial FOLDER [DIGEST]`: 0 when the bundle loads and its golden rows score as stored."""
    if len(arguments) not in (1, 2):
        print("usage: python -m models.bundle.trial FOLDER [DIGEST]", file=sys.stderr)
        return 2
    without_sklearn()
    from models.bundle.bundle import load

    try:
        bundle = load(Path(arguments[0]), *arguments[1:])
    except ForesellError as e:
        print(e, file=sys.stderr)
        return 1
    print(f"{bundle.digest}: {len(bundle.models)} models score their {len(bundle.golden)} golden rows as stored")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
