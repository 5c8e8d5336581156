"""Times of casework: all in UTC, given by the caller, kept as text that sorts."""

from datetime import UTC, date, datetime, timedelta

from serving.records.clock import written

LOCK = timedelta(minutes=30)  # a case that was taken is free again after this; half an hour a review, our assumption
ASSIGNED = timedelta(days=7)  # a case that was assigned stays with its reviewer for a week
UNDO = timedelta(minutes=10)  # a decision can be undone for so long; then it takes effect and the letter goes out
COOLING = timedelta(days=28)  # after a decision, no new case for the same seller and risk: help needs time to show


def later(at: datetime, span: timedelta) -> str:
    """The time a span after `at`, as it is kept."""
    return written(at + span)


def read(text: str) -> datetime:
    """A kept time."""
    return datetime.fromisoformat(text).astimezone(UTC)


def closing(day: str) -> str:
    """The end of an ISO day, up to which something holds."""
    return written(datetime.combine(date.fromisoformat(day) + timedelta(days=1), datetime.min.time(), UTC))
