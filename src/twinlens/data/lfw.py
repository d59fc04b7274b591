"""Labeled Faces in the Wild: its photos, whatever the edition, and its official lists.

References:
    G. B. Huang, M. Ramesh, T. Berg and E. Learned-Miller (2007), Labeled Faces in the Wild: a database for
    studying face recognition in unconstrained environments; the README of the LFW site for the formats.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinlens.data.dataset import Dataset
from twinlens.data.folders import photos_by_subject
from twinlens.data.sources import LfwFiles
from twinlens.errors import DataError
from twinlens.types import IntArray, Pairs, Sample

REMEDY = "Get an unchanged copy of the list with: twinlens data fetch lfw"
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class PairList:
    """One fold of an official list of pairs; a development list is one fold.

    Attributes:
        pairs: Its pairs, the genuine ones first.
        broken: Listed pairs that were left out because a photo of theirs is broken.
    """

    pairs: Pairs
    broken: int


def read_lfw(files: LfwFiles) -> Dataset:
    """The photos of any edition: a folder of ``Name/Name_0001.jpg``.

    Raises:
        DataError: There are no photos, or a photo is not named after its folder.
    """
    samples = []
    for subject, names in photos_by_subject(files.images):
        own = re.compile(re.escape(subject) + r"_[0-9]{4,}\.[A-Za-z]+")
        for name in names:
            if not own.fullmatch(name):
                raise DataError(
                    f"{files.images / subject / name} is not named {subject}_0001 or the like.",
                    "Remove it, or import the photos as a folder of subjects instead.",
                )
            samples.append(Sample(f"{subject}/{name}", subject))
    if not samples:
        raise DataError(
            f"{files.images} holds no photos named like Name/Name_0001.jpg.",
            "Fetch LFW with: twinlens data fetch lfw",
        )
    ordered = tuple(sorted(samples, key=lambda s: s.name))
    return Dataset("lfw", files.images, ordered, files.variant, framed=True)


def read_pairs(path: Path, dataset: Dataset, broken: Collection[str] = ()) -> tuple[PairList, ...]:
    """``pairsDevTrain.txt``, ``pairsDevTest.txt`` or the ten folds of ``pairs.txt``.

    Each fold is ``n`` genuine lines ``name i j`` and then ``n`` impostor lines ``name i other j``, separated by
    tabs; the first line says ``n``, or the number of folds and ``n``.

    Args:
        path: The list.
        dataset: The photos that it names.
        broken: Names of samples that cannot be read; pairs with one are left out and counted.

    Raises:
        DataError: A line is wrong, the counts do not fit, or a photo is neither in the dataset nor broken.
    """
    rows = _read_rows(path)
    place, header = rows[0]
    if len(header) not in (1, 2):
        raise DataError(f"{place} must give the number of pairs, or of folds and of pairs.", REMEDY)
    n_folds, n = ([1] + [_number(field, place) for field in header])[-2:]
    if len(rows) - 1 != 2 * n * n_folds:
        raise DataError(f"{place} announces {n_folds} x ({n} + {n}) pairs, and {len(rows) - 1} follow.", REMEDY)
    photos = _Photos(dataset, broken)
    folds = []
    for fold in range(n_folds):
        begin = 1 + 2 * n * fold
        genuine = (_genuine(place, row, photos) for place, row in rows[begin : begin + n])
        impostor = (_impostor(place, row, photos) for place, row in rows[begin + n : begin + 2 * n])
        whole = [pair for pair in (*genuine, *impostor) if pair is not None]
        folds.append(PairList(Pairs.from_rows(whole), 2 * n - len(whole)))
    return tuple(folds)


def read_people(path: Path) -> tuple[dict[str, int], ...]:
    """``peopleDevTrain.txt``, ``peopleDevTest.txt`` or the ten folds of ``people.txt``.

    Returns:
        For each fold (a development list is one) the people and the number of photos of each.

    Raises:
        DataError: A line is wrong, or the counts do not fit.
    """
    rows = _read_rows(path)
    folds: list[dict[str, int]] = []
    position, n_folds = 0, 1
    if len(rows) > 1 and len(rows[1][1]) == 1:
        position, n_folds = 1, _number(rows[0][1][0], rows[0][0])
    for _ in range(n_folds):
        if position >= len(rows):
            raise DataError(f"{path} announces {n_folds} folds, and has {len(folds)}.", REMEDY)
        place, header = rows[position]
        n = _number(header[0], place)
        people = dict(_person(*row) for row in rows[position + 1 : position + 1 + n])
        if len(people) != n:
            raise DataError(f"{place} announces {n} people, and {len(people)} different ones follow.", REMEDY)
        folds.append(people)
        position += 1 + n
    if position != len(rows):
        raise DataError(f"{rows[position][0]} is beyond the announced number of people.", REMEDY)
    return tuple(folds)


def people_samples(path: Path, dataset: Dataset, broken: Collection[str] = ()) -> tuple[IntArray, ...]:
    """All photos of the people of each fold of :func:`read_people`, as sorted int64 indices, without the broken ones.

    Raises:
        DataError: The list is wrong, or a photo is neither in the dataset nor broken.
    """
    photos = _Photos(dataset, broken)
    folds = []
    for people in read_people(path):
        found = (
            photos.find(name, number, f"{path} ({name})")
            for name, count in people.items()
            for number in range(1, count + 1)
        )
        folds.append(np.array(sorted(index for index in found if index is not None), np.int64))
    return tuple(folds)


def read_errata(path: Path) -> dict[str, str]:
    """Known labelling errors, e.g. ``Jane_Doe_0001`` to ``wrong identity; shows Ann_Lee``.

    They are flagged wherever the photo is shown, and never corrected in scoring.

    Raises:
        DataError: The columns are not ``image,subject_is,kind``.
    """
    lines = csv.reader(_read_text(path).splitlines())
    if next(lines, None) != ["image", "subject_is", "kind"]:
        raise DataError(f"{path}, line 1 must be: image,subject_is,kind", REMEDY)
    errata = {}
    for fields in lines:
        if len(fields) != 3 or not fields[0]:
            raise DataError(f"{path}, line {lines.line_num} must have the three columns of line 1.", REMEDY)
        image, subject, kind = fields
        errata[image] = f"{kind}; shows {subject}" if subject else kind
    return errata


class _Photos:
    """Finds photos as the lists name them: by person and number, whatever the file's suffix."""

    def __init__(self, dataset: Dataset, broken: Collection[str]) -> None:
        self._root = dataset.root
        self._broken = {_stem(name) for name in broken}
        self._positions = {_stem(sample.name): i for i, sample in enumerate(dataset.samples)}

    def find(self, name: str, number: int, place: str) -> int | None:
        """Its index in the dataset, or None if it is broken."""
        image = f"{name}_{number:04d}"
        stem = f"{name}/{image}"
        if stem in self._broken:
            return None
        if stem not in self._positions:
            raise DataError(
                f"{place} names the photo {image}, which is not in {self._root}.",
                "Fetch LFW again, or skip broken photos if that is why it is missing.",
            )
        return self._positions[stem]


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _genuine(place: str, row: list[str], photos: _Photos) -> tuple[int, int, bool] | None:
    if len(row) != 3:
        raise DataError(f"{place} must be a genuine pair: a name and two numbers, tabs between.", REMEDY)
    first, second = (photos.find(row[0], _number(field, place), place) for field in row[1:])
    if first is not None and first == second:
        raise DataError(f"{place} pairs a photo with itself.", REMEDY)
    return None if first is None or second is None else (first, second, True)


