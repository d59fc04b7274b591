"""How bright and how sharp crops are."""

from __future__ import annotations

import numpy as np

from twinlens.types import Float32Array, IntArray, UInt8Array

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_ROWS = 512  # crops widened to floating point at a time


def luma(crops: UInt8Array) -> Float32Array:
    """Brightness per pixel, float32 ``(n, height, width)`` in 0..255, of grey or RGB crops."""
    wide = crops.astype(np.float32)
    return wide[..., 0] if crops.shape[-1] == 1 else wide @ _LUMA


def brightness_and_sharpness(crops: UInt8Array, samples: IntArray) -> tuple[Float32Array, Float32Array]:
    """Two figures for each of some samples, float32 ``(m,)``.

    Brightness is the mean luma, 0 (black) to 1 (white). Sharpness is the standard deviation of the discrete
    Laplacian over that of the crop itself: blur lowers it, contrast does not change it, and of a blank crop it
    is 0.

    Args:
        crops: uint8 ``(n, height, width, channels)`` with at least 3 × 3 pixels.
        samples: int64 ``(m,)``.
    """
    batches = (samples[start : start + _ROWS] for start in range(0, len(samples), _ROWS))
    figures = [_measure(luma(crops[batch])) for batch in batches]
    bright, sharp = np.concatenate(figures, axis=1) if figures else np.empty((2, 0), np.float32)
    return bright, sharp


def _measure(grey: Float32Array) -> Float32Array:
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    edges = (around - 4 * grey[:, 1:-1, 1:-1]).std(axis=(1, 2))
    contrast = grey.std(axis=(1, 2))
    sharp = np.divide(edges, contrast, out=np.zeros_like(edges), where=contrast > 1e-3)
    return np.stack([grey.mean(axis=(1, 2)) / 255, sharp])
