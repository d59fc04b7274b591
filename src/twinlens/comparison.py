"""How alike two embeddings are; the only place that knows what a distance is.

Every comparison returns similarities: higher is more alike, and swapping the two sides changes nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.distance import cdist

from twinlens.types import Float32Array, Float64Array


class Cosine(BaseModel):
    """Cosine of the angle between two embeddings, in [-1, 1]; an all-zero embedding is like nothing (0)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["cosine"] = "cosine"

    def pairs(self, first: Float32Array, second: Float32Array) -> Float64Array:
        """Scores of ``first[i]`` with ``second[i]``; float32 ``(n, dim)`` each, gives float64 ``(n,)``."""
        return np.asarray(np.einsum("nd,nd->n", _unit(first), _unit(second)), np.float64)

    def matrix(self, first: Float32Array, second: Float32Array) -> Float64Array:
        """Scores of all of ``first`` ``(n, dim)`` with all of ``second`` ``(m, dim)``; float64 ``(n, m)``."""
        return _unit(first) @ _unit(second).T


class WeightedL1(BaseModel):
    """The paper's learned comparison: the logit ``bias − Σⱼ weightⱼ·|aⱼ − bⱼ|`` of "same subject".

    Attributes:
        weights: One per embedding dimension. Training leaves most positive (a difference speaks against a
            match), but the paper does not force them to be, and neither does this.
        bias: The score of an embedding with itself.

    References:
        G. Koch, R. Zemel and R. Salakhutdinov (2015), Siamese neural networks for one-shot image
        recognition, section 3.1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["weighted-l1"] = "weighted-l1"
    weights: tuple[float, ...]
    bias: float

    def pairs(self, first: Float32Array, second: Float32Array) -> Float64Array:
        """Scores of ``first[i]`` with ``second[i]``; float32 ``(n, dim)`` each, gives float64 ``(n,)``."""
        distance = np.abs(np.asarray(first, np.float64) - second) @ np.array(self.weights)
        return np.asarray(self.bias - distance, np.float64)

    def matrix(self, first: Float32Array, second: Float32Array) -> Float64Array:
        """Scores of all of ``first`` ``(n, dim)`` with all of ``second`` ``(m, dim)``; float64 ``(n, m)``."""
        weights = np.array(self.weights)
        scores = np.full((len(first), len(second)), self.bias)
        # |w|·|a − b| = |w·a − w·b|, so each sign of weight is one plain city-block distance.
        for sign in (1, -1):
            chosen = np.sign(weights) == sign
            if chosen.any():
                scaled = np.abs(weights[chosen])
                scores -= sign * cdist(first[:, chosen] * scaled, second[:, chosen] * scaled, "cityblock")
        return scores


class Euclidean(BaseModel):
    """Minus the Euclidean distance of two embeddings: 0 for equal ones, and less the further they are apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["euclidean"] = "euclidean"

    def pairs(self, first: Float32Array, second: Float32Array) -> Float64Array:
        """Scores of ``first[i]`` with ``second[i]``; float32 ``(n, dim)`` each, gives float64 ``(n,)``."""
        return np.asarray(-np.linalg.norm(np.asarray(first, np.float64) - second, axis=1), np.float64)

    def matrix(self, first: Float32Array, second: Float32Array) -> Float64Array:
        """Scores of all of ``first`` ``(n, dim)`` with all of ``second`` ``(m, dim)``; float64 ``(n, m)``."""
        return np.asarray(-cdist(first, second), np.float64)


class Plda(BaseModel):
    """What two Gaussian covariances, within and between subjects, say of two embeddings: ``a·b − aₗ − bₗ``.

    The log-likelihood ratio of "same subject" is a sum over dimensions of a product of both sides less a term of each
    side alone. An embedding has the former scaled so that the weights of all products are 1, and ends in the latter,
    ``aₗ``, which is no part of the product. So is a weighted sum of such ratios and of cosines, whose own terms are 0:
    several models joined are compared by this as well.

    Every orthogonal map of all dimensions but the last keeps every score. The most similar of many is also that with
    the largest inner product with the probe, once the probe's last number is replaced by −1.

    References:
        S. Ioffe (2006), Probabilistic linear discriminant analysis, ECCV.
        N. Brümmer and E. de Villiers (2010), The speaker partitioning problem, Odyssey: the two-covariance model.
        D. Chen, X. Cao, L. Wang, F. Wen and J. Sun (2012), Bayesian face revisited: a joint formulation, ECCV.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["plda"] = "plda"

    def pairs(self, first: Float32Array, second: Float32Array) -> Float64Array:
        """Scores of ``first[i]`` with ``second[i]``; float32 ``(n, dim)`` each, gives float64 ``(n,)``."""
        a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
        products = np.einsum("nd,nd->n", a[:, :-1], b[:, :-1])
        return np.asarray(products - (a[:, -1] + b[:, -1]), np.float64)

    def matrix(self, first: Float32Array, second: Float32Array) -> Float64Array:
        """Scores of all of ``first`` ``(n, dim)`` with all of ``second`` ``(m, dim)``; float64 ``(n, m)``."""
        a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
        return np.asarray(a[:, :-1] @ b[:, :-1].T - (a[:, -1:] + b[:, -1]), np.float64)


Comparison = Annotated[Cosine | WeightedL1 | Euclidean | Plda, Field(discriminator="kind")]


def _unit(embeddings: Float32Array) -> Float64Array:
    wide = np.asarray(embeddings, np.float64)
    norm = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(norm > 0, norm, 1)
