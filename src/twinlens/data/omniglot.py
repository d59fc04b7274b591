"""Omniglot: handwritten characters of fifty alphabets, and the official one-shot runs.

References:
    B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum (2015), Human-level concept learning through
    probabilistic program induction, Science 350.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from twinlens.data.cache import build_once, cache_folder
from twinlens.data.dataset import Dataset
from twinlens.data.folders import photos_by_subject
from twinlens.data.sources import OmniglotFiles
from twinlens.errors import DataError
from twinlens.files import sha256_json
from twinlens.types import BoolArray, Episode, IntArray, Sample

_REMEDY = "Fetch Omniglot with: twinlens data fetch omniglot"
_BACKGROUND, _EVALUATION = "images_background", "images_evaluation"
_DRAWING = re.compile(r".*_([0-9]{2})\.[A-Za-z]+")
# Measured, as no list says so: tests/data/test_omniglot.py finds every drawing of the runs again.
_RUN_ALPHABETS = (
    "Atlantean",
    "Ge_ez",
    "Glagolitic",
    "Gurmukhi",
    "Kannada",
    "Malayalam",
    "Manipuri",
    "Old_Church_Slavonic_(Cyrillic)",
    "Tengwar",
    "Tibetan",
)
_RUNS = [f"run{number:02d}" for number in range(1, 21)]
_WAYS = 20


def read_omniglot(files: OmniglotFiles) -> Dataset:
    """The characters of the background and the evaluation alphabets; a subject is ``Alphabet/characterNN``.

    Raises:
        DataError: One of the two folders holds no characters.
    """
    root = _common_root(files)
    samples = []
    for name, folder in ((_BACKGROUND, files.background), (_EVALUATION, files.evaluation)):
        found = [
            Sample(f"{name}/{alphabet.name}/{character}/{drawing}", f"{alphabet.name}/{character}")
            for alphabet in folder.iterdir()
            if alphabet.is_dir()
            for character, drawings in photos_by_subject(alphabet)
            for drawing in drawings
        ]
        if not found:
            raise DataError(f"{folder} holds no drawings in folders Alphabet/characterNN.", _REMEDY)
        samples += found
    return Dataset("omniglot", root, tuple(sorted(samples, key=lambda s: s.name)))


def is_background(dataset: Dataset) -> BoolArray:
    """Whether each sample is of a background alphabet; bool ``(n,)``."""
    return np.array([sample.name.startswith(f"{_BACKGROUND}/") for sample in dataset.samples], np.bool_)


def alphabet_codes(dataset: Dataset) -> IntArray:
    """A number for the alphabet of each sample; int64 ``(n,)``."""
    alphabets = [sample.subject_id.partition("/")[0] for sample in dataset.samples]
    return np.unique(alphabets, return_inverse=True)[1].astype(np.int64)


def drawer_numbers(dataset: Dataset) -> IntArray:
    """Who drew each sample, as a number from 1 to 20 that holds within its alphabet; int64 ``(n,)``.

    Raises:
        DataError: A drawing is not named like ``0709_01.png``.
    """
    found = [_DRAWING.fullmatch(sample.name) for sample in dataset.samples]
    for index, match in enumerate(found):
        if match is None:
            raise DataError(f"{dataset.path(index)} is not named after its drawer, as 0709_01.png is.", _REMEDY)
    return np.array([int(match[1]) for match in found if match is not None], np.int64)


def is_in_runs(dataset: Dataset) -> BoolArray:
    """Whether each sample is of one of the ten evaluation alphabets that the official runs show; bool ``(n,)``."""
    prefixes = tuple(f"{_EVALUATION}/{alphabet}/" for alphabet in _RUN_ALPHABETS)
    return np.array([sample.name.startswith(prefixes) for sample in dataset.samples], np.bool_)


def read_runs(files: OmniglotFiles) -> tuple[Dataset, tuple[Episode, ...]]:
    """The official 20 runs of 20-way one-shot classification within an alphabet.

    Their images are copies of drawings in the evaluation alphabets.

    Returns:
        The 800 images, with subjects such as ``run01/class05``, and an episode for each run, in order, whose
        class ``i`` is ``class{i + 1:02d}``.

    Raises:
        DataError: A run lacks an image, or its ``class_labels.txt`` is missing or wrong.
    """
    samples = sorted((sample for run in _RUNS for sample in _run_samples(files.runs, run)), key=lambda s: s.name)
    dataset = Dataset("omniglot-runs", files.runs, tuple(samples))
    for index in range(len(dataset)):
        if not dataset.path(index).is_file():
            raise DataError(f"{dataset.path(index)} is missing.", _REMEDY)
    return dataset, tuple(_episode(dataset, run) for run in _RUNS)


def _common_root(files: OmniglotFiles) -> Path:
    """One folder with both halves in it, by links if they lie apart, so that samples have the same names everywhere."""
    parent = files.background.parent
    if files.background.name == _BACKGROUND and files.evaluation == parent / _EVALUATION:
        return parent
    halves = {_BACKGROUND: files.background.resolve(), _EVALUATION: files.evaluation.resolve()}
    key = sha256_json([str(folder) for folder in halves.values()])[:16]
    with build_once(cache_folder() / "omniglot" / key) as temporary:
        if temporary is not None:
            for name, folder in halves.items():
                (temporary / name).symlink_to(folder, target_is_directory=True)
    return cache_folder() / "omniglot" / key


def _run_samples(runs: Path, run: str) -> list[Sample]:
    """The support and query images of a run, from its lines ``run01/test/item01.png run01/training/class08.png``."""
    path = runs / run / "class_labels.txt"
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is missing or no text.", _REMEDY) from error
    pattern = re.compile(rf"({run}/test/item\d\d\.png) ({run}/training/(class\d\d)\.png)\s*")
    samples = []
    for number, line in enumerate(lines, start=1):
        found = pattern.fullmatch(line)
        if found is not None:
            query, support, drawn_class = found.groups()
            samples += [Sample(query, f"{run}/{drawn_class}"), Sample(support, f"{run}/{drawn_class}")]
        elif line.strip():
            raise DataError(f"{path}, line {number} does not name a test and a training image.", _REMEDY)
    if len({sample.name for sample in samples}) != 2 * _WAYS:
        raise DataError(f"{path} must pair {_WAYS} test with {_WAYS} training images.", _REMEDY)
    return samples


def _episode(dataset: Dataset, run: str) -> Episode:
    inside = [(i, sample) for i, sample in enumerate(dataset.samples) if sample.name.startswith(f"{run}/")]
    support = {sample.subject_id: i for i, sample in inside if "/training/" in sample.name}
    query = [(i, sample.subject_id) for i, sample in inside if "/test/" in sample.name]
    classes = sorted(support)
    return Episode(
        query=np.array([i for i, _ in query], np.int64),
        query_class=np.array([classes.index(subject) for _, subject in query], np.int64),
        support=np.array([[support[subject]] for subject in classes], np.int64),
    )
