"""How many requests a worker holds at once. More would wait longer and longer; they are told to come again instead."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from serving.problems import Problem, Refused

AT_ONCE = 64  # a worker answers some 200 a second, so that the last of them waits a third of a second
PAUSED = 256
PAUSE_SECONDS = 0.2


class Overload:
    """Counts the requests of one worker that are being answered, and those whose refusal is held back a little."""

    def __init__(self, most: int = AT_ONCE) -> None:
        self.most = most
        self.held = 0
        self._paused = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among the requests at work; Refused when there is none."""
        if self.held >= self.most:
            raise Refused(Problem("overloaded"), {"Retry-After": "1"})
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1

    async def pause(self) -> None:
        """Before a refusal that its caller may meet with the next request at once: a flood then costs little."""
        if self._paused < PAUSED:
            self._paused += 1
            try:
                await asyncio.sleep(PAUSE_SECONDS)
            finally:
                self._paused -= 1
