"""Whether the registry's champion is known to be the one that serves: a gauge to watch, not a reason to fail."""

import time
from dataclasses import dataclass, field


@dataclass
class Freshness:
    """When the registry was last known to have been asked, or to be unchanged; of one process."""

    limit: float
    asked_at: float = field(default_factory=time.time)  # a start counts: the registry is asked within seconds of it

    def asked(self) -> None:
        """The registry answered just now."""
        self.asked_at = time.time()

    @property
    def stale(self) -> bool:
        """Whether that is longer ago than it may be."""
        return time.time() - self.asked_at > self.limit
