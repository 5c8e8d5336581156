"""Figures and tables as Markdown, for generated pages and for the model card."""

from collections.abc import Iterable, Sequence


def number(value: float | None, digits: int = 3) -> str:
    """A figure with this many decimals; none from 1000 on, and a dash for a missing figure."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}f}"


def interval(bounds: Sequence[float] | None, digits: int = 3) -> str:
    """The ends of an interval in brackets; empty without an interval."""
    return f"[{number(bounds[0], digits)}, {number(bounds[1], digits)}]" if bounds else ""


def share(value: float | None, digits: int = 0) -> str:
    """A share as a percentage; a dash for a missing share."""
    return "-" if value is None else f"{value:.{digits}%}"


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
