"""Points moved as a similarity says."""

import numpy as np

from twinlens.types import Float64Array


def transformed(points: Float64Array, transform: tuple[complex, complex]) -> Float64Array:
    """Where a similarity takes points, float64 ``(n, 2)``."""
    a, b = transform
    moved = a * (points[:, 0] + 1j * points[:, 1]) + b
    return np.stack([moved.real, moved.imag], axis=1)
