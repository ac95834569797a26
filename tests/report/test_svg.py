"""Pruning a drawing changes its size, and nothing that is seen."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("altair")

from confounds.report import _chart, _svg, _symbols
from confounds.report._chart_curve import curve_chart, raw_panel

pytestmark = pytest.mark.report

PLACES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 300)), min_size=3, max_size=8, unique=True
)


def at(places: list[tuple[int, int]], **about: str) -> list[ET.Element]:
    return [ET.Element("path", {"transform": f"translate({x},{y})", **about}) for x, y in places]


@given(PLACES)
def test_dots_become_strokes_without_length_at_the_same_places(places) -> None:
    circle = "M2.7,0A2.7,2.7,0,1,1,-2.7,0A2.7,2.7,0,1,1,2.7,0"
    (path,) = _symbols.merged(at(places, d=circle, fill="red", opacity="0.7"))
    assert path.attrib == {
        "fill": "none",
        "stroke": "red",
        "stroke-width": "5.4",
        "stroke-linecap": "round",
        "opacity": "0.7",
        "d": "".join(f"M{x},{y}h0" for x, y in places),
    }


@given(PLACES)
def test_an_outline_is_drawn_whole_at_every_place(places) -> None:
    (path,) = _symbols.merged(at(places, d="M0,-3L2,0H1V4h-1v2Z", fill="red"))
    assert path.get("d") == "".join(f"M{x},{y - 3}l2,3h-1v4h-1v2z" for x, y in places)


@pytest.mark.parametrize(
    "shapes",
    [
        at([(1, 1), (2, 2)], d="M0,0L1,1Z"),
        [*at([(1, 1), (2, 2)], d="M0,0L1,1Z"), *at([(3, 3)], d="M0,0L1,2Z")],
        [*at([(1, 1), (2, 2)], d="M0,0L1,1Z"), *at([(3, 3)], d="M0,0L1,1Z", opacity="0.5")],
        [ET.Element("path", {"d": "M0,0L1,1Z", "transform": "rotate(3)"}) for _ in range(3)],
        [ET.Element("text", {"transform": "translate(1,1)"}) for _ in range(3)],
    ],
)
def test_shapes_that_differ_stay_as_they_are(shapes) -> None:
    assert _symbols.merged(shapes) == shapes


def test_lines_become_one_path() -> None:
    lines = [
        ET.Element("line", {"transform": "translate(0,7)", "x2": "200", "y2": "0"}),
        ET.Element("line", {"x2": "0", "y2": "-5"}),
    ]
    (path,) = _symbols.merged(lines)
    assert path.tag == "path"
    assert path.get("d") == "M0,7h200M0,0v-5"


def test_every_score_is_still_in_the_drawing(audits) -> None:
    content = raw_panel(audits[0], legend=False)
    spec = curve_chart(audits[0], content, _chart.PAGE).to_dict()
    drawn = _svg.inline(spec, "a", "scores")
    before = _svg.draw(spec)
    paths = re.findall(r"<path [^>]*>", drawn)
    together = [path.count("M") for path in paths if re.search(r'd="[^"]+(z|h0)"', path)]
    alone = [path for path in paths if "transform" in path]
    assert sum(together) + len(alone) == len(content.points)
    assert len(drawn) < len(before) / 3


def test_a_curve_keeps_its_course_when_straight_points_go() -> None:
    straight = "M0,0" + "".join(f"L{x},{2 * x}" for x in range(1, 50))
    assert _svg._straightened(straight) == "M0,0L49,98"
    step = "M0,10L50,10L50,90L100,90"
    assert _svg._straightened(step) == step
    closed = "M0,0L1,1L2,2Z"
    assert _svg._straightened(closed) == closed


def test_equal_clips_are_kept_once_and_ids_belong_to_the_drawing(audits) -> None:
    content = raw_panel(audits[0], legend=True)
    drawn = _svg.inline(curve_chart(audits[0], content, _chart.PAGE).to_dict(), "mine", "scores")
    ids = re.findall(r' id="([^"]+)"', drawn)
    assert ids == ["mine-1"]
    assert set(re.findall(r"url\(#([^)]+)\)", drawn)) == {"mine-1"}


@pytest.mark.parametrize("character", ["\0", "\x01", "\x1b", "\ufffe", "\ud800"])
def test_what_no_xml_may_hold_is_replaced(character) -> None:
    """The renderer would end the process at it; the names of a chart come from data and claims."""
    name = f"a{character}b"
    data = {"values": [{"x": 1, "y": 2, name: name}, {"x": 2, "y": 1, name: "harmless"}]}
    axes = {axis: {"field": axis, "type": "quantitative"} for axis in "xy"}
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.4.1.json",
        "data": data,
        "mark": "point",
        "encoding": {**axes, "color": {"field": name, "type": "nominal"}},
        "config": {"font": "sans-serif"},
    }
    for drawing in (_svg.inline(spec, "n", name), _svg.document(spec, "n", name)):
        assert f"a\ufffd{ord(character):04X}b" in drawing
        assert character not in drawing
        ET.fromstring(drawing)  # noqa: S314  our own drawing
    assert _svg.draw_pdf(_svg.document(spec, "n", name)).startswith(b"%PDF")
