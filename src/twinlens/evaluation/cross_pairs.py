"""Which validation samples are compared for thresholds, beyond the pairs that are listed."""

from __future__ import annotations

import numpy as np

from twinlens.data.components import told_apart
from twinlens.data.dataset import Dataset, Part
from twinlens.types import IntArray

# Half a million impostor pairs at most, and nobody in more than 45 genuine ones.
_MOST_SAMPLES = 1000
_MOST_PER_SUBJECT = 10
_MOST_PAIRS = 500_000


def representative(subject_codes: IntArray, seed: int) -> IntArray:
    """Sorted positions of the samples to compare with each other: ten of a subject, a thousand in all, at most."""
    return np.sort(_ten_of_each(subject_codes, seed)[:_MOST_SAMPLES])


def told_apart_pairs(dataset: Dataset, part: Part, seed: int) -> tuple[IntArray, IntArray]:
    """The pairs of different subjects where a list of pairs is all that tells who is who.

    Two photos that no pair joins may show one person, so only those count that impostor pairs tell apart: ten samples
    of a subject at most, each with each of the other's, and half a million pairs drawn where there are more.

    Returns:
        Positions in ``part.samples`` of the first and of the second sample, int64 ``(n,)`` each.
    """
    codes, impostor = dataset.subject_codes, part.pairs[~part.pairs.is_genuine]
    chosen = np.sort(_ten_of_each(codes[part.samples], seed))
    first, second = told_apart(codes[part.samples[chosen]], codes[impostor.first], codes[impostor.second])
    if len(first) > _MOST_PAIRS:
        drawn = np.sort(np.random.default_rng(seed).choice(len(first), _MOST_PAIRS, replace=False))
        first, second = first[drawn], second[drawn]
    return chosen[first], chosen[second]


def _ten_of_each(subject_codes: IntArray, seed: int) -> IntArray:
    """Positions of ten samples of each subject at most, in random order."""
    order = np.random.default_rng(seed).permutation(len(subject_codes))
    _, codes, sizes = np.unique(subject_codes[order], return_inverse=True, return_counts=True)
    # How many samples of the same subject come earlier in the random order.
    by_subject = np.argsort(codes, kind="stable")
    earlier = np.empty(len(order), np.int64)
    earlier[by_subject] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order[earlier < _MOST_PER_SUBJECT]
