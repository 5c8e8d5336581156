"""What the pages of one process share: the database, the model and the online store, the settings."""

import logging
import secrets
from collections.abc import Sequence

from core.errors import ForesellError
from core.settings import Settings
from features.standards.load import load
from features.standards.standard import Standard
from serving.database.connection import open_database
from serving.review.histories import POINTER, Histories, open_histories
from serving.review.web.settings import ReviewSettings
from serving.review.web.throttle import LoginThrottle
from serving.scoring.model_watcher import ModelWatcher
from serving.store.pointer import read

LOGGER = logging.getLogger("foresell")
HISTORIES = "review"  # folder under home


class Services:
    """Opened once per process; `look` loads what other processes have replaced."""

    def __init__(self, settings: Settings, review: ReviewSettings) -> None:
        self.settings, self.review = settings, review
        self.home = settings.home.resolve()
        self.engine = open_database(settings)
        self.watcher = ModelWatcher(self.home, self.engine)
        self.throttle = LoginThrottle()
        self.histories: Histories | None = None
        self._seen: object = None
        # The prefix binds a cookie to this host and to TLS; a browser refuses it without.
        prefix = "__Host-" if review.secure else ""
        self.cookie, self.form_cookie = f"{prefix}foresell", f"{prefix}foresell-form"
        self.look()

    def look(self) -> None:
        """Load a new champion, online store or histories; when one cannot be read, the last good one stays in use."""
        self.watcher.look()
        named = read(self.home / HISTORIES / POINTER)
        if named is None or named == self._seen:
            return
        self._seen = named
        try:
            self.histories = open_histories(self.home / HISTORIES)
        except (ForesellError, OSError) as error:
            LOGGER.error("The histories %s are not used: %s", named.get("name"), error)

    def standards(self) -> Sequence[Standard]:
        """The standards of the model in use, then those of the built-in file that it has no model for."""
        loaded = self.watcher.loaded
        return standards_shown([m.standard for m in loaded.model.bundle.models] if loaded else [])

    def close(self) -> None:
        """Close the database."""
        self.engine.dispose()


def standards_shown(modelled: Sequence[Standard]) -> list[Standard]:
    """Each standard once by name: those with a model first."""
    found = {s.name: s for s in [*modelled, *load().standards][::-1]}
    return list(found.values())[::-1]


def new_token() -> str:
    """A secret of 256 bits."""
    return secrets.token_urlsafe(32)
