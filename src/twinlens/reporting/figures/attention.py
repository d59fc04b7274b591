"""Where the network looks, on average."""

from __future__ import annotations

import numpy as np

from twinlens.config import Frame
from twinlens.explaining.face_region import face_regions
from twinlens.explaining.patches import spread
from twinlens.explaining.record import SampleFigures
from twinlens.reporting.figures.style import ACCENT, GRID, INK, Chart, canvas

_SIDE = 60


def attention_chart(sample: SampleFigures, frame: Frame) -> Chart:
    """The mean attribution over the crop, and the outline of the face where that is known.

    Args:
        sample: Its mean map and whether the face is known.
        frame: How a photo becomes the crop.
    """
    mean = np.array(sample.mean)
    even = mean * mean.size  # 1 is the share that a spot has if all have the same
    place = (np.arange(_SIDE) + 0.5) / _SIDE
    figure = canvas("", "", height=360)
    figure.add_heatmap(
        x=place,
        y=place,
        z=spread(even, _SIDE, _SIDE).round(3),
        zmin=0,
        zsmooth="best",
        colorscale=[[0, "#FFFFFF"], [1, ACCENT]],
        colorbar={"title": {"text": "times<br>even", "font_size": 11}, "thickness": 10, "outlinewidth": 0, "len": 0.9},
        hovertemplate="%{z:.1f} times the even share<extra></extra>",
    )
    text = "1 is what every spot would have if the network looked everywhere alike."
    if sample.area_outside is not None:
        small = frame.model_copy(update={"height": _SIDE, "width": _SIDE})
        face = face_regions(small).face
        contours = {"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"}
        line = {"color": INK, "width": 1.5, "dash": "dash"}
        figure.add_contour(x=place, y=place, z=face, contours=contours, line=line, showscale=False, hoverinfo="skip")
        text += " The dashed line is the edge of the face."
    figure.add_shape(type="rect", x0=0, x1=1, y0=0, y1=1, line={"color": GRID, "width": 1})
    figure.update_xaxes(visible=False, range=[0, 1], constrain="domain")
    figure.update_yaxes(visible=False, range=[1, 0], scaleanchor="x", scaleratio=frame.crop_height / frame.crop_width)
    return Chart("Where it looks, on average", f"Mean over {2 * sample.pairs} photos of the sample. {text}", figure)
