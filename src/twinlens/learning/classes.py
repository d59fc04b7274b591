"""Which training photos are of one class, as far as the setting lets one know."""

from __future__ import annotations

import numpy as np

from twinlens.config.data import Identities, Setting
from twinlens.data.components import sample_components
from twinlens.data.dataset import Partition
from twinlens.errors import TrainingError
from twinlens.types import IntArray, Pairs

_TURNS = 4  # quarter turns until a crop is upright again


def class_labels(partition: Partition, setting: Setting) -> IntArray:
    """The class of each training sample, from 0 without gaps; int64, one per ``partition.train.samples``.

    With rotations four times as many: those of the samples as they are, then of all of them turned by a quarter, a half
    and three quarters.

    With identities a class is a subject. Where only pairs are known it is what listed genuine pairs join; a photo
    without one is a class by itself. Some of these classes then show one person, which costs a little and which
    nobody may look up.

    Raises:
        TrainingError: All photos are of one class.
    """
    samples, pairs = partition.train.samples, partition.train.pairs
    if isinstance(setting, Identities):
        known = partition.dataset.subject_codes[samples]
    else:
        first, second = (np.searchsorted(samples, side) for side in (pairs.first, pairs.second))
        known = sample_components(Pairs(first, second, pairs.is_genuine), len(samples))
    classes, labels = np.unique(known, return_inverse=True)
    if len(classes) < 2:
        raise TrainingError("All training photos are of one class.", "Add photos of others, or take a loss over pairs.")
    labels = labels.astype(np.int64)
    if isinstance(setting, Identities) and setting.rotations:
        return np.concatenate([labels + turn * len(classes) for turn in range(_TURNS)])
    return labels
