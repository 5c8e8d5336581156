"""CSV that a spreadsheet opens without running anything: a text that would be read as a formula gets an apostrophe.

The rule is OWASP's on CSV injection: cells that begin with = + - @, a tab, or a line's end.
"""

import csv
import io
from collections.abc import Iterable, Sequence

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
