"""Which folder the online store was written from: where an appeal finds a seller's own rows again."""

from pathlib import Path

from serving.casework.recompute import Source
from serving.casework.refusals import MissingError
from serving.pointer import read, swap

NAME = "source.json"


def remember(home: Path, source: Source) -> None:
    """Keep where the store's rows came from."""
    (home / "store").mkdir(parents=True, exist_ok=True)
    swap(home / "store" / NAME, {"folder": str(source.folder.resolve()), "zone": source.zone})


def recall(home: Path) -> Source:
    """The folder; MissingError when none was kept, or it has gone."""
    kept = read(home / "store" / NAME)
    if kept is None or not Path(str(kept["folder"])).is_dir():
        found = "none was kept" if kept is None else str(kept["folder"])
        step = "start foresell review --data DATA once more"
        raise MissingError("An objection is looked up in the folder that the store was written from.", found, step)
    return Source(Path(str(kept["folder"])), kept["zone"])
