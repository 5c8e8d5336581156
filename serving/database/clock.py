"""Times as the database keeps them: text in UTC whose alphabetical order is the order of time."""

from datetime import UTC, datetime


def now() -> str:
    """The present, as in 2026-03-01T09:30:00.000000+00:00."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """A time that carries its zone, as text of one width."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
