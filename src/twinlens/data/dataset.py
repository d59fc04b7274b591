"""A dataset: photos on disk, each with the subject it shows, and parts of it with pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from twinlens.types import Episode, IntArray, Pairs, Sample


@dataclass(frozen=True)
class Dataset:
    """Photos under one folder.

    Attributes:
        name: Namespace of the subjects, e.g. ``lfw``; two datasets of one name share their people.
        root: Folder that the samples' names are relative to.
        samples: Sorted by name.
        variant: Which edition of the photos, e.g. ``deepfunneled``; empty if there is just one.
        framed: Whether the subject's face is in the middle of each photo, of about the size it has in LFW.
        inferred: Whether who is who follows from listed pairs alone: then two subjects that no impostor pair tells
            apart may be one.
    """

    name: str
    root: Path
    samples: tuple[Sample, ...]
    variant: str = ""
    framed: bool = False
    inferred: bool = False

    def __len__(self) -> int:
        return len(self.samples)

    def path(self, index: int) -> Path:
        """Where sample ``index`` lies."""
        return self.root / self.samples[index].name

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """The distinct subjects, sorted."""
        return tuple(sorted({sample.subject_id for sample in self.samples}))

    @cached_property
    def subject_codes(self) -> IntArray:
        """Position in :attr:`subjects` of each sample's subject; int64 ``(n,)``."""
        position = {subject: i for i, subject in enumerate(self.subjects)}
        return np.array([position[sample.subject_id] for sample in self.samples], np.int64)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each sample by its name."""
        return {sample.name: i for i, sample in enumerate(self.samples)}


@dataclass(frozen=True)
class Part:
    """Some of a dataset's samples and the pairs among them: what trains, validates or tests.

    Attributes:
        samples: int64 ``(n,)`` indices into the dataset, sorted.
        pairs: The listed (or once drawn) pairs among them.
        groups: int64 ``(n,)``, a number for each of the samples, where every pair is of one group, such as drawings
            of one alphabet; none where any two may meet. One-shot tasks that are drawn at random pay no heed to it.
    """

    samples: IntArray
    pairs: Pairs
    groups: IntArray | None = None

    def subject_codes(self, dataset: Dataset) -> IntArray:
        """The distinct subjects of the part, as codes of ``dataset``, sorted."""
        return np.unique(dataset.subject_codes[self.samples])


@dataclass(frozen=True)
class Partition:
    """A dataset cut into what trains, validates and tests.

    Attributes:
        protocol: Name of the protocol, e.g. ``lfw-view1``.
        dataset: Where the parts point into.
        train: What the training sees.
        validation: What epochs, thresholds and calibration are chosen on.
        test: What is looked at once.
        dropped_pairs: Listed pairs that straddle training and validation and were left out.
        leaks: Whether training and validation share subjects.
        broken_pairs: Listed pairs that were left out because a photo of theirs cannot be read.
        tasks: One-shot tasks on validation samples that the protocol has; none where they are drawn at random.
    """

    protocol: str
    dataset: Dataset
    train: Part
    validation: Part
    test: Part
    dropped_pairs: int
    leaks: bool
    broken_pairs: int = 0
    tasks: tuple[Episode, ...] = ()
