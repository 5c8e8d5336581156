"""Loads the local champion's bundle; one that cannot be loaded leaves the last good one in use."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ForesellError
from features.catalogue.features import CATALOGUE
from models.bundle.bundle import Bundle, check_catalogue, load
from serving.store.bundles import local_copy, pointer
from serving.store.pointer import read

LOGGER = logging.getLogger("foresell")


@dataclass(frozen=True)
class ServingModel:
    """A loaded bundle and the version under which it is registered."""

    bundle: Bundle
    version: str


class ChampionLoader:
    """The bundle in use in this process; only `look`, which follows the pointer, changes it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.champion: ServingModel | None = None
        self._seen: tuple[Mapping[str, Any], int] | None = None

    def look(self) -> None:
        """Load what the pointer names if that is new; what cannot be loaded leaves the last good one in place."""
        named = read(pointer(self.home))
        seen = (named, _made_at(self.home, named)) if named else None
        if named is None or seen == self._seen:
            return
        self._seen = seen
        candidates = [named] if self.champion else [named, named.get("previous") or {}]
        loaded = (_load(self.home, facts) for facts in candidates if facts)
        self.champion = next((found for found in loaded if found), self.champion)


def _made_at(home: Path, facts: Mapping[str, Any]) -> int:
    """When the copy was put in place, so that a repaired copy is loaded again."""
    with suppress(OSError):
        return local_copy(home, str(facts.get("digest"))).stat().st_ctime_ns
    return 0


def _load(home: Path, facts: Mapping[str, Any]) -> ServingModel | None:
    try:
        bundle = load(local_copy(home, str(facts["digest"])), str(facts["digest"]))
        check_catalogue(bundle, CATALOGUE)
    except (ForesellError, KeyError, OSError) as error:
        LOGGER.error("The local copy of version %s is not used: %s", facts.get("version"), error)
        return None
    LOGGER.info("Serving version %s, %s", facts["version"], bundle.digest)
    return ServingModel(bundle, str(facts["version"]))
