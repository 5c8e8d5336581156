"""How often each key may ask, so that one that asks without end leaves the others their share."""

import math
import time
from functools import cache

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from serving.access.keyring import Caller
from serving.problems import Problem, Refused


class Rates:
    """The rates of one worker, each the worker's share of what the key may ask of all of them."""

    def __init__(self, rate: float, workers: int) -> None:
        self.rate = rate
        self.workers = workers
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, caller: Caller) -> None:
        """Count a request; Refused when it is one too many, with the seconds until the next may come."""
        item = _item((caller.rate or self.rate) / self.workers)
        if not self._limiter.hit(item, caller.key_id):
            wait = self._limiter.get_window_stats(item, caller.key_id).reset_time - time.time()
            raise Refused(Problem("too-many-requests"), {"Retry-After": str(max(1, math.ceil(wait)))})


@cache
def _item(rate: float) -> RateLimitItemPerSecond:
    """So many in a second, or one in as many seconds as that takes; rates are few, one a key at most."""
    return RateLimitItemPerSecond(max(1, round(rate)), 1 if rate >= 1 else math.ceil(1 / rate))
