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


Comparison = Annotated[Cosine | WeightedL1 | Euclidean, Field(discriminator="kind")]


def _unit(embeddings: Float32Array) -> Float64Array:
    wide = np.asarray(embeddings, np.float64)
    norm = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(norm > 0, norm, 1)
