"""What all figures share: colours that colour-blind readers can tell apart, axes, and the way to the page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

# From the palette of M. Okabe and K. Ito (2008), Color universal design.
GENUINE = "#0072B2"
IMPOSTOR = "#D55E00"
TRAIN = "#8A94A6"
VALIDATION = "#E69F00"
TEST = "#0072B2"
ACCENT = "#009E73"
INK = "#1B2430"
MUTED = "#5B6675"
GRID = "#E6EAF0"
PART_COLOURS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
PART_DASHES = {"train": "dot", "validation": "dash", "test": "solid"}

FONT = "Inter, 'Segoe UI', system-ui, -apple-system, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Chart:
    """A figure with its words.

    Attributes:
        title: What is drawn; the figure's heading.
        text: What to see in it; the caption, and with the title the text alternative.
        figure: The plotly figure.
        wide: Whether it takes the page's whole width.
    """

    title: str
    text: str
    figure: go.Figure
    wide: bool = False

    @property
    def json(self) -> Markup:
        """Data and layout as JSON that may stand inside a script element."""
        return htmlsafe_json_dumps(self.figure, dumps=_dumps)

    @property
    def height(self) -> int:
        """Height in pixels, so that the page can keep the place free."""
        return int(self.figure.layout.height)


def canvas(x: str, y: str, height: int = 330) -> go.Figure:
    """An empty figure with titled axes, no frame and the legend above."""
    figure = go.Figure()
    axis = {
        "gridcolor": GRID,
        "linecolor": MUTED,
        "tickcolor": MUTED,
        "ticks": "outside",
        "ticklen": 4,
        "zeroline": False,
        "showline": True,
        "title_standoff": 8,
        "title_font": {"size": 12},
    }
    figure.update_layout(
        height=height,
        template="none",
        font={"family": FONT, "size": 12.5, "color": INK},
        margin={"l": 62, "r": 14, "t": 34, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"font_family": FONT, "bgcolor": "white"},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font_size": 12},
        xaxis={**axis, "title_text": x},
        yaxis={**axis, "title_text": y},
    )
    return figure


def vertical(figure: go.Figure, x: float, text: str, side: str = "top right") -> None:
    """A dashed line at ``x`` with a word beside it."""
    figure.add_vline(
        x=x,
        line={"color": INK, "width": 1, "dash": "dash"},
        annotation={"text": text, "font_size": 11.5, "font_color": MUTED},
        annotation_position=side,
    )


def _dumps(figure: Any, **_: Any) -> str:
    return json.dumps(json.loads(figure.to_json()), separators=(",", ":"), allow_nan=False)
