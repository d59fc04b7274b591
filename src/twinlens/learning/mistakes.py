"""Which validation pairs the network is most wrong about, as pictures to watch while it learns."""

from __future__ import annotations

import numpy as np

from twinlens.types import Float64Array, IntArray, Pairs, UInt8Array

_SHOWN = 8
_SIDE = 64  # pixels; a picture of every epoch is kept


def mistake_strips(crops: UInt8Array, pairs: Pairs, scores: Float64Array) -> dict[str, UInt8Array]:
    """The genuine pairs with the lowest and the impostor pairs with the highest scores, the worst first.

    Args:
        crops: uint8 ``(n, height, width, channels)``.
        pairs: Their samples are rows of ``crops``.
        scores: float64 ``(m,)``, of every pair.

    Returns:
        By what they show, uint8 ``(2 · h, k · w, channels)``: the two crops of a pair one above the other.
    """
    ranked = np.argsort(scores, kind="stable")
    genuine = pairs.is_genuine[ranked]
    return {
        "genuine pairs with the lowest scores": _strip(crops, pairs[ranked[genuine][:_SHOWN]]),
        "impostor pairs with the highest scores": _strip(crops, pairs[ranked[~genuine][::-1][:_SHOWN]]),
    }


def _strip(crops: UInt8Array, pairs: Pairs) -> UInt8Array:
    return np.concatenate([_row(crops, pairs.first), _row(crops, pairs.second)])


def _row(crops: UInt8Array, samples: IntArray) -> UInt8Array:
    """The crops side by side; large ones by every second or third pixel, which is enough to recognise them."""
    step = max(1, min(crops.shape[1:3]) // _SIDE)
    return np.concatenate([crops[sample, ::step, ::step] for sample in samples], axis=1)
