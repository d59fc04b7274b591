from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.reporting.results.svg import Panel, Stroke, axes, dot, legend, line, picture, text, ticks

PANEL = Panel(10, 20, 100, 50, (0.0, 10.0), (-1.0, 1.0))


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.integers(4, 8))
def test_ticks_are_round_evenly_spaced_and_few(low: float, width: float, most: int) -> None:
    found = ticks(low, low + width, most)
    assert 1 <= len(found) <= most
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in found)
    steps = {round(b - a, 8) for a, b in pairwise(found)}
    assert len(steps) <= 1
    assert all(f"{step:e}"[0] in "125" for step in steps)


@pytest.mark.parametrize(
    ("point", "place"), [((0, -1), (10, 70)), ((10, 1), (110, 20)), ((5, 0), (60, 45)), ((20, -9), (110, 70))]
)
def test_points_lie_where_they_must_and_never_outside(point: tuple[float, float], place: tuple[float, float]) -> None:
    assert PANEL.place(*point) == place


def test_picture_is_xml_and_text_cannot_become_markup() -> None:
    stroke = Stroke("<b>&", "#000", "dot")
    elements = [
        *axes(PANEL, "a < b & c", "x", str),
        *legend(PANEL, [stroke]),
        line(PANEL, [0, 5, 10], [0, 1, -1], stroke, 0.4),
        line(PANEL, [5], [0], stroke),
        dot(PANEL, 5, 0, "#123456"),
        text(0, 0, "<script>"),
    ]
    tree = ElementTree.fromstring(picture(200, 100, "<title>", elements))
    words = [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a < b & c", "<b>&", "<script>"} <= set(words)
    assert not list(tree.iter("script"))
    (drawn,) = tree.iter("{http://www.w3.org/2000/svg}polyline")
    assert drawn.get("points") == "10.0,45.0 60.0,20.0 110.0,70.0"
