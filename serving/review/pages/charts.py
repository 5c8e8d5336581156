"""Charts as inline SVG: geometry is computed here and drawn by a template macro, with title, description and data."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.review.pages.page import shown

LEFT, RIGHT, TOP, BOTTOM = 44.0, 64.0, 12.0, 24.0
STEPS = (0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class AxisTick:
    """A mark on an axis."""

    at: float = shown("pixel")
    text: str = shown("its label")


@dataclass(frozen=True)
class ChartPoint:
    """A marked value."""

    x: float = shown("pixel")
    y: float = shown("pixel")


@dataclass(frozen=True)
class ExpectedPoint:
    """The rate to expect, right of the present: a point and its interval."""

    x: float = shown("pixel")
    y: float = shown("pixel")
    low_y: float = shown("pixel of the lower end")
    high_y: float = shown("pixel of the upper end")


@dataclass(frozen=True)
class RateChart:
    """A rate over time."""

    key: str = shown("makes its ids unique on the page")
    title: str = shown("what it shows")
    description: str = shown("what there is to see, in a sentence")
    width: int = shown("of the drawing, in pixels")
    height: int = shown("of the drawing")
    line: str = shown("points of the rate's line")
    last: ChartPoint | None = shown("the rate today; None without one")
    limit_y: float = shown("pixel of the limit")
    band: tuple[float, float] | None = shown("pixels of the peers' middle half: top and height; None without peers")
    ahead: ExpectedPoint | None = shown("the rate to expect; None without one")
    x_ticks: tuple[AxisTick, ...] = shown("days")
    y_ticks: tuple[AxisTick, ...] = shown("rates")
    left: float = shown("pixel where the plot begins")
    right: float = shown("pixel where it ends")
    rows: tuple[tuple[str, str, str], ...] = shown("the figures: day, rate, counts")


@dataclass(frozen=True)
class BarSegment:
    """A part of a bar."""

    x: float = shown("pixel")
    width: float = shown("pixels")
    bad_width: float = shown("pixels of the part that failed")
    name: str = shown("leaves, stays or comes")
    volume: int = shown("how many")
    bad: float = shown("how many of them failed, or are expected to")


@dataclass(frozen=True)
class StackedBars:
    """Two bars on one scale: the window today and at the horizon's end."""

    width: int = shown("of the drawing, in pixels")
    today: tuple[BarSegment, ...] = shown("what leaves and what stays")
    then: tuple[BarSegment, ...] = shown("what stays and what comes")


@dataclass(frozen=True)
class RateSeries:
    """A rate by day: ISO days, rates (None without volume), counts; oldest first."""

    days: Sequence[str]
    rates: Sequence[float | None]
    counts: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class ChartMarks:
    """What a chart shows beside the rate: its limit, the peers' middle half, the expected rate with its interval."""

    limit: float
    peers: tuple[float, float] | None = None
    expected: tuple[float, float, float] | None = None  # low, rate, high


@dataclass(frozen=True)
class ChartSize:
    """A drawing's size in pixels."""

    width: int
    height: int


@dataclass(frozen=True)
class AxisScale:
    """A linear axis between two pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value; values outside the axis are drawn at its ends."""
        inside = min(max(value, self.low), self.high)
        return round(self.start + (self.end - self.start) * (inside - self.low) / (self.high - self.low), 1)


def rate_chart(
    key: str, title: str, description: str, series: RateSeries, marks: ChartMarks, size: ChartSize
) -> RateChart:
    """The chart of a rate; the present lies three quarters to the right where there is something to expect."""
    y, ticks = _rates_axis(series, marks, size)
    right = size.width - RIGHT
    ahead = 4 if marks.expected else 0  # weeks: one horizon
    x = AxisScale(0, max(len(series.days) - 1 + ahead, 1), LEFT, right)
    points = [(x.at(i), y.at(rate)) for i, rate in enumerate(series.rates) if rate is not None]
    return RateChart(
        key=key,
        title=title,
        description=description,
        width=size.width,
        height=size.height,
        line=" ".join(f"{a:g},{b:g}" for a, b in points),
        last=ChartPoint(*points[-1]) if points else None,
        limit_y=y.at(marks.limit),
        band=_band(y, marks),
        ahead=_ahead(x.at(len(series.days) - 1 + ahead), y, marks),
        x_ticks=_days_axis(series.days, x, size),
        y_ticks=tuple(AxisTick(y.at(value), f"{100 * value:.3g}%") for value in ticks),
        left=LEFT,
        right=right,
        rows=tuple(_row(series, i) for i in range(len(series.days))),
    )


def stack(width: int, leaves: tuple[int, int], stays: tuple[int, int], comes: tuple[int, float]) -> StackedBars:
    """Two bars, what stays above itself; each part is (volume, of those failed)."""
    scale = width / max(leaves[0] + stays[0] + comes[0], 1)
    first = _segments(scale, 0.0, [("leaves", *leaves), ("stays", *stays)])
    return StackedBars(width, first, _segments(scale, leaves[0] * scale, [("stays", *stays), ("comes", *comes)]))


def _segments(scale: float, start: float, parts: Sequence[tuple[str, int, float]]) -> tuple[BarSegment, ...]:
    found, x = [], start
    for name, volume, bad in parts:
        width = volume * scale
        found.append(BarSegment(round(x, 1), round(width, 1), round(min(bad * scale, width), 1), name, volume, bad))
        x += width
    return tuple(found)


def _rates_axis(series: RateSeries, marks: ChartMarks, size: ChartSize) -> tuple[AxisScale, list[float]]:
    """A scale from a round number below to one above all that is drawn; a share of a few tenths begins at 0."""
    drawn = [r for r in series.rates if r is not None] + [marks.limit, *(marks.peers or ()), *(marks.expected or ())]
    low, high = min(drawn), max(drawn)
    low = 0.0 if low < 0.5 else low
    step = next((s for s in STEPS if (high - low) / s <= 4), STEPS[-1])
    first, last = int(low / step), -(-high // step)
    ticks = [round(step * i, 4) for i in range(first, int(max(last, first + 1)) + 1)]
    return AxisScale(ticks[0], ticks[-1], size.height - BOTTOM, TOP), ticks


def _days_axis(days: Sequence[str], x: AxisScale, size: ChartSize) -> tuple[AxisTick, ...]:
    """The first day of the data in each of a few months."""
    months: dict[str, int] = {}
    for i, day in enumerate(days):
        months.setdefault(day[:7], i)
    shown_months = [i for i in months.values() if x.at(i) - LEFT > 14 or i == 0]
    every = max(1, round(len(shown_months) * 56 / (size.width - LEFT - RIGHT)))
    return tuple(AxisTick(x.at(i), _month(days[i])) for i in shown_months[::every])


def _month(day: str) -> str:
    from datetime import date

    return f"{date.fromisoformat(day):%b}"


def _band(y: AxisScale, marks: ChartMarks) -> tuple[float, float] | None:
    if marks.peers is None:
        return None
    top, bottom = y.at(marks.peers[1]), y.at(marks.peers[0])
    return top, round(bottom - top, 1)


def _ahead(x: float, y: AxisScale, marks: ChartMarks) -> ExpectedPoint | None:
    if marks.expected is None:
        return None
    low, rate, high = marks.expected
    return ExpectedPoint(x, y.at(rate), y.at(low), y.at(high))


def _row(series: RateSeries, i: int) -> tuple[str, str, str]:
    rate, (bad, volume) = series.rates[i], series.counts[i]
    return series.days[i], "\u2013" if rate is None else f"{100 * rate:.1f}%", f"{bad:,} of {volume:,}"
