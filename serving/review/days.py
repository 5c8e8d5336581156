"""Days as the pages carry them: ISO text."""

from datetime import date, timedelta

EPOCH = date(1970, 1, 1)


def iso(day: int) -> str:
    """A day number since 1970-01-01 as an ISO date."""
    return (EPOCH + timedelta(days=day)).isoformat()


def number(day: str) -> int:
    """An ISO date as a day number."""
    return (date.fromisoformat(day) - EPOCH).days


def after(day: str, days: int) -> str:
    """So many days after an ISO date."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
