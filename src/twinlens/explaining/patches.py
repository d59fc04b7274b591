"""The spots of a crop that are covered one after another, and what it means to cover one.

A spot is a disc with a soft edge, a fifth of the crop wide, and half of it overlaps with each neighbour. What it covers
is filled from the pixels around it. Both were chosen by deletion on validation pairs of LFW, with
tools/compare_covers.py. A hard edge is itself something to see, and so is grey, which moreover changes a dark face more
than a light one.
"""

from __future__ import annotations

import numpy as np

from twinlens.types import Float64Array, IntArray, UInt8Array

# Spots along each side of a crop.
GRID = 10
# Their numbers, row by row.
EVERY = np.arange(GRID**2)
# Radii in shares of a side: up to the first a spot covers wholly, beyond the second not at all.
_INNER, _OUTER = 0.07, 0.13
# How far around a pixel its surroundings reach: standard deviation of a Gaussian, in shares of a side.
_REACH = 0.15
# The same for the spots around a pixel of the map: half the way from one spot to the next.
_SMOOTH = 0.5 / GRID


def spots(height: int, width: int, numbers: IntArray = EVERY) -> Float64Array:
    """How much some spots cover of each pixel.

    Height and width count as equally long, as they do when a photo is squeezed into a crop.

    Args:
        height: Of the crop, in pixels.
        width: Of the crop, in pixels.
        numbers: int64 ``(n,)``, which spots.

    Returns:
        float64 ``(n, height, width)`` in [0, 1].
    """
    y, x = (_middles(GRID)[place].reshape(-1, 1, 1) for place in divmod(numbers, GRID))
    radius = np.hypot(_middles(height)[:, None] - y, _middles(width) - x)
    outside = np.clip((radius - _INNER) / (_OUTER - _INNER), 0, 1)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * outside), np.float64)


def spread(changes: Float64Array, height: int, width: int) -> Float64Array:
    """The map of a crop whose spots have these values; each pixel has the mean of all, the nearest counting most.

    Args:
        changes: float64 ``(GRID, GRID)``.
        height: Of the map, in pixels.
        width: Of the map, in pixels.

    Returns:
        float64 ``(height, width)``, between the smallest and the largest of ``changes``.
    """
    down, across = (_nearness(_middles(side), _middles(GRID), _SMOOTH) for side in (height, width))
    found: Float64Array = (down / down.sum(1, keepdims=True)) @ changes @ (across / across.sum(1, keepdims=True)).T
    return found


def covered(crop: UInt8Array, masks: Float64Array) -> UInt8Array:
    """A crop with something covered, once for each mask.

    What is covered takes the mean of all pixels that are not, the nearest counting most (normalised convolution).

    Args:
        crop: uint8 ``(height, width, channels)``.
        masks: float64 ``(n, height, width)`` in [0, 1], how much is covered; each leaves something uncovered.

    Returns:
        uint8 ``(n, height, width, channels)``.

    References:
        H. Knutsson and C.-F. Westin (1993), Normalized and differential convolution, CVPR.
    """
    height, width, _ = crop.shape
    down, across = (_nearness(_middles(side), _middles(side), _REACH) for side in (height, width))
    planes, seen = np.moveaxis(crop, -1, 0).astype(np.float64), 1 - masks[:, None]
    around = (down @ (seen * planes) @ across) / (down @ seen @ across)
    mixed = seen * planes + (1 - seen) * around
    return np.ascontiguousarray(np.moveaxis(np.rint(mixed), 1, -1)).astype(np.uint8)


def _middles(count: int) -> Float64Array:
    """The middles of ``count`` equal parts of a side, which is 1 long."""
    return (np.arange(count) + 0.5) / count


def _nearness(there: Float64Array, here: Float64Array, reach: float) -> Float64Array:
    """How much each place ``here`` counts for each one ``there``: a Gaussian of the distance."""
    return np.asarray(np.exp(-0.5 * ((there[:, None] - here) / reach) ** 2), np.float64)
