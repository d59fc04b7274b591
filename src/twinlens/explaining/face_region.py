"""Where a face and its parts lie in a crop.

The face is an ellipse from hairline to chin and from cheek to cheek, laid over the mean image of deep-funnelled LFW;
hair, ears, neck and clothes are outside. It follows the mean and not each face: a turned or tilted head reaches over
its edge. Tests hold it against the mean image and against the mean landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from twinlens.config import Frame
from twinlens.faces.frame import SIDE
from twinlens.images import to_crop
from twinlens.types import BoolArray, Float64Array

# Pixels of LFW's frame: the ellipse's middle and half axes, and the lines between the parts of a face.
CENTRE = (125, 130)
HALF_AXES = (50, 66)
_BROWS, _LIDS, _LIP = 98, 124, 150

_FACE = ("forehead", "eyes and brows", "nose and cheeks", "mouth and chin")
_ABOVE, _BELOW = "hair and surroundings", "neck and clothes"
_NINTHS = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")


@dataclass(frozen=True, eq=False)
class Regions:
    """A crop cut into parts.

    Attributes:
        parts: By name, which share of each pixel belongs to the part; float64 ``(height, width)`` in [0, 1]. They
            add up to 1.
        face: Which share of each pixel belongs to the face; none where nobody knows where the face is.
    """

    parts: dict[str, Float64Array]
    face: Float64Array | None


@lru_cache(maxsize=8)
def face_regions(frame: Frame) -> Regions:
    """The parts of a face in a crop of a photo that lies in LFW's frame."""
    x, y = np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5)
    inside = ((x - CENTRE[0]) / HALF_AXES[0]) ** 2 + ((y - CENTRE[1]) / HALF_AXES[1]) ** 2 <= 1
    band = np.digitize(y, (_BROWS, _LIDS, _LIP))
    parts = {name: _cropped(inside & (band == place), frame) for place, name in enumerate(_FACE)}
    parts |= {_ABOVE: _cropped(~inside & (y < _LIP), frame), _BELOW: _cropped(~inside & (y >= _LIP), frame)}
    return Regions(parts, _cropped(inside, frame))


@lru_cache(maxsize=8)
def ninths(frame: Frame) -> Regions:
    """The parts of a crop of which nothing is known: three rows of three."""
    y, x = np.mgrid[: frame.height, : frame.width]
    place = 3 * (3 * y // frame.height) + 3 * x // frame.width
    return Regions({name: (place == i).astype(np.float64) for i, name in enumerate(_NINTHS)}, None)


def _cropped(inside: BoolArray, frame: Frame) -> Float64Array:
    """A region of LFW's frame as the crop has it, by way of the one preprocessing."""
    picture = np.repeat(np.uint8(255) * inside[..., None], 3, axis=2)
    grey = frame.model_copy(update={"colour": "grey"})
    return np.asarray(to_crop(picture, grey)[..., 0] / 255, np.float64)
