"""Small clean line charts as SVG, which GitHub shows in Markdown; nothing but text, lines and dots."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from twinlens.reporting.figures.style import FONT, GRID, INK, MUTED

_DASHES = {"solid": "", "dash": "7 4", "dot": "1.5 3.5", "dashdot": "7 3 1.5 3"}
_LETTER = 6.3  # pixels, about, of the legend's font


@dataclass(frozen=True)
class Panel:
    """One chart of a picture: where it is, and the ends of its axes.

    Attributes:
        left: Of the area between the axes, in pixels, as are ``top``, ``width`` and ``height``.
        x: Lowest and highest value along.
        y: Lowest and highest value up.
    """

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies in the picture; what is beyond an axis lies at its end."""
        along, up = _share(x, self.x), _share(y, self.y)
        return self.left + along * self.width, self.top + (1 - up) * self.height


@dataclass(frozen=True)
class Stroke:
    """How a line is drawn, and what the legend calls it."""

    name: str
    colour: str
    dash: str = "solid"
    width: float = 2.0


def picture(width: int, height: int, title: str, elements: Iterable[str]) -> str:
    """A whole SVG file on white, so that it can be read in dark surroundings, too."""
    body = "\n".join(elements)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="{escape(FONT)}" font-size="12">\n<title>{escape(title)}</title>\n'
        f'<rect width="{width}" height="{height}" rx="6" fill="#fff"/>\n{body}\n</svg>\n'
    )


def axes(
    panel: Panel,
    title: str,
    x_title: str,
    y_text: Callable[[float], str],
    x_text: Callable[[float], str] = "{:g}".format,
) -> list[str]:
    """Title, grid and axes of a panel, with the values up and along written as asked for."""
    bottom, right = panel.top + panel.height, panel.left + panel.width
    found = [text(panel.left, panel.top - 34, title, size=14, weight=600)]
    for value in ticks(*panel.y):
        _, y = panel.place(panel.x[0], value)
        found += [
            f'<path d="M{panel.left:g} {y:.1f}H{right:g}" stroke="{GRID}"/>',
            text(panel.left - 7, y + 4, y_text(value), colour=MUTED, anchor="end"),
        ]
    for value in ticks(*panel.x):
        x, _ = panel.place(value, panel.y[0])
        found += [
            f'<path d="M{x:.1f} {bottom:g}v4" stroke="{MUTED}"/>',
            text(x, bottom + 18, x_text(value), colour=MUTED, anchor="middle"),
        ]
    found.append(f'<path d="M{panel.left:g} {bottom:g}H{right:g}" stroke="{MUTED}"/>')
    found.append(text((panel.left + right) / 2, bottom + 36, x_title, colour=MUTED, anchor="middle"))
    return found


def line(panel: Panel, xs: Sequence[float], ys: Sequence[float], stroke: Stroke, opacity: float = 1.0) -> str:
    """A line through points; a single one is a dot."""
    if len(xs) == 1:
        return dot(panel, xs[0], ys[0], stroke.colour)
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in (panel.place(*point) for point in zip(xs, ys, strict=True)))
    dash = f' stroke-dasharray="{_DASHES[stroke.dash]}"' if _DASHES[stroke.dash] else ""
    faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
    return (
        f'<polyline points="{places}" fill="none" stroke="{stroke.colour}" stroke-width="{stroke.width:g}" '
        f'stroke-linejoin="round"{dash}{faint}/>'
    )


def dot(panel: Panel, x: float, y: float, colour: str, radius: float = 3.5) -> str:
    """A dot with a thin white rim."""
    left, top = panel.place(x, y)
    return f'<circle cx="{left:.1f}" cy="{top:.1f}" r="{radius:g}" fill="{colour}" stroke="#fff" stroke-width="1"/>'


def legend(panel: Panel, strokes: Sequence[Stroke]) -> list[str]:
    """Samples of the lines with their names, above the panel."""
    found, left, y = [], panel.left, panel.top - 15
    for stroke in strokes:
        dash = f' stroke-dasharray="{_DASHES[stroke.dash]}"' if _DASHES[stroke.dash] else ""
        found += [
            f'<path d="M{left:.0f} {y - 4:g}h20" stroke="{stroke.colour}" stroke-width="{stroke.width:g}"{dash}/>',
            text(left + 25, y, stroke.name),
        ]
        left += 25 + _LETTER * len(stroke.name) + 12
    return found


def text(
    x: float, y: float, words: str, *, colour: str = INK, anchor: str = "start", size: float = 12, weight: int = 400
) -> str:
    """Words at a place; ``anchor`` says which part of them is there."""
    kept = [("fill", colour, ""), ("text-anchor", anchor, "start"), ("font-size", f"{size:g}", "12")]
    kept.append(("font-weight", str(weight), "400"))
    said = "".join(f' {name}="{value}"' for name, value, default in kept if value != default)
    return f'<text x="{x:.1f}" y="{y:.1f}"{said}>{escape(words)}</text>'


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values from ``low`` to ``high``, at most ``most`` of them."""
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _share(value: float, ends: tuple[float, float]) -> float:
    return min(1.0, max(0.0, (value - ends[0]) / (ends[1] - ends[0])))
