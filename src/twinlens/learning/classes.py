"""Which training photos are of one class, as far as the setting lets one know."""

from __future__ import annotations

import numpy as np

from twinlens.config.data import TURNS, Identities, Setting
from twinlens.data.components import sample_components
from twinlens.data.dataset import Partition
from twinlens.errors import TrainingError
from twinlens.types import IntArray, Pairs


def class_labels(partition: Partition, setting: Setting, *, photos: bool = False) -> IntArray:
    """The class of each training sample, from 0 without gaps; int64, one per ``partition.train.samples``.

    With rotations four times as many: those of the samples as they are, then of all of them turned by a quarter, a half
    and three quarters.

    With identities a class is a subject. Where only pairs are known it is what listed genuine pairs join; a photo
    without one is a class by itself. Some of these classes then show one person, which costs a little and which
    nobody may look up.

    Args:
        partition: Its training part is used.
        setting: What may be known of it.
        photos: Know nothing: each photo is a class by itself.

    Raises:
        TrainingError: All photos are of one class.
    """
    samples = partition.train.samples
    known = np.arange(len(samples)) if photos else _known(partition, setting)
    classes, labels = np.unique(known, return_inverse=True)
    if len(classes) < 2:
        raise TrainingError("All training photos are of one class.", "Add photos of others, or take a loss over pairs.")
    labels = labels.astype(np.int64)
    if isinstance(setting, Identities) and setting.rotations:
        return np.concatenate([labels + turn * len(classes) for turn in range(TURNS)])
    return labels


def _known(partition: Partition, setting: Setting) -> IntArray:
    """Equal numbers for training samples that are known to show one subject."""
    samples, pairs = partition.train.samples, partition.train.pairs
    if isinstance(setting, Identities):
        return partition.dataset.subject_codes[samples]
    first, second = (np.searchsorted(samples, side) for side in (pairs.first, pairs.second))
    return sample_components(Pairs(first, second, pairs.is_genuine), len(samples))
