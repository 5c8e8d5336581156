"""The manager's page: how much, how fast, how well, how evenly, and whether explanations help; also as CSV."""

from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from serving.casework.figures import figures
from serving.casework.figures.figures import ManagerFigures, SliceFigure
from serving.casework.figures.intervals import MINIMUM_CELL, DifferenceEstimate, ShareEstimate
from serving.database.connection import reading
from serving.review.manager.figures_tables import time_of
from serving.review.pages import texts
from serving.review.pages.page import Page, render, shown
from serving.review.web.page_request import PageRequest
from serving.scoring import formats


@dataclass(frozen=True)
class ShareView:
    """A share with its interval."""

    count: int = shown("how many")
    total: int = shown("of how many")
    share: float | None = shown("the share; None under the minimum cell")
    low: float | None = shown("lower end of its 95% interval")
    high: float | None = shown("upper end of its 95% interval")


@dataclass(frozen=True)
class WeekView:
    """The cases opened from one day's scores."""

    as_of: str = shown("ISO day of the scores")
    opened: int = shown("cases opened")
    decided: int = shown("of those, decided")
    share: float = shown("width of the opened bar, as a share of the largest week")
    decided_share: float = shown("width of the decided bar")
    breached: ShareView = shown("in breach within 28 days, of those whose outcome is known; none are at first")


@dataclass(frozen=True)
class KindView:
    """How often one kind of decision was made."""

    kind: str = shown("its name")
    count: int = shown("how often")
    share: float = shown("of all decisions")


@dataclass(frozen=True)
class ArmView:
    """One arm of the trial that withholds score or reasons at first."""

    arm: str = shown("full, no_score or no_reasons")
    right: ShareView = shown("first judgements that the outcome bore out")
    difference: float | None = shown("from the arm that shows everything; None for that arm, or for too few cases")
    low: float | None = shown("lower end of its 95% interval")
    high: float | None = shown("upper end of its 95% interval")


@dataclass(frozen=True)
class SliceView:
    """One group of sellers."""

    value: str = shown("the group")
    decided: int = shown("cases decided")
    acted: ShareView = shown("acted on, of the decided")
    restricted: ShareView = shown("restricted, of the decided")
    overturned: ShareView = shown("overturned on appeal, of those acted on")
    breached: ShareView = shown("in breach within 28 days, of those whose outcome is known")


@dataclass(frozen=True)
class SliceTable:
    """All groups by one attribute."""

    by: str = shown("region, size, fulfilment or tenure")
    rows: tuple[SliceView, ...] = shown("the groups")


@dataclass(frozen=True)
class FiguresPage(Page):
    """What a programme manager watches."""

    template: ClassVar[str] = "figures.html"
    since: str = shown("ISO day from which cases count; empty for all")
    until: str = shown("ISO day until which they count; empty for all")
    opened: int = shown("cases opened")
    decided: int = shown("cases decided")
    waiting: int = shown("objections that wait for an answer")
    median_hours: float | None = shown("median hours from opening to decision")
    ninth_decile_hours: float | None = shown("hours within which nine of ten were decided")
    agreement: ShareView = shown("second opinions that say the same as the decision: act, or wait")
    kappa: float | None = shown("the same beyond chance (Cohen's kappa)")
    overturned: ShareView = shown("decisions that an appeal overturned")
    precision: ShareView = shown("cases whose seller was in breach within 28 days, of those whose outcome is known")
    untouched: ShareView = shown("the same where nothing was done")
    expected: float | None = shown("mean probability of those cases, which speaks of the 28th day alone")
    kinds: tuple[KindView, ...] = shown("decisions by kind")
    weeks: tuple[WeekView, ...] = shown("cases by the week of their scores")
    arms: tuple[ArmView, ...] = shown("the trial: do explanations help?")
    verdict: str = shown("what the trial says so far, in words")
    slices: tuple[SliceTable, ...] = shown("groups of sellers, with intervals")
    minimum: int = shown("cases under which no share is shown")
    csv: str = shown("query of the CSV files for the same time")


def show(request: PageRequest) -> Response:
    """The page; ?since= and ?until= bound the days of opening."""
    since, until = time_of(request)
    with reading(request.services.engine) as con:
        found = figures.figures(con, since, until)
    return render(request, _page(found, since, until))


def _page(found: ManagerFigures, since: str, until: str) -> FiguresPage:
    most = max((week.opened for week in found.weeks), default=1) or 1
    return FiguresPage(
        title=texts.plain("figures.title"),
        since=since,
        until=until,
        opened=found.opened,
        decided=found.decided,
        waiting=found.waiting_objections,
        median_hours=found.median_hours,
        ninth_decile_hours=found.ninth_decile_hours,
        agreement=_share(found.agreement),
        kappa=found.kappa,
        overturned=_share(found.overturned),
        precision=_share(found.precision),
        untouched=_share(found.precision_untouched),
        expected=found.expected,
        kinds=tuple(KindView(kind, n, n / max(found.decided, 1)) for kind, n in found.kinds.items()),
        weeks=tuple(
            WeekView(w.as_of, w.opened, w.decided, w.opened / most, w.decided / most, _share(w.breached))
            for w in found.weeks[-12:]
        ),
        arms=tuple(_arm(arm) for arm in found.arms),
        verdict=_verdict(found),
        slices=_slice_tables(found.slices),
        minimum=MINIMUM_CELL,
        csv=f"?since={since}&until={until}" if since or until else "",
    )


def _arm(arm: figures.ArmFigure) -> ArmView:
    d = arm.against_full
    return ArmView(arm.arm, _share(arm.right), d.value, d.low, d.high)


def _verdict(found: ManagerFigures) -> str:
    """What the arm without reasons says of reasons: right less often without them, more often, or not yet clear."""
    difference = next(
        (a.against_full for a in found.arms if a.arm == "no_reasons"), DifferenceEstimate(None, None, None)
    )
    if difference.value is None or difference.low is None or difference.high is None:
        return texts.plain("figures.trial_few", minimum=MINIMUM_CELL)
    values = {"low": formats.points(difference.low), "high": formats.points(difference.high)}
    side = "helps" if difference.high < 0 else "hinders" if difference.low > 0 else "open"
    return texts.plain(f"figures.trial_{side}", **values)


def _slice_tables(slices: tuple[SliceFigure, ...]) -> tuple[SliceTable, ...]:
    by: dict[str, list[SliceView]] = {}
    for one in slices:
        names = (one.acted, one.restricted, one.overturned, one.breached)
        by.setdefault(one.by, []).append(SliceView(one.value, one.decided, *map(_share, names)))
    return tuple(SliceTable(name, tuple(rows)) for name, rows in by.items())


def _share(one: ShareEstimate) -> ShareView:
    return ShareView(one.count, one.total, one.share, one.low, one.high)