def _impostor(place: str, row: list[str], photos: _Photos) -> tuple[int, int, bool] | None:
    if len(row) != 4 or row[0] == row[2]:
        raise DataError(f"{place} must be an impostor pair: name, number, another name, number, tabs between.", REMEDY)
    first, second = (photos.find(row[i], _number(row[i + 1], place), place) for i in (0, 2))
    return None if first is None or second is None else (first, second, False)


def _person(place: str, row: list[str]) -> tuple[str, int]:
    if len(row) != 2:
        raise DataError(f"{place} must be a name and a number of photos, a tab between.", REMEDY)
    return row[0], _number(row[1], place)


def _number(field: str, place: str) -> int:
    if not _NUMBER.fullmatch(field):
        raise DataError(f"{place} has {field!r} where a whole number is needed.", REMEDY)
    return int(field)


def _read_rows(path: Path) -> list[tuple[str, list[str]]]:
    """The tab-separated fields of every line, with its place for messages."""
    rows = [(f"{path}, line {i}", line.split("\t")) for i, line in _numbered(_read_text(path))]
    if not rows:
        raise DataError(f"{path} is empty.", REMEDY)
    return rows


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return enumerate((line.strip() for line in text.rstrip().splitlines()), start=1)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing.", REMEDY) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a text file.", REMEDY) from error
