"""The manager's tables as CSV, safe to open in a spreadsheet.

A text that a spreadsheet would read as a formula gets an apostrophe: one that begins with = + - @, a tab, or a line's
end (OWASP on CSV injection).
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from starlette.responses import Response

from serving.casework.figures import figures
from serving.casework.figures.figures import ManagerFigures, ReviewedCase, SliceFigure, reviewed_cases
from serving.casework.figures.intervals import DifferenceEstimate, ShareEstimate
from serving.database.connection import reading
from serving.review.web.page_request import PageRequest, Refusal

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # full-width forms too
Value = str | int | float | bool | None


def as_csv(heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """A table as CSV, with a byte-order mark, so that spreadsheets read it as UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow([_cell(head) for head in heads])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return "\ufeff" + out.getvalue()


def _cell(value: Value) -> Value:
    """Numbers stay numbers; what looks like a formula is marked as text; NUL, which CSV cannot hold, is shown."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = value.replace("\x00", "\u2400")
    return f"'{text}" if text.lstrip(" ").startswith(RISKY) else text


CASE_HEADS = (
    "case_id", "seller_id", "risk", "as_of", "opened_at", "category", "region", "size", "fulfilment", "tenure",
    "probability", "arm", "first_look", "kind", "decided_at", "decided_by", "overturned", "second", "breached",
)  # fmt: skip
SLICE_HEADS = ("by", "value", "decided", "figure", "count", "total", "share", "low", "high")
ARM_HEADS = ("arm", "cases", "right", "share", "low", "high", "difference", "difference_low", "difference_high")


def table(request: PageRequest) -> Response:
    """One table as CSV, safe to open in a spreadsheet."""
    make = TABLES.get(request.params["table"])
    if make is None:
        raise Refusal(404)
    since, until = time_of(request)
    with reading(request.services.engine) as con:
        text = make(reviewed_cases(con, since, until), figures.figures(con, since, until))
    named = f'attachment; filename="{request.params["table"]}.csv"'
    return Response(text, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": named})


def time_of(request: PageRequest) -> tuple[str, str]:
    """The days of opening that ?since= and ?until= bound; empty for no bound."""
    return _day(request.query.get("since", "")), _day(request.query.get("until", ""))


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise Refusal(400) from None


def _case_table(rows: list[ReviewedCase], _: ManagerFigures) -> str:
    return as_csv(CASE_HEADS, [[getattr(row, head) for head in CASE_HEADS] for row in rows])


def _slice_table(_: list[ReviewedCase], found: ManagerFigures) -> str:
    return as_csv(SLICE_HEADS, [line for one in found.slices for line in _slice_lines(one)])


def _slice_lines(one: SliceFigure) -> list[list[Value]]:
    names = ("acted", "restricted", "overturned", "breached")
    return [[one.by, one.value, one.decided, name, *_share_cells(getattr(one, name))] for name in names]


def _share_cells(one: ShareEstimate) -> list[Value]:
    """A share under the minimum cell leaves its counts out too."""
    known = one.share is not None
    return [one.count if known else None, one.total if known else None, one.share, one.low, one.high]


def _arm_table(_: list[ReviewedCase], found: ManagerFigures) -> str:
    lines = [
        [a.arm, a.cases, a.right.count, a.right.share, a.right.low, a.right.high, *_difference_cells(a.against_full)]
        for a in found.arms
    ]
    return as_csv(ARM_HEADS, lines)


def _difference_cells(one: DifferenceEstimate) -> list[Value]:
    return [one.value, one.low, one.high]


TABLES: Mapping[str, Callable[[list[ReviewedCase], ManagerFigures], str]] = {
    "cases": _case_table,
    "slices": _slice_table,
    "arms": _arm_table,
}
