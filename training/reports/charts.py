"""Charts as inline SVG without scripts: each has a title, a description, direct labels and a table of its figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 680, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 16, 52
ROW = 56  # height of one row of a dot chart
LABEL_GAP = 17  # least distance in pixels between the labels of two curves
MARKS = {"model": "circle", "roll_forward": "square", "current_metric": "diamond"}

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """A linear axis from its first tick to its last."""

    label: str
    ticks: tuple[float, ...]
    form: str = "{:.2g}"

    def at(self, value: float, start: float, end: float) -> float:
        """The pixel of a value between two pixels; values outside the axis are drawn at its ends."""
        low, high = self.ticks[0], self.ticks[-1]
        return start + (end - start) * (min(max(value, low), high) - low) / (high - low)


@dataclass(frozen=True)
class Line:
    """One named curve; style is its class in the style sheet."""

    name: str
    style: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Dot:
    """One named value, with its interval or None."""

    name: str
    style: str
    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class LineChart:
    """Curves over two axes; key makes the ids of its elements unique on the page."""

    key: str
    title: str
    description: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    diagonal: bool = False


@dataclass(frozen=True)
class DotChart:
    """Named rows of dots over one axis."""

    key: str
    title: str
    description: str
    x: Axis
    rows: tuple[tuple[str, tuple[Dot, ...]], ...]


def ticks(largest: float, count: int = 5) -> tuple[float, ...]:
    """Round ticks from 0 to at least `largest`, at most count + 1 of them."""
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5):
        if step * count >= largest:
            return tuple(round(step * i, 4) for i in range(count + 1))
    return tuple(i * -(-largest // count) for i in range(count + 1))


def line_figure(chart: LineChart) -> str:
    """A line chart and the table of its figures."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    body = [*_x_axis(chart.x, HEIGHT, right), *_y_axis(chart.y)]
    if chart.diagonal:
        body.append(f'<line class="ideal" x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{TOP}"/>')
    ends = _spread([_y(chart.y, line.points[-1][1]) for line in chart.lines])
    for line, end in zip(chart.lines, ends, strict=True):
        body += _curve(chart, line, end)
    return _figure(chart.key, chart.title, chart.description, HEIGHT, body, _line_table(chart))


def dot_figure(chart: DotChart) -> str:
    """A dot chart and the table of its figures."""
    height = TOP + ROW * len(chart.rows) + BOTTOM
    body = _x_axis(chart.x, height, WIDTH - 20, left=RIGHT + 20)
    for number, (name, dots) in enumerate(chart.rows):
        middle = TOP + ROW * number + ROW / 2
        body.append(f'<text x="{RIGHT}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>')
        for place, dot in enumerate(dots):
            body += _dot(chart.x, dot, middle + (place - (len(dots) - 1) / 2) * 14)
    return _figure(chart.key, chart.title, chart.description, height, body, _dot_table(chart))


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column holds row headings. On a narrow screen it scrolls; it can get keyboard focus."""
    top = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    lines = "".join(_table_row(cells) for cells in rows)
    label = escape(caption, quote=True)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{label}"><table><caption>{label}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _table_row(cells: Sequence[str]) -> str:
    first, *rest = cells
    return f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(c)}</td>" for c in rest) + "</tr>"


def _figure(key: str, title: str, description: str, height: float, body: Iterable[str], data: str) -> str:
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-desc">{escape(description)}</desc>'
        f"{''.join(body)}</svg><figcaption>{escape(description)}</figcaption>"
        f"<details><summary>Figures behind “{escape(title)}”</summary>{data}</details></figure>"
    )


def _x_axis(axis: Axis, height: float, right: float, left: float = LEFT) -> list[str]:
    bottom = height - BOTTOM
    out = []
    for tick in axis.ticks:
        x = axis.at(tick, left, right)
        out.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom:.1f}"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{axis.form.format(tick)}</text>')
    middle = (left + right) / 2
    return [*out, f'<text x="{middle:.1f}" y="{height - 10:.1f}" text-anchor="middle">{escape(axis.label)}</text>']


def _y_axis(axis: Axis) -> list[str]:
    out = []
    for tick in axis.ticks:
        y = _y(axis, tick)
        out.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{axis.form.format(tick)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'transform="rotate(-90 16 {middle:.1f})"'
    return [*out, f'<text x="16" y="{middle:.1f}" text-anchor="middle" {turned}>{escape(axis.label)}</text>']


def _y(axis: Axis, value: float) -> float:
    return axis.at(value, HEIGHT - BOTTOM, TOP)


def _curve(chart: LineChart, line: Line, label_y: float) -> list[str]:
    right = WIDTH - RIGHT
    pixels = [(chart.x.at(x, LEFT, right), _y(chart.y, y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
    marks = [_mark(line.style, x, y) for x, y in pixels]
    place = f'x="{pixels[-1][0] + 10:.1f}" y="{label_y + 4:.1f}"'
    label = f'<text class="{line.style} name" {place}>{escape(line.name)}</text>'
    return [f'<polyline class="{line.style}" points="{path}"/>', *marks, label]


def _dot(axis: Axis, dot: Dot, y: float) -> list[str]:
    left, right = RIGHT + 20, WIDTH - 20
    out = []
    if dot.interval:
        low, high = (axis.at(v, left, right) for v in dot.interval)
        out.append(f'<line class="{dot.style}" x1="{low:.1f}" y1="{y:.1f}" x2="{high:.1f}" y2="{y:.1f}"/>')
    return [*out, _mark(dot.style, axis.at(dot.value, left, right), y)]


def _mark(style: str, x: float, y: float) -> str:
    """A point of a score; scores differ by shape as well as by colour."""
    shape = MARKS.get(style, "bar")
    if shape == "circle":
        return f'<circle class="{style} mark" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    if shape == "bar":
        return f'<rect class="{style} mark" x="{x - 1:.1f}" y="{y - 4:.1f}" width="2" height="8"/>'
    turned = f' transform="rotate(45 {x:.1f} {y:.1f})"' if shape == "diamond" else ""
    return f'<rect class="{style} mark" x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"{turned}/>'


def _spread(heights: list[float]) -> list[float]:
    """The label heights, moved down where labels would overlap; their order stays."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    out, last = list(heights), float("-inf")
    for i in order:
        out[i] = last = max(heights[i], last + LABEL_GAP)
    return out


def _line_table(chart: LineChart) -> str:
    rows = [(line.name, f"{x:.3f}", f"{y:.3f}") for line in chart.lines for x, y in line.points]
    return table(chart.title, ("score", chart.x.label, chart.y.label), rows)


def _dot_table(chart: DotChart) -> str:
    rows = [
        (name, dot.name, f"{dot.value:.3f}", "{:.3f} to {:.3f}".format(*dot.interval) if dot.interval else "none")
        for name, dots in chart.rows
        for dot in dots
    ]
    return table(chart.title, ("slice", "score", chart.x.label, "95% interval"), rows)
