"""The manager's tables as CSV, safe to open in a spreadsheet."""

from collections.abc import Callable, Mapping
from datetime import date

from starlette.responses import Response

from serving.casework import figures
from serving.casework.figures import Figures, SliceFigure, Worked, worked
from serving.casework.intervals import Difference, Share
from serving.casework.spreadsheet import Value, as_csv
from serving.records.database import reading
from serving.review.call import Call, Refusal

CASE_HEADS = (
    "case_id", "seller_id", "risk", "as_of", "opened_at", "category", "region", "size", "fulfilment", "tenure",
    "probability", "arm", "first_look", "kind", "decided_at", "decided_by", "overturned", "second", "breached",
)  # fmt: skip
SLICE_HEADS = ("by", "value", "decided", "figure", "count", "total", "share", "low", "high")
ARM_HEADS = ("arm", "cases", "right", "share", "low", "high", "difference", "difference_low", "difference_high")


def table(call: Call) -> Response:
    """One table as CSV, safe to open in a spreadsheet."""
    make = TABLES.get(call.params["table"])
    if make is None:
        raise Refusal(404)
    since, until = time_of(call)
    with reading(call.services.engine) as con:
        text = make(worked(con, since, until), figures.figures(con, since, until))
    named = f'attachment; filename="{call.params["table"]}.csv"'
    return Response(text, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": named})


def time_of(call: Call) -> tuple[str, str]:
    """The days of opening that ?since= and ?until= bound; empty for no bound."""
    return _day(call.query.get("since", "")), _day(call.query.get("until", ""))


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise Refusal(400) from None


def _cases(rows: list[Worked], _: Figures) -> str:
    return as_csv(CASE_HEADS, [[getattr(row, head) for head in CASE_HEADS] for row in rows])


def _slices(_: list[Worked], found: Figures) -> str:
    return as_csv(SLICE_HEADS, [line for one in found.slices for line in _slice_lines(one)])


def _slice_lines(one: SliceFigure) -> list[list[Value]]:
    names = ("acted", "restricted", "overturned", "breached")
    return [[one.by, one.value, one.decided, name, *_share_cells(getattr(one, name))] for name in names]


def _share_cells(one: Share) -> list[Value]:
    """A share under the minimum cell leaves its counts out too."""
    known = one.share is not None
    return [one.count if known else None, one.total if known else None, one.share, one.low, one.high]


def _arms(_: list[Worked], found: Figures) -> str:
    lines = [
        [a.arm, a.cases, a.right.count, a.right.share, a.right.low, a.right.high, *_difference_cells(a.against_full)]
        for a in found.arms
    ]
    return as_csv(ARM_HEADS, lines)


def _difference_cells(one: Difference) -> list[Value]:
    return [one.value, one.low, one.high]


TABLES: Mapping[str, Callable[[list[Worked], Figures], str]] = {"cases": _cases, "slices": _slices, "arms": _arms}
