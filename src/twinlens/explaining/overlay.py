"""What drove a decision, laid over the photo: blue speaks for a match, orange against it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from twinlens.config import Frame
from twinlens.explaining.patches import spread
from twinlens.types import Float64Array, UInt8Array

# From the palette of M. Okabe and K. Ito (2008), Color universal design: told apart by colour-blind readers, too.
FOR, AGAINST = (0, 114, 178), (213, 94, 0)
# How dark a photo stays under the colours, and how much of it they hide at most.
_FADE = 0.45
_STRONGEST = 0.9
# Below 1, so that what is weak can be seen at all; the scale shows the same.
_BEND = 0.75


def overlay(photo: UInt8Array, changes: Float64Array, limit: float) -> Image.Image:
    """A photo in pale grey under the map of what its spots are worth.

    Args:
        photo: What the network saw, at any size; uint8 ``(height, width, 3)``.
        changes: float64 ``(GRID, GRID)``, by how much covering each spot lowers the score.
        limit: The change that gets the full colour; 0 for a photo without any.
    """
    height, width = photo.shape[:2]
    values = spread(changes, height, width)
    grey = np.asarray(Image.fromarray(photo).convert("L"), np.float64)[..., None]
    pale = 255 - _FADE * (255 - grey)
    strength = np.clip(values / limit, -1, 1) if limit > 0 else np.zeros_like(values)
    return Image.fromarray(np.rint(_tinted(pale, strength[..., None])).astype(np.uint8))


def enlarged(frame: Frame, photo: tuple[int, int], side: int) -> Frame:
    """What the network sees of a photo, in colour, undistorted and ``side`` pixels long, to be laid an overlay over.

    Args:
        frame: How a photo becomes the crop.
        photo: Height and width of the photo.
        side: Longer side of the result.
    """
    sides = frame.crop_height * photo[0], frame.crop_width * photo[1]
    height, width = (max(1, round(side * length / max(sides))) for length in sides)
    return frame.model_copy(update={"height": height, "width": width, "colour": "rgb"})


def scale(width: int, height: int) -> Image.Image:
    """The colours of :func:`overlay` on middle grey, from most against a match (left) to most for it (right)."""
    strength = np.repeat(np.linspace(-1, 1, width)[None, :, None], height, axis=0)
    pale = np.full((height, width, 1), 255 - _FADE * 127)
    return Image.fromarray(np.rint(_tinted(pale, strength)).astype(np.uint8))


def _tinted(pale: Float64Array, strength: Float64Array) -> Float64Array:
    colour = np.where(strength > 0, FOR, AGAINST)
    hidden = _STRONGEST * np.abs(strength) ** _BEND
    return (1 - hidden) * pale + hidden * colour
