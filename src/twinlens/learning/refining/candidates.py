"""The spaces among which validation pairs choose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from twinlens.config.refinement import FittedMetric
from twinlens.learning.refining.apart import SpacesApart, join_spaces
from twinlens.learning.refining.spaces import Fitting, Space, choices
from twinlens.types import Float32Array, IntArray


class Candidate(NamedTuple):
    """A space that may be chosen.

    Attributes:
        space: The space, or one for each part of the features.
        dims: Its principal components; the most that one of several has.
        shrinkage: Of the covariance within classes; none where that is not needed.
    """

    space: Space | SpacesApart
    dims: int
    shrinkage: float | None


def candidates(
    features: Float32Array, labels: IntArray, config: FittedMetric, seed: int, parts: Sequence[IntArray] = ()
) -> Iterator[Candidate]:
    """Fit a space for every number of dimensions and every shrinkage of ``config``.

    Args:
        features: float32 ``(n, D)``, of training photos.
        labels: int64 ``(n,)``, the class of each as far as the setting lets one know, from 0 without gaps.
        config: What is fitted. Numbers of dimensions that the photos do not allow are lowered to what they do.
        seed: Equal seeds give equal spaces.
        parts: Features that have a space of their own, int64 each; all are in one if there are none.

    Raises:
        TrainingError: The photos are too few, or all alike.
    """
    chosen = [features[:, part] for part in parts] or [features]
    fittings = [Fitting(some, labels, config, seed) for some in chosen]
    for dims, shrinkage in choices(config, max(fitting.most for fitting in fittings)):
        spaces = [fitting(dims, shrinkage) for fitting in fittings]
        space = join_spaces(spaces, parts, features) if parts else spaces[0]
        yield Candidate(space, dims, shrinkage)
