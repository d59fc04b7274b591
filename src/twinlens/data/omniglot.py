"""Omniglot: handwritten characters of fifty alphabets, and the official one-shot runs.

References:
    B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum (2015), Human-level concept learning through
    probabilistic program induction, Science 350.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from twinlens.data.dataset import Dataset
from twinlens.data.folders import photos_by_subject
from twinlens.data.sources import OmniglotFiles
from twinlens.errors import DataError
from twinlens.types import BoolArray, IntArray, Sample

_REMEDY = "Fetch Omniglot with: twinlens data fetch omniglot"
_BACKGROUND = "images_background"
_RUNS, _WAYS = 20, 20
_LABEL = re.compile(r"(run\d\d/test/item\d\d\.png) (run\d\d/training/class\d\d\.png)")


def read_omniglot(files: OmniglotFiles) -> Dataset:
    """The characters of the background and the evaluation alphabets; a subject is ``Alphabet/characterNN``.

    Raises:
        DataError: One of the two folders holds no characters.
    """
    root = Path(os.path.commonpath([files.background, files.evaluation]))
    samples = []
    for folder in (files.background, files.evaluation):
        found = [
            Sample((folder.relative_to(root) / alphabet / character / name).as_posix(), f"{alphabet}/{character}")
            for alphabet in sorted(path.name for path in folder.iterdir() if path.is_dir())
            for character, names in photos_by_subject(folder / alphabet)
            for name in names
        ]
        if not found:
            raise DataError(f"{folder} holds no characters in folders Alphabet/characterNN.", _REMEDY)
        samples += found
    return Dataset("omniglot", root, tuple(sorted(samples, key=lambda s: s.name)))


def is_background(dataset: Dataset) -> BoolArray:
    """Whether each sample is of a background alphabet; bool ``(n,)``."""
    return np.array([_BACKGROUND in sample.name.split("/") for sample in dataset.samples], np.bool_)


def alphabet_codes(dataset: Dataset) -> IntArray:
    """A number for the alphabet of each sample; int64 ``(n,)``."""
    alphabets = [sample.subject_id.partition("/")[0] for sample in dataset.samples]
    return np.unique(alphabets, return_inverse=True)[1].astype(np.int64)
