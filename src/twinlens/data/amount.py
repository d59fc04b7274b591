"""How much data there is, before anything is cut off and without opening a photo."""

from __future__ import annotations

import numpy as np

from twinlens.config.sizing_rule import Amount
from twinlens.data.dataset import Dataset


def amount_of(dataset: Dataset, pairs: int = 0) -> Amount:
    """Count subjects and photos; of a list of so many pairs a subject is what its genuine pairs join."""
    photos = np.unique(dataset.subject_codes, return_counts=True)[1]
    comparable = int(np.count_nonzero(photos > 1))
    return Amount(subjects=len(photos), comparable=comparable, photos=len(dataset), pairs=pairs)
