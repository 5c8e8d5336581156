"""One step of a ledger's growth in a process of its own: `python -m benchmarks.scale_grow PLACE FOLDER`."""

import json
import resource
import sys
import time
from pathlib import Path

from features.growing import grow


def step(place: Path, folder: Path) -> dict[str, float]:
    """Take a folder's files; seconds, this process's peak memory, and the size of the ledger on disk."""
    start = time.perf_counter()
    grow(place, folder)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    disk = sum(path.stat().st_size for path in place.iterdir()) / 1e9
    return {"seconds": seconds, "peak_gb": peak, "disk_gb": disk}


if __name__ == "__main__":
    print(json.dumps(step(Path(sys.argv[1]), Path(sys.argv[2]))))
