"""What drove the decisions that a report shows, and where the network looks on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinlens.explaining.overlay import overlay, scale
from twinlens.explaining.record import Explanations, SampleFigures
from twinlens.reporting.photos import Photos, data_uri
from twinlens.reporting.wording import decimal_interval, percent, percent_interval

# Longer side of an overlay in pixels; that of the photo beside it.
SIDE = 168
_STOPS = 13


@dataclass(frozen=True)
class Overlay:
    """Both photos of a pair with what spoke for and against a match.

    Attributes:
        first: The picture as a ``data:`` address.
        second: Likewise.
        limit: The change of the score that has the full colour.
    """

    first: str
    second: str
    limit: float


@dataclass(frozen=True)
class Finding:
    """A sentence about where the network looks.

    Attributes:
        text: The sentence.
        alarming: Whether it must be said beside every figure.
    """

    text: str
    alarming: bool


def overlays(explanations: Explanations, crops: Photos) -> dict[tuple[str, str], Overlay]:
    """The overlays of all explained pairs, by the names of their photos.

    Args:
        explanations: Of a run.
        crops: What the network sees of a photo, by its name; in colour and as large as shown.
    """
    found = {}
    for pair in explanations.shown:
        saliency = pair.saliency
        first, second = (
            data_uri(np.asarray(overlay(crops(name), changes, saliency.limit)), SIDE)
            for name, changes in ((pair.first, saliency.first), (pair.second, saliency.second))
        )
        found[pair.first, pair.second] = Overlay(first, second, saliency.limit)
    return found


def findings(sample: SampleFigures) -> list[Finding]:
    """How much of the attribution lies outside the face, and whether the attribution can be believed."""
    salient, random = decimal_interval(sample.salient, 2), decimal_interval(sample.random, 2)
    believed = sample.salient.low > sample.random.high
    check = (
        f"Covering the tenth of both photos that speaks most for a decision moves the score by {salient} towards the "
        f"other one, covering a random tenth by {random}. "
    )
    check += "So the pictures show what it uses." if believed else "So the pictures do not show what it uses."
    return [*_outside(sample), Finding(check, not believed)]


def ramp() -> str:
    """The scale of the overlays as a CSS gradient."""
    colours = np.asarray(scale(_STOPS, 1))[0]
    return f"linear-gradient(90deg, {', '.join(f'rgb({r} {g} {b})' for r, g, b in colours)})"


def _outside(sample: SampleFigures) -> list[Finding]:
    outside, area = sample.outside, sample.area_outside
    if outside is None or area is None:
        return []
    text = (
        f"{percent_interval(outside)} of the attribution lies outside the face: on hair, ears, neck, clothes and "
        f"background. These are {percent(area)} of what the network sees. "
    )
    if outside.high < area:
        return [Finding(text + "So, for its size, it looks at the face more than at the rest.", False)]
    if outside.low > area:
        return [Finding(text + "So, for its size, it looks at the rest more than at the face.", True)]
    return [Finding(text + "So there is no saying that, for its size, it looks more at the face.", True)]
