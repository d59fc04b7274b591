"""How photos of one class vary, and how classes do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinlens.errors import TrainingError
from twinlens.types import BoolArray, Float64Array, IntArray


class Covariances(NamedTuple):
    """Of vectors around their classes' means, and of these means; float64 ``(d, d)`` each, symmetric.

    Attributes:
        within: Without bias; positive semidefinite.
        between: Of the means themselves, without what they vary because classes are small; may be indefinite.
    """

    within: Float64Array
    between: Float64Array


def repeated(labels: IntArray) -> BoolArray:
    """Which of the labels, int64 ``(n,)`` from 0 without gaps, belong to a class of two or more."""
    several: BoolArray = np.bincount(labels)[labels] > 1
    return several


def refuse_few(labels: IntArray, fewest: int) -> None:
    """Say that too little is known of how photos of one class vary, if there are not so many differences.

    Raises:
        TrainingError: There are fewer.
    """
    if (known := freedom(labels)) < fewest:
        only = f"Only {known} differences between training photos of one class are known"
        raise TrainingError(
            f"{only if known else 'No two training photos are known to be of one class'}, so how photos of one vary "
            "cannot be measured.",
            "Add photos of the same subjects, or list genuine pairs. Or take metric kind pca, or the network alone: "
            "--set fusion.kind=none --set metric.kind=none.",
        )


def freedom(labels: IntArray) -> int:
    """How many independent differences within classes there are."""
    several = labels[repeated(labels)]
    return len(several) - len(np.unique(several))


def covariances(vectors: Float64Array, labels: IntArray) -> Covariances:
    """Both covariances by moments.

    Args:
        vectors: float64 ``(n, d)``.
        labels: int64 ``(n,)``, the class of each, from 0 without gaps; at least two classes.

    Raises:
        TrainingError: No class has two vectors.

    References:
        S. R. Searle, G. Casella and C. E. McCulloch (1992), Variance components, section 3.6.
    """
    refuse_few(labels, 1)
    sizes = np.bincount(labels)
    sums = np.zeros((len(sizes), vectors.shape[1]))
    np.add.at(sums, labels, vectors)
    means = sums / sizes[:, None]
    rest = vectors - means[labels]
    within = rest.T @ rest / freedom(labels)
    # A mean over k vectors varies by the k-th part of what they vary themselves.
    between = np.atleast_2d(np.cov(means.T)) - within * np.mean(1 / sizes)
    return Covariances(within, between)


def shrunk(covariance: Float64Array, share: float) -> Float64Array:
    """The covariance with a ``share`` of it replaced by that of a sphere of the same total variance."""
    dim = len(covariance)
    sphere: Float64Array = np.eye(dim) * np.trace(covariance) / dim
    return (1 - share) * covariance + share * sphere
