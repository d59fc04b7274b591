"""The frame of deep-funnelled LFW: where the landmarks of a face lie in its 250 by 250 pixels, on average.

``lfw.json`` is made by ``tools/mean_landmarks.py``.

References:
    G. B. Huang, M. Mattar, H. Lee and E. Learned-Miller (2012), Learning to align from scratch, NIPS.
    S. Umeyama (1991), Least-squares estimation of transformation parameters between two point patterns, IEEE
    Transactions on Pattern Analysis and Machine Intelligence 13.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from PIL import Image

from twinlens.types import Float64Array, UInt8Array

SIDE = 250


@cache
def lfw_statistics() -> dict[str, Any]:
    """What was measured on LFW: counts, landmarks and the spread of the quality measures."""
    content: dict[str, Any] = json.loads((files("twinlens.faces") / "lfw.json").read_text(encoding="utf-8"))
    return content


def mean_landmarks() -> Float64Array:
    """Mean landmarks of deep-funnelled LFW, float64 ``(5, 2)``: x and y in pixels of its frame."""
    return np.array([[landmark["x"], landmark["y"]] for landmark in lfw_statistics()["landmarks"]])


def similarity(source: Float64Array, target: Float64Array) -> tuple[complex, complex]:
    """The rotation, scale and shift that brings ``source`` nearest to ``target``, in least squares.

    Args:
        source: float64 ``(n, 2)`` points, at least two of them different.
        target: float64 ``(n, 2)``, where each should go.

    Returns:
        ``a`` and ``b``: with points as complex numbers x + iy, a point p goes to ``a·p + b``. The absolute value
        of ``a`` is the scale, its angle the rotation; a reflection cannot be written so.
    """
    p, q = (points[:, 0] + 1j * points[:, 1] for points in (source, target))
    (a, b), *_ = np.linalg.lstsq(np.stack([p, np.ones(len(p))], axis=1), q)
    return complex(a), complex(b)


def aligned(rgb: UInt8Array, landmarks: Float64Array) -> UInt8Array:
    """The photo in LFW's frame: turned, scaled and shifted until its landmarks are where LFW's are on average.

    Args:
        rgb: uint8 ``(height, width, 3)``.
        landmarks: float64 ``(5, 2)`` of the face in it.

    Returns:
        uint8 ``(250, 250, 3)``; what lies outside of the photo is black, as it is in deep-funnelled LFW.
    """
    a, b = similarity(landmarks, mean_landmarks())
    # Bicubic interpolation looks at 4 by 4 pixels, so a much larger photo is averaged first, lest it alias.
    factor = max(1, int(1 / abs(a)))
    # Landmarks count from the centre of the first pixel, Pillow from its corner; and it asks where pixels come from.
    half = 0.5 + 0.5j
    back = 1 / (a * factor)
    start = -back * (b + half - a * half)
    coefficients = (back.real, -back.imag, start.real, back.imag, back.real, start.imag)
    photo = Image.fromarray(rgb).reduce(factor)
    framed = photo.transform((SIDE, SIDE), Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)
    return np.asarray(framed)
