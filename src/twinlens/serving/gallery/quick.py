"""Scores of a probe with very many embeddings, in single precision, with a bound on how wrong they are.

Whoever takes the best of them scores those again that may be among the best.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twinlens.comparison import Comparison, Cosine, WeightedL1
from twinlens.types import Float32Array, Float64Array

# Half the distance of 1 to the next float32.
_ROUNDING = 2.0**-24
# Roundings of a sum of products beside the one of each product: of lengths, weights, differences and the result.
_MORE = 8
# Length from which on numbers are far enough from the smallest that float32 knows, and from the largest.
_SHORTEST = 1e-25
# Embeddings that are compared at once: few enough that their differences stay in the processor's cache.
_BLOCK = 512


def inverse_lengths(embeddings: Float32Array) -> Float32Array:
    """One over the length of each embedding, float32 ``(n,)``, for :func:`quick_scores`.

    0 for an embedding that is all zeros; infinite for one that is so short or long that single precision does not do.
    """
    lengths = np.linalg.norm(embeddings.astype(np.float64), axis=1)
    usual = (lengths > _SHORTEST) & (lengths < 1 / _SHORTEST)
    inverse = np.where(lengths == 0, 0.0, np.inf)
    return np.asarray(np.divide(1, lengths, out=inverse, where=usual), np.float32)


def quick_scores(
    probe: Float32Array, embeddings: Float32Array, inverses: Float32Array, comparison: Comparison
) -> tuple[Float64Array, float]:
    """A score for each embedding.

    Args:
        probe: float32 ``(dim,)``.
        embeddings: float32 ``(n, dim)``.
        inverses: float32 ``(n,)``, of :func:`inverse_lengths`.
        comparison: What the scores are of.

    Returns:
        float64 ``(n,)``, and by how much each may differ from what ``comparison`` gives.
    """
    bound = (len(probe) + _MORE) * _ROUNDING
    if isinstance(comparison, Cosine):
        return _cosines(probe, embeddings, inverses, comparison), bound
    if isinstance(comparison, WeightedL1):
        weights = np.array(comparison.weights)
        both = np.stack([weights, np.abs(weights)], axis=1).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            sums = [np.empty((0, 2)), *(np.abs(block - probe) @ both for block in blocks(embeddings))]
        differences, magnitudes = np.concatenate(sums).T
        # Weights may cancel out, so what the roundings are a share of is the sum of the magnitudes.
        if np.isfinite(magnitudes).all():
            return comparison.bias - differences, bound * float(magnitudes.max(initial=0))
    return _exact(probe, embeddings, comparison), 0.0


def _cosines(probe: Float32Array, embeddings: Float32Array, inverses: Float32Array, comparison: Cosine) -> Float64Array:
    wide = probe.astype(np.float64)
    unit = (wide / (np.linalg.norm(wide) or 1)).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        # In whatever order a sum is taken, it is off by so many roundings of the product of both lengths, which is 1.
        scores = (embeddings @ unit * inverses).astype(np.float64)
    unusual = np.isinf(inverses)
    if unusual.any():
        scores[unusual] = _exact(probe, embeddings[unusual], comparison)
    return scores


def _exact(probe: Float32Array, embeddings: Float32Array, comparison: Comparison) -> Float64Array:
    scores = [comparison.matrix(probe[None], block)[0] for block in blocks(embeddings)]
    return np.concatenate([np.empty(0), *scores])


def blocks(embeddings: Float32Array) -> Iterator[Float32Array]:
    """The embeddings, some at a time."""
    return (embeddings[start : start + _BLOCK] for start in range(0, len(embeddings), _BLOCK))
