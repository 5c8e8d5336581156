"""What the pages stand on in one process: the database, the model and the online store, the settings."""

import secrets

from features.settings import Settings
from serving.loaded import Following
from serving.records.database import open_database
from serving.review.settings import ReviewSettings
from serving.review.throttle import Throttle


class Services:
    """Opened once; `look` follows what other processes renew."""

    def __init__(self, settings: Settings, review: ReviewSettings) -> None:
        self.settings, self.review = settings, review
        self.home = settings.home.resolve()
        self.engine = open_database(settings)
        self.following = Following(self.home, self.engine)
        self.throttle = Throttle()
        # The prefix binds a cookie to this host and to TLS; a browser refuses it without.
        prefix = "__Host-" if review.secure else ""
        self.cookie, self.form_cookie = f"{prefix}foresell", f"{prefix}foresell-form"
        self.look()

    def look(self) -> None:
        """Follow the champion and the online store."""
        self.following.look()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def new_token() -> str:
    """A secret of 256 bits."""
    return secrets.token_urlsafe(32)
