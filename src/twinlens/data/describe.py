"""The analysis of a dataset and its parts that every report carries."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path, PurePosixPath

import numpy as np

from twinlens.config.data import DataConfig, LfwData
from twinlens.data.copies import Copies, find_copies
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.description import (
    Description,
    Erratum,
    Most,
    OfficialView1,
    PartDescription,
    PartName,
    PerSubject,
    Shared,
    Size,
    Spread,
)
from twinlens.data.lfw import read_errata
from twinlens.data.sources import locate_lfw
from twinlens.data.store import Store
from twinlens.data.uncut import lfw_view1
from twinlens.looks import brightness_and_sharpness
from twinlens.types import Float32Array, IntArray

_BINS = 24
_ERRATA = "errata.csv"


def describe(partition: Partition, store: Store, lists: Path | None = None) -> Description:
    """Analyse a dataset and its parts.

    Args:
        partition: The parts.
        store: Crops of the partition's dataset; duplicates, brightness and sharpness are those of the crops.
        lists: Where LFW's lists are, which :func:`lists_of` finds; without it there are no errata and no official
            figures.

    Raises:
        DataError: A list is wrong.
    """
    dataset, parts = store.dataset, _named(partition)
    errata = read_errata(lists / _ERRATA) if lists and (lists / _ERRATA).is_file() else None
    samples = np.unique(np.concatenate([part.samples for part in parts.values()]))
    copies = find_copies(store, samples, parts)
    brightness, sharpness = _looks(store, samples)
    return Description(
        dataset=dataset.name,
        variant=dataset.variant,
        protocol=partition.protocol,
        images=len(dataset),
        subjects=len(dataset.subjects),
        broken=store.broken,
        broken_pairs=partition.broken_pairs,
        dropped_pairs=partition.dropped_pairs,
        leaks=partition.leaks,
        parts={
            name: PartDescription(
                size=size_of(part, dataset),
                per_subject=_per_subject(part, dataset),
                brightness=_spread(brightness, part.samples, 1.0),
                sharpness=_spread(sharpness, part.samples, float(sharpness[samples].max())),
                exact_duplicates=copies.exact(name, name),
                near_duplicates=copies.near(name, name),
                errata=_errata(part, dataset, errata or {}),
            )
            for name, part in parts.items()
        },
        shared=tuple(
            _shared((first, parts[first]), (second, parts[second]), dataset, copies)
            for first, second in combinations(parts, 2)
        ),
        duplicates=copies.examples,
        errata_known=errata is not None,
        official=_official(dataset, lists, store.broken) if lists and partition.protocol == "lfw-view1" else None,
    )


def lists_of(data: DataConfig) -> Path | None:
    """Where the lists of LFW are, if it is LFW.

    Raises:
        DataError: They are missing.
    """
    return locate_lfw(data.root).lists if isinstance(data, LfwData) else None


def _named(partition: Partition) -> dict[PartName, Part]:
    """The parts that hold anything; a single one is ``all``."""
    parts: dict[PartName, Part] = {
        "train": partition.train,
        "validation": partition.validation,
        "test": partition.test,
    }
    held = {name: part for name, part in parts.items() if len(part.samples)}
    return {"all": partition.train} if list(held) == ["train"] else held


def size_of(part: Part, dataset: Dataset) -> Size:
    """How much there is in a part."""
    genuine = int(part.pairs.is_genuine.sum())
    return Size(
        images=len(part.samples),
        subjects=len(part.subject_codes(dataset)),
        pairs=len(part.pairs),
        genuine_pairs=genuine,
        impostor_pairs=len(part.pairs) - genuine,
    )


def _per_subject(part: Part, dataset: Dataset) -> PerSubject:
    subjects, images = np.unique(dataset.subject_codes[part.samples], return_counts=True)
    numbers, how_often = np.unique(images, return_counts=True)
    genuine = part.pairs[part.pairs.is_genuine]
    return PerSubject(
        minimum=int(images.min()),
        median=float(np.median(images)),
        maximum=int(images.max()),
        distribution=tuple(zip(numbers.tolist(), how_often.tolist(), strict=True)),
        most_images=_most(subjects, images, dataset),
        most_genuine_pairs=_most(*np.unique(dataset.subject_codes[genuine.first], return_counts=True), dataset)
        if len(genuine)
        else None,
    )


def _most(subjects: IntArray, counts: IntArray, dataset: Dataset) -> Most:
    leader = int(np.argmax(counts))
    return Most(subject_id=dataset.subjects[subjects[leader]], count=int(counts[leader]))


def _looks(store: Store, samples: IntArray) -> tuple[Float32Array, Float32Array]:
    """Brightness and sharpness by index into the dataset; only those of ``samples`` are set."""
    whole = np.zeros((2, len(store.dataset)), np.float32)
    whole[:, samples] = brightness_and_sharpness(store.crops, samples)
    return whole[0], whole[1]


def _spread(measure: Float32Array, samples: IntArray, top: float) -> Spread:
    values = measure[samples]
    counts, edges = np.histogram(values, bins=_BINS, range=(0, top or 1))
    quantiles = np.quantile(values, (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1))
    minimum, p05, p25, median, p75, p95, maximum = (round(float(value), 4) for value in quantiles)
    return Spread(
        minimum=minimum,
        p05=p05,
        p25=p25,
        median=median,
        p75=p75,
        p95=p95,
        maximum=maximum,
        edges=tuple(round(float(edge), 6) for edge in edges),
        counts=tuple(counts.tolist()),
    )


def _errata(part: Part, dataset: Dataset, errata: Mapping[str, str]) -> tuple[Erratum, ...]:
    pairs = np.bincount(np.concatenate([part.pairs.first, part.pairs.second]), minlength=len(dataset))
    stems = ((i, PurePosixPath(dataset.samples[i].name).stem) for i in part.samples)
    return tuple(Erratum(image=stem, text=errata[stem], pairs=int(pairs[i])) for i, stem in stems if stem in errata)


def _shared(first: tuple[PartName, Part], second: tuple[PartName, Part], dataset: Dataset, copies: Copies) -> Shared:
    (a, earlier), (b, later) = first, second
    known = earlier.subject_codes(dataset)
    touched = [np.isin(dataset.subject_codes[side], known) for side in (later.pairs.first, later.pairs.second)]
    return Shared(
        first=a,
        second=b,
        subjects=len(np.intersect1d(known, later.subject_codes(dataset))),
        images=len(np.intersect1d(earlier.samples, later.samples)),
        touched_pairs=int((touched[0] | touched[1]).sum()),
        exact_duplicates=copies.exact(a, b),
        near_duplicates=copies.near(a, b),
    )


def _official(dataset: Dataset, lists: Path, broken: tuple[str, ...]) -> OfficialView1:
    whole = lfw_view1(dataset, lists, broken)
    return OfficialView1(
        train=size_of(whole.train, dataset),
        test=size_of(whole.test, dataset),
        shared_subjects=len(np.intersect1d(whole.train.subject_codes(dataset), whole.test.subject_codes(dataset))),
        shared_images=len(np.intersect1d(whole.train.samples, whole.test.samples)),
    )
