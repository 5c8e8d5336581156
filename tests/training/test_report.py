"""report.html: whole, without scripts, readable in both schemes, and honest about the weakest slice."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise, product
from typing import Any

import pytest

from tests.support.training_market import found
from training.reports.charts import ticks
from training.reports.report import STYLE, render
from training.reports.summary import sentences

pytestmark = pytest.mark.slow

VOID = {"meta", "circle", "rect", "line", "polyline"}


class Outline(HTMLParser):
    """Elements of a page, and whether they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def outline() -> Outline:
    """The page of the small marketplace's report."""
    page = Outline()
    page.feed(render(found()))
    return page


def test_every_element_closes() -> None:
    assert outline().open == []


def test_no_script_and_nothing_fetched() -> None:
    page = outline()
    assert not {tag for tag, _ in page.seen} & {"script", "img", "link", "iframe", "object"}
    assert not [attrs for _, attrs in page.seen if {"src", "href", "onclick", "onload"} & set(attrs)]
    assert "url(" not in STYLE.read_text()


def test_every_chart_has_a_title_a_description_and_its_table() -> None:
    page = outline()
    ids = {attrs["id"] for _, attrs in page.seen if "id" in attrs}
    charts = [attrs for tag, attrs in page.seen if tag == "svg"]
    assert len(charts) == 3
    for chart in charts:
        assert chart["role"] == "img"
        assert set(str(chart["aria-labelledby"]).split()) <= ids
    assert render(found()).count("<summary>Figures behind") == 3


def test_tables_have_captions_and_headed_rows_and_can_be_reached_by_keyboard() -> None:
    tags = [tag for tag, _ in outline().seen]
    assert tags.count("table") == tags.count("caption") > 5
    regions = [attrs for tag, attrs in outline().seen if attrs.get("class") == "wide"]
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in regions)


def test_the_menu_has_a_line_a_capacity_and_more_capacity_sees_more() -> None:
    points = found()["risks"]["service"]["operating_points"]
    assert [point["capacity_share"] for point in points] == [0.005, 0.01, 0.02, 0.03, 0.05, 0.1]
    assert points[-1]["recall"] > points[0]["recall"]
    assert points[2]["precision"] == found()["risks"]["service"]["alerts"]["precision"]
    page = render(found())
    assert all(page.count(f'<th scope="row">{point["capacity_share"]:.1%}</th>') == 3 for point in points)


def test_the_ranking_for_long_notice_is_no_score_of_a_slice() -> None:
    body = found()["risks"]["service"]
    assert {"early", "current_metric", "peer_only", "warn_line"} <= {*body["alerts"]}
    assert "early" not in body["slices"]["all"]["scores"]
    assert {*body["charts"]["capacity"]} == {"model", "roll_forward", "peer_only", "warn_line", "best_reachable"}


def test_headings_go_down_one_level_at_a_time() -> None:
    levels = [int(tag[1]) for tag, _ in outline().seen if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_names_are_shown_as_text() -> None:
    page = render(found())
    assert "drifting &lt;sellers&gt;" in page
    assert "Late &lt;rate&gt;" in page
    assert "<sellers>" not in page


def test_the_summary_names_the_slice_in_which_it_compares_worst() -> None:
    report: Any = json.loads(json.dumps(found()))
    slices = report["risks"]["service"]["slices"]
    slices["new_sellers"]["scores"] = json.loads(json.dumps(slices["all"]["scores"]))
    slices["new_sellers"]["scores"]["model"]["average_precision"] = 0.01
    said = " ".join(sentences(report)["service"])
    assert "worst on sellers whose first order was under 90 days ago" in said
    assert "0.01 falls behind the best other score" in said


def test_a_slice_of_one_class_is_told_and_not_drawn() -> None:
    report: Any = json.loads(json.dumps(found()))
    for content in report["risks"]["service"]["slices"].values():
        content["scores"] = dict.fromkeys(content["scores"])
    report["risks"]["service"]["charts"]["calibration"] = {}
    assert "not yet in breach are the same: nothing is measured" in render(report)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_every_text_colour_stands_out_from_its_ground(scheme: int) -> None:
    blocks = re.findall(r":root \{([^}]*)\}", STYLE.read_text())
    colours = dict(re.findall(r"--(\w+): (#\w{6})", blocks[scheme]))
    texts = ("ink", "soft", "link", "model", "roll", "current", "peer", "best")
    for text, ground in product(texts, ("paper", "panel")):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


@pytest.mark.parametrize(("largest", "last"), [(0.93, 1.0), (0.21, 0.25), (20, 20), (7, 10), (0, 0.05)])
def test_ticks_are_round_and_hold_the_largest_value(largest: float, last: float) -> None:
    found_ticks = ticks(largest)
    assert (found_ticks[0], found_ticks[-1]) == pytest.approx((0, last))
