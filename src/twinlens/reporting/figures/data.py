"""Figures of a dataset: how many images each subject has, and how the photos look."""

from __future__ import annotations

from typing import Literal

from twinlens.data.description import Description
from twinlens.reporting.figures.style import INK, PART_COLOURS, PART_DASHES, Chart, canvas

_MEASURES = {
    "brightness": "Mean luma of the crop, from 0 (black) to 1 (white).",
    "sharpness": "Strength of the crop's edges relative to its contrast; blur lowers it.",
}
_SYMBOLS = {"train": "circle", "validation": "square", "test": "diamond"}


def data_charts(data: Description) -> list[Chart]:
    """Images per subject, brightness and sharpness of every part."""
    return [_images_per_subject(data), _spread(data, "brightness"), _spread(data, "sharpness")]


def _images_per_subject(data: Description) -> Chart:
    figure = canvas("Images of one subject", "Subjects", height=280)
    told = []
    for name, part in data.parts.items():
        per_subject = part.per_subject
        figure.add_scatter(
            x=[images for images, _ in per_subject.distribution],
            y=[subjects for _, subjects in per_subject.distribution],
            name=name,
            mode="lines+markers",
            line={"color": PART_COLOURS.get(name, INK), "dash": PART_DASHES.get(name, "solid"), "width": 2},
            marker={"symbol": _SYMBOLS.get(name, "circle"), "size": 7},
        )
        told.append(f"{name}: {per_subject.minimum} to {per_subject.maximum}, median {per_subject.median:g}")
    figure.update_yaxes(type="log", dtick=1, tickformat=",d")
    text = f"How many subjects have how many images ({'; '.join(told)})."
    return Chart("Images per subject", text, figure, wide=True)


def _spread(data: Description, measure: Literal["brightness", "sharpness"]) -> Chart:
    figure = canvas(measure.capitalize(), "Share of the images")
    medians = []
    for name, part in data.parts.items():
        spread = part.brightness if measure == "brightness" else part.sharpness
        total = max(1, sum(spread.counts))
        figure.add_scatter(
            x=[spread.edges[0], *spread.edges],
            y=[0.0, *(count / total for count in spread.counts), 0.0],
            name=name,
            mode="lines",
            line={
                "color": PART_COLOURS.get(name, INK),
                "dash": PART_DASHES.get(name, "solid"),
                "shape": "hv",
                "width": 2,
            },
        )
        medians.append(f"{name} {spread.median:.2f} ({spread.p05:.2f} to {spread.p95:.2f})")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    text = f"{_MEASURES[measure]} Median and middle nine tenths: {'; '.join(medians)}."
    return Chart(measure.capitalize(), text, figure)
