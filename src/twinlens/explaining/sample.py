"""Figures of a random sample of pairs: how much of the attribution lies outside the face, and whether to believe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinlens.evaluation.intervals import bootstrap_mean
from twinlens.explaining.deletion import Deletion
from twinlens.explaining.face_region import Regions
from twinlens.explaining.location import area_outside, locate
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.patches import GRID
from twinlens.explaining.record import SampleFigures, as_grid
from twinlens.types import Float64Array, IntArray, Interval

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """A pair of the sample.

    Attributes:
        saliency: What drove its score.
        deletion: What covering it did.
        subjects: Codes of the subjects of its two photos.
    """

    saliency: Saliency
    deletion: Deletion
    subjects: tuple[int, int]


def summarise(sample: Sequence[Sampled], regions: Regions, level: float, seed: int) -> SampleFigures:
    """Figures of a sample with intervals over resampled subjects.

    Args:
        sample: At least one pair.
        regions: The parts of the crops.
        level: Of the intervals.
        seed: Of the resamples.
    """
    photos = [changes for pair in sample for changes in (pair.saliency.first, pair.saliency.second)]
    subjects = np.array([code for pair in sample for code in pair.subjects])

    def mean(values: Sequence[float], codes: IntArray) -> Interval:
        return bootstrap_mean(np.array(values), codes, _RESAMPLES, level, seed)

    outside = [locate(changes, regions).outside for changes in photos]
    known = [(share, code) for share, code in zip(outside, subjects, strict=True) if share is not None]
    # A pair's figure counts for each of its two subjects.
    salient = [pair.deletion.salient for pair in sample for _ in pair.subjects]
    random = [pair.deletion.random for pair in sample for _ in pair.subjects]
    return SampleFigures(
        pairs=len(sample),
        outside=mean([share for share, _ in known], np.array([code for _, code in known])) if known else None,
        area_outside=area_outside(regions),
        salient=mean(salient, subjects),
        random=mean(random, subjects),
        level=level,
        mean=as_grid(_mean_map(photos)),
    )


def _mean_map(photos: Sequence[Float64Array]) -> Float64Array:
    weights = [np.abs(changes) for changes in photos]
    shares = [weight / weight.sum() for weight in weights if weight.any()]
    return np.mean(shares, axis=0) if shares else np.zeros((GRID, GRID))
