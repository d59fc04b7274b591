"""The few strokes that everything is painted with: soft masks, bumps, textures, and laying paint over paint."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

# A number per pixel, (h, w) or (3, h, w): float32, though type checkers think that 2.0 * float32 is wider.
Plane = npt.NDArray[np.floating[Any]]
Light = float | Plane
Box = tuple[int, int, int, int]  # top, bottom, left, right, in pixels from the middle of the photo


def window(image: Plane, box: Box) -> Plane:
    """A view of part of ``(..., h, w)``: painting only where a feature can be keeps a portrait quick."""
    top, bottom, left, right = box
    middle_y, middle_x = image.shape[-2] // 2, image.shape[-1] // 2
    part: Plane = image[..., middle_y + top : middle_y + bottom, middle_x + left : middle_x + right]
    return part


def inside(distance: Plane, softness: float = 0.8) -> Plane:
    """1 where the signed distance (pixels, positive inside) is well above 0, 0 well below, soft between."""
    return np.asarray(np.clip(0.5 + distance / (2 * softness), 0, 1))


def bump(x: Plane, y: Plane, width: float, height: float) -> Plane:
    """A Gaussian hill of height 1 around the origin of ``x`` and ``y``."""
    return np.asarray(np.exp(-0.5 * ((x / width) ** 2 + (y / height) ** 2)))


def paint(canvas: Plane, mask: Plane, colour: npt.ArrayLike, light: Light = 1.0) -> None:
    """Lay paint over the canvas.

    Args:
        canvas: float32 ``(3, h, w)``, changed in place.
        mask: float32 ``(h, w)``, how much of the paint covers the canvas, 0..1.
        colour: One colour ``(3,)`` or an image ``(3, h, w)``.
        light: What the colour is multiplied by; a number or float32 ``(h, w)``.
    """
    layer = np.asarray(colour, np.float32)
    canvas += mask * ((layer if layer.ndim == 3 else layer[:, None, None]) * np.float32(light) - canvas)


def texture(rng: np.random.Generator, shape: tuple[int, ...], cell: tuple[float, float]) -> Plane:
    """Smooth noise about 0 with standard deviation near 1; ``cell`` is the size of its grains (y, x)."""
    height, width = shape
    small = rng.standard_normal((int(height / cell[0]) + 2, int(width / cell[1]) + 2), np.float32)
    grown = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(grown)
