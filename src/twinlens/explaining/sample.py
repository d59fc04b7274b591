"""Figures of a random sample of pairs: how much of the attribution lies outside the face, and whether to believe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinlens.evaluation.intervals import bootstrap_mean, subject_bootstrap
from twinlens.explaining.deletion import Deletion
from twinlens.explaining.face_region import Regions
from twinlens.explaining.location import area_outside, locate
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.patches import GRID
from twinlens.explaining.record import SampleFigures, as_grid
from twinlens.types import Float64Array, Interval, Scores

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

    outside = [locate(changes, regions).outside for changes in photos]
    known = [(share, code) for share, code in zip(outside, subjects, strict=True) if share is not None]
    shares, codes = np.array([share for share, _ in known]), np.array([code for _, code in known])

    def over_pairs(values: Sequence[float]) -> Interval:
        first, second = subjects[0::2], subjects[1::2]
        pairs = Scores(np.array(values), first == second, first, second)
        return subject_bootstrap(pairs, {"mean": _weighted_mean}, _RESAMPLES, level, seed)["mean"]

    return SampleFigures(
        pairs=len(sample),
        outside=bootstrap_mean(shares, codes, _RESAMPLES, level, seed) if known else None,
        area_outside=area_outside(regions),
        salient=over_pairs([pair.deletion.salient for pair in sample]),
        random=over_pairs([pair.deletion.random for pair in sample]),
        level=level,
        mean=as_grid(_mean_map(photos)),
    )


def _weighted_mean(scores: Scores, weights: Float64Array) -> float:
    return float(np.average(scores.values, weights=weights))


def _mean_map(photos: Sequence[Float64Array]) -> Float64Array:
    weights = [np.abs(changes) for changes in photos]
    shares = [weight / weight.sum() for weight in weights if weight.any()]
    return np.mean(shares, axis=0) if shares else np.zeros((GRID, GRID))
