"""Rates over time: by week, with the peers' middle half, the limit, and what to expect."""

from collections.abc import Sequence

from features.standards import Standard
from serving.review import days, forms, texts
from serving.review.charts import Marks, Series, Size, rate_chart
from serving.review.histories import Days, Histories
from serving.review.seller.views import RateView, StandardView

WEEKS = 26
LARGE, SMALL = Size(720, 240), Size(350, 160)


def rate_views(
    histories: Histories | None, seller_id: str, group: str, pairs: Sequence[tuple[Standard, StandardView]], risk: str
) -> tuple[RateView, ...]:
    """A chart for each standard with some volume; the headline of the risk explained is large and comes first."""
    if histories is None:
        return ()
    known = histories.days(seller_id)
    shown = [(s, view) for s, view in pairs if view.volume and {*s.quantities()} <= {*known.quantities}]
    shown.sort(key=lambda pair: not _main(pair[0], risk))
    return tuple(_view(histories, known, group, s, view, _main(s, risk)) for s, view in shown)


def _main(standard: Standard, risk: str) -> bool:
    return standard.headline and standard.risk == risk


def _view(
    histories: Histories, known: Days, group: str, standard: Standard, view: StandardView, main: bool
) -> RateView:
    series = weekly(known, standard, histories.as_of)
    quartiles = histories.peers.get(standard.name, {}).get(group)
    expected = None if view.expected is None or view.low is None or view.high is None else view.expected
    marks = Marks(
        limit=view.limit,
        peers=(quartiles[0], quartiles[2]) if quartiles else None,
        expected=None if expected is None else (view.low or 0.0, expected, view.high or 0.0),
    )
    said = _description(series, view, quartiles)
    chart = rate_chart(standard.name, standard.title, said, series, marks, LARGE if main else SMALL)
    return RateView(chart, main)


def weekly(known: Days, standard: Standard, as_of: int) -> Series:
    """The rate at the close of each week, as it was known then, up to as_of."""
    ends = [as_of - 7 * back for back in reversed(range(WEEKS))]
    counts = [_counts(known, standard, day) for day in ends]
    rates = [_rate(standard, *count) for count in counts]
    return Series([days.iso(day) for day in ends], rates, counts)


def _counts(known: Days, standard: Standard, day: int) -> tuple[int, int]:
    span = standard.window_days
    return known.total(standard.numerator, day, span), known.total(standard.denominator, day, span)


def _rate(standard: Standard, bad: int, volume: int) -> float | None:
    if volume <= 0:
        return None
    return 1 - bad / volume if standard.complement else bad / volume


def _description(series: Series, view: StandardView, quartiles: Sequence[float] | None) -> str:
    found = [rate for rate in series.rates if rate is not None]
    first, last = (found[0], found[-1]) if found else (float("nan"), float("nan"))
    said = texts.plain(
        "rates.description",
        first=_isolated(first),
        last=_isolated(last),
        weeks=len(found),
        limit=_isolated(view.limit),
    )
    if not quartiles:
        return said
    return f"{said} {texts.plain('rates.peers', low=_isolated(quartiles[0]), high=_isolated(quartiles[2]))}"


def _isolated(rate: float) -> str:
    return forms.rate(rate)
