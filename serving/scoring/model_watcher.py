"""What a serving process answers with: a model and a store that fit each other, followed as their pointers move."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.errors import ForesellError
from features.ledger.quantities import available_quantities
from features.table import numeric_names, plan
from serving.audit_log.predictions import record_layout
from serving.scoring.champion_loader import ChampionLoader, ServingModel
from serving.store.online_store import POINTER, Store, open_store
from serving.store.pointer import read

LOGGER = logging.getLogger("foresell")


@dataclass(frozen=True)
class ModelAndStore:
    """A model, a store whose rows it can score, and the key of those rows' columns in the log."""

    model: ServingModel
    store: Store
    layout: str


class ModelWatcher:
    """The pair in use in this process; only `look` changes it, and only to one that fits."""

    def __init__(self, home: Path, records: sa.Engine) -> None:
        self.loaded: ModelAndStore | None = None
        self._loader = ChampionLoader(home)
        self._folder = home / "store"
        self._records = records
        self._store: Store | None = None
        self._seen: Mapping[str, Any] | None = None
        self._tried: tuple[ServingModel | None, Store | None] = (None, None)

    def look(self) -> None:
        """Follow the pointers; what does not load or fit leaves the last good pair in place."""
        self._loader.look()
        self._look_at_store()
        pair = (self._loader.champion, self._store)
        if pair[0] is self._tried[0] and pair[1] is self._tried[1]:
            return
        self._join(*pair)
        self._tried = pair

    def _look_at_store(self) -> None:
        named = read(self._folder / POINTER)
        if named is None or named == self._seen:
            return
        self._seen = named
        try:
            self._store = open_store(self._folder)
        except (ForesellError, OSError, ValueError, KeyError) as error:
            LOGGER.error("The store %s is not used: %s", named.get("name"), error)
        else:
            LOGGER.info("Serving the store of %s", self._store.day)

    def _join(self, serving_model: ServingModel | None, store: Store | None) -> None:
        if serving_model is None or store is None:
            return
        missing = sorted(_needed(serving_model, store) - set(store.names))
        if missing:
            some = ", ".join(missing[:3])
            LOGGER.error(
                "Version %s needs %d columns that the store lacks: %s", serving_model.version, len(missing), some
            )
            return
        self.loaded = ModelAndStore(serving_model, store, record_layout(self._records, store.names))


def _needed(serving_model: ServingModel, store: Store) -> set[str]:
    """The columns that the model reads, and those that this code would make of a history."""
    standards = [model.standard for model in serving_model.bundle.models]
    needs = plan(available_quantities(store.facts["available"]), standards)
    return {*serving_model.bundle.golden.names, *numeric_names(needs)}
