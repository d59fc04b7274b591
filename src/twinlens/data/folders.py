"""Photos of your own: a folder per subject, or a list of pairs."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from twinlens.data.archives import is_archive, stem
from twinlens.data.components import sample_components
from twinlens.data.dataset import Dataset
from twinlens.data.sources import unpacked
from twinlens.errors import DataError
from twinlens.types import Pairs, Sample

# What files of the formats that images.py opens are called.
_SUFFIXES = frozenset([".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm"])
_COLUMNS = ["first", "second", "is_genuine"]
_TRUTH = {"1": True, "true": True, "0": False, "false": False}


def photos_by_subject(root: Path) -> Iterator[tuple[str, list[str]]]:
    """The folders in ``root`` and the photos in each, both sorted; hidden and other files are passed over.

    Raises:
        DataError: There is no such folder, or it cannot be read.
    """
    try:
        for subject in sorted(_visible(root)):
            if (root / subject).is_dir():
                photos = (name for name in _visible(root / subject) if Path(name).suffix.lower() in _SUFFIXES)
                yield subject, sorted(photos)
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}.", "Check the path.") from error


def read_folder(root: Path) -> Dataset:
    """One folder per subject, named after it, with at least one photo directly in it.

    Args:
        root: The folder of those folders, or an archive of it.

    Raises:
        DataError: There are fewer than two subjects, or one has no photo.
    """
    folder, name = (unpacked(root), stem(root)) if is_archive(root) else (root, root.resolve().name)
    samples = []
    for subject, photos in photos_by_subject(folder):
        if not photos:
            raise DataError(
                f"{folder / subject} holds no photos ({', '.join(sorted(_SUFFIXES))}).",
                "Add one or remove the folder; photos must lie directly in the folder of their subject.",
            )
        samples += [Sample(f"{subject}/{photo}", subject) for photo in photos]
    dataset = Dataset(f"folder:{name}", folder, tuple(sorted(samples, key=lambda s: s.name)))
    if len(dataset.subjects) < 2:
        raise DataError(
            f"{root} holds {len(dataset.subjects)} folders with photos, and at least two subjects are needed.",
            "Put the photos of each subject into a folder of their own.",
        )
    return dataset


def read_pair_list(path: Path) -> tuple[Dataset, Pairs]:
    """A CSV with the columns ``first``, ``second`` (paths relative to its folder) and ``is_genuine``.

    Who is who follows from the pairs: photos that genuine pairs join show one subject, named after the first
    of them.

    Raises:
        DataError: The file or a photo is missing, a line is wrong, or an impostor pair joins two photos that
            genuine pairs say show one subject.
    """
    lines, firsts, seconds, truths = _read_rows(path)
    names = tuple(sorted({*firsts, *seconds}))
    position = {name: i for i, name in enumerate(names)}
    pairs = Pairs(
        np.array([position[name] for name in firsts], np.int64),
        np.array([position[name] for name in seconds], np.int64),
        np.array(truths, np.bool_),
    )
    component = sample_components(pairs, len(names))
    contradictions = np.flatnonzero(~pairs.is_genuine & (component[pairs.first] == component[pairs.second]))
    if len(contradictions):
        raise DataError(
            f"{path}, line {lines[contradictions[0]]} says that two photos show different subjects, and the "
            "genuine pairs say that they show the same.",
            "Correct is_genuine there, or in the genuine pairs that join the two.",
        )
    _, earliest = np.unique(component, return_index=True)
    samples = tuple(Sample(name, names[earliest[number]]) for name, number in zip(names, component, strict=True))
    return Dataset(f"pairs:{path.stem}", path.parent, samples, inferred=True), pairs


def _visible(folder: Path) -> list[str]:
    names = [path.name for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
    for name in names:
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise DataError(f"{folder} holds the name {name!r}, which is no UTF-8 text.", "Rename it.")
    return names


def _read_rows(path: Path) -> tuple[list[int], list[str], list[str], list[bool]]:
    """Line numbers, both names and the truth of every pair."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text.", "Save it as CSV in UTF-8.") from error
    rows = csv.DictReader(text.splitlines(), strict=True)
    lines, firsts, seconds, truths = [], [], [], []
    try:
        if sorted(rows.fieldnames or []) != sorted(_COLUMNS):
            raise DataError(f"{path}, line 1 must name the columns {','.join(_COLUMNS)}.", "Mend the first line.")
        for row in rows:
            place = f"{path}, line {rows.line_num}"
            if None in row or None in row.values():
                raise DataError(f"{place} does not have three columns.", "Mend that line.")
            lines.append(rows.line_num)
            firsts.append(_name(row["first"], path.parent, place))
            seconds.append(_name(row["second"], path.parent, place))
            truths.append(_truth(row["is_genuine"], place))
            if firsts[-1] == seconds[-1]:
                raise DataError(f"{place} pairs {firsts[-1]} with itself.", "Remove that line.")
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num + 1} is not CSV: {error}.", "Mend that line.") from error
    if not lines:
        raise DataError(f"{path} lists no pairs.", "Add a line for each pair.")
    return lines, firsts, seconds, truths


def _name(text: str, folder: Path, place: str) -> str:
    """The path with one spelling, inside the folder."""
    name = PurePosixPath(os.path.normpath(text.strip()))
    if not text.strip() or name.is_absolute() or ".." in name.parts:
        raise DataError(
            f"{place} has the path {text!r}, which leads out of the list's folder.",
            "Give paths relative to that folder.",
        )
    if not (folder / name).is_file():
        raise DataError(
            f"{place} names {name}, which is not in the list's folder.", "Correct the path or add the photo."
        )
    return str(name)


def _truth(text: str, place: str) -> bool:
    if text.strip().lower() not in _TRUTH:
        raise DataError(f"{place} has is_genuine {text!r}.", "Write 1 or true, 0 or false.")
    return _TRUTH[text.strip().lower()]
