"""How often each key may ask, so that one that asks without end leaves the others their share.

A token bucket of one second's requests, kept as the one moment at which it would be full again (the "generic cell rate
algorithm" of ATM networks). The library `limits` starts a thread on most requests to forget old ones.
"""

import math
from time import monotonic

from serving.access.keyring import Caller
from serving.problems import Problem, Refused

BURST_SECONDS = 1.0


class Rates:
    """The rates of one worker, each the worker's share of what the key may ask of all of them."""

    def __init__(self, rate: float, workers: int) -> None:
        self.rate = rate
        self.workers = workers
        self._full_at: dict[str, float] = {}  # by key; there are no more than keys

    def check(self, caller: Caller) -> None:
        """Count a request; Refused when it is one too many, with the seconds until the next may come."""
        now, each = monotonic(), self.workers / (caller.rate or self.rate)
        full_at = max(now, self._full_at.get(caller.key_id, now)) + each
        wait = full_at - now - max(BURST_SECONDS, each)
        if wait > 1e-9:
            raise Refused(Problem("too-many-requests"), {"Retry-After": str(math.ceil(wait))})
        self._full_at[caller.key_id] = full_at
