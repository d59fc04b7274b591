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
# Embeddings that are compared at once: few enough that their differences stay in the processor's cache.
_BLOCK = 512


def quick_scores(
    probe: Float32Array, embeddings: Float32Array, inverse_norms: Float32Array, comparison: Comparison
) -> tuple[Float64Array, float]:
    """A score for each embedding.

    Args:
        probe: float32 ``(dim,)``.
        embeddings: float32 ``(n, dim)``.
        inverse_norms: float32 ``(n,)``, one over the length of each; 0 for one that is all zeros.
        comparison: What the scores are of.

    Returns:
        float64 ``(n,)``, and by how much each may differ from what ``comparison`` gives.
    """
    bound = (len(probe) + _MORE) * _ROUNDING
    if isinstance(comparison, Cosine):
        length = float(np.linalg.norm(probe.astype(np.float64)))
        unit = (probe / length if length else probe).astype(np.float32)
        # In whatever order a sum is taken, it is off by so many roundings of the product of both lengths, which is 1.
        return (embeddings @ unit * inverse_norms).astype(np.float64), bound
    if isinstance(comparison, WeightedL1):
        weights = np.array(comparison.weights)
        both = np.stack([weights, np.abs(weights)], axis=1).astype(np.float32)
        sums = np.concatenate([np.empty((0, 2)), *(np.abs(block - probe) @ both for block in blocks(embeddings))])
        # Weights may cancel out, so what the roundings are a share of is the sum of the magnitudes.
        return comparison.bias - sums[:, 0], bound * float(sums[:, 1].max(initial=0))
    scores = [comparison.matrix(probe[None], block)[0] for block in blocks(embeddings)]
    return np.concatenate([np.empty(0), *scores]), 0.0


def blocks(embeddings: Float32Array) -> Iterator[Float32Array]:
    """The embeddings, some at a time."""
    return (embeddings[start : start + _BLOCK] for start in range(0, len(embeddings), _BLOCK))
