"""Days as numbers since 1970-01-01 (in the ledger) and as ISO dates (on pages, in files and answers)."""

from dataclasses import dataclass
from datetime import date, timedelta

EPOCH = date(1970, 1, 1)


def iso(day: int) -> str:
    """A day number as an ISO date.

    >>> iso(20_515)
    '2026-03-03'
    """
    return (EPOCH + timedelta(days=day)).isoformat()


def day_number(day: str) -> int:
    """An ISO date as a day number.

    >>> day_number("2026-03-03")
    20515
    """
    return (date.fromisoformat(day) - EPOCH).days


def days_after(day: str, days: int) -> str:
    """The ISO date that lies this many days after a date."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


@dataclass(frozen=True)
class DayChoice:
    """The zone in which days are counted, and the last day to read; None: those of the source."""

    zone: str | None = None
    as_of: date | None = None


SOURCE_DAYS = DayChoice()
