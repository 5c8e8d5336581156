"""A standard to work with: orders that came late, over 60 days."""

from decimal import Decimal

from features.standards.standard import Standard

STANDARD = Standard(
    name="late_rate",
    version="1",
    title="Late rate",
    risk="service",
    numerator=("late",),
    denominator=("ordered",),
    window_days=60,
    limit=Decimal("0.25"),
    source="test",
)
