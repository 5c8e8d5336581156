"""Failed login attempts, counted by name and by address; after too many, further attempts must wait."""

from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

MINUTES = 15
BY_NAME, BY_ADDRESS = 5, 30  # failures in so many minutes; a team may share an address
MOST_KEYS = 10_000  # kept at a time, so that guessing names cannot fill the memory


@dataclass
class LoginThrottle:
    """Failures of the last minutes by key. One process serves the pages, so its memory is enough."""

    failures: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def wait_seconds(self, name: str, address: str) -> int:
        """Seconds until the next attempt is allowed; 0: now."""
        with self.lock:
            waits = [self._wait(key, most) for key, most in _keys(name, address)]
        return max(waits)

    def failed(self, name: str, address: str) -> None:
        """Count a failure."""
        with self.lock:
            if len(self.failures) > MOST_KEYS:
                self.failures = {key: times for key, times in self.failures.items() if self._recent(key)}
            for key, _ in _keys(name, address):
                self.failures[key] = [*self._recent(key), monotonic()]

    def succeeded(self, name: str) -> None:
        """Forget the failures of a name that has logged in."""
        with self.lock:
            self.failures.pop(("name", name), None)

    def _wait(self, key: tuple[str, str], most: int) -> int:
        recent = self._recent(key)
        return round(recent[-most] + MINUTES * 60 - monotonic()) + 1 if len(recent) >= most else 0

    def _recent(self, key: tuple[str, str]) -> list[float]:
        return [at for at in self.failures.get(key, []) if at > monotonic() - MINUTES * 60]


def _keys(name: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return (("name", name), BY_NAME), (("address", address), BY_ADDRESS)
