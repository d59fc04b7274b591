"""Encoders whose attention is known, so that an explanation of them can be wrong."""

import numpy as np

from twinlens.comparison import WeightedL1
from twinlens.types import Float32Array, UInt8Array

SHAPE = (40, 40, 1)
# Where the attentive encoder looks: rows and columns of the crop.
PLACE = (slice(8, 16), slice(24, 32))

COMPARISON = WeightedL1(weights=(1.0,), bias=0.0)


def attentive(crops: UInt8Array) -> Float32Array:
    """One number per crop: the contrast within one square of it, and nothing else."""
    return crops[:, *PLACE].std(axis=(1, 2, 3)).astype(np.float32)[:, None]


def blind(crops: UInt8Array) -> Float32Array:
    """The same embedding for every crop."""
    return np.ones((len(crops), 1), np.float32)


def noise(seed: int, shape: tuple[int, int, int] = SHAPE) -> UInt8Array:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
