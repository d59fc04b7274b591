"""Where the official datasets lie: an unpacked folder, or an archive that is unpacked once into the cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from twinlens.data.archives import SUFFIXES, extract, is_archive, stem
from twinlens.data.cache import build_once
from twinlens.data.cache import cache_folder as cache_folder
from twinlens.errors import DataError
from twinlens.files import sha256_json

# What folders and archives of each edition are called; of several the best aligned is taken.
LFW_EDITIONS = {
    "deepfunneled": ("lfw-deepfunneled", "lfw_deepfunneled"),
    "lfw-a": ("lfw-a", "lfwa", "lfw2"),
    "funneled": ("lfw-funneled", "lfw_funneled"),
    "original": ("lfw",),
    "folder": ("photos",),
}
_LFW_LISTS = ("pairsDevTrain.txt", "pairs.txt")


@dataclass(frozen=True, slots=True)
class LfwFiles:
    """Where LFW lies.

    Attributes:
        images: The folder that directly holds ``Name/Name_0001.jpg``.
        lists: The folder with ``pairs.txt``, ``pairsDevTrain.txt`` and so on.
        variant: ``original``, ``funneled``, ``deepfunneled``, ``lfw-a``, or ``folder`` if no name says it.
    """

    images: Path
    lists: Path
    variant: str


@dataclass(frozen=True, slots=True)
class OmniglotFiles:
    """Where Omniglot lies.

    Attributes:
        background: The folder with ``Alphabet/characterNN/*.png`` of the 30 background alphabets.
        evaluation: The same of the 20 evaluation alphabets.
        runs: The folder with ``run01`` to ``run20``, the official one-shot tasks.
    """

    background: Path
    evaluation: Path
    runs: Path


def data_folders() -> list[Path]:
    """Folders that may hold ``lfw/`` and ``omniglot/``, in the order they are looked into.

    ``$TWINLENS_DATA`` comes first, or where it is not set ``../shared/data`` if there is one; then what was
    fetched or imported.

    Raises:
        DataError: ``$TWINLENS_DATA`` is set to what is no folder.
    """
    fetched = cache_folder() / "data"
    if given := os.environ.get("TWINLENS_DATA"):
        if not Path(given).is_dir():
            raise DataError(f"TWINLENS_DATA is set to {given}, which is no folder.", "Correct or unset it.")
        return [Path(given), fetched]
    shared = Path("../shared/data")
    return [shared.resolve(), fetched] if shared.is_dir() else [fetched]


def locate_lfw(root: Path | None = None) -> LfwFiles:
    """Find LFW's images and lists, unpacking an archive if need be.

    Args:
        root: A folder or archive to look into; without it, ``lfw/`` in each data folder.

    Raises:
        DataError: The images or lists are missing, or the archive is unusable.
    """
    official = [folder / "lfw" for folder in data_folders()]
    places = [root] if root else official
    found = next((found for place in places if (found := _lfw_images(place))), None)
    if found is None:
        raise _missing("LFW", "lfw", places)
    variant, images, place = found
    for lists in (place, images, images.parent, place.parent, *official):
        if any((lists / name).is_file() for name in _LFW_LISTS):
            return LfwFiles(images, lists, variant)
    raise DataError(
        f"LFW's photos are in {images}, but its lists ({', '.join(_LFW_LISTS)} ...) are not beside them.",
        "Put them there, or run: twinlens data fetch lfw",
    )


def locate_omniglot(root: Path | None = None) -> OmniglotFiles:
    """Find Omniglot's drawings and runs, unpacking archives if need be.

    Args:
        root: A folder or archive to look into; without it, ``omniglot/`` in each data folder.

    Raises:
        DataError: A part is missing, or an archive is unusable.
    """
    places = [root] if root else [folder / "omniglot" for folder in data_folders()]
    for place in places:
        inside = unpacked(place) if is_archive(place) else place
        background = _first(_contents(inside, ("images_background",)), _holds_alphabets)
        evaluation = _first(_contents(inside, ("images_evaluation",)), _holds_alphabets)
        runs = _first(chain([inside], _contents(inside, ("all_runs", "runs"))), _holds_runs)
        if background and evaluation and runs:
            return OmniglotFiles(background, evaluation, runs)
    raise _missing("Omniglot (images_background, images_evaluation and all_runs)", "omniglot", places)


def unpacked(archive: Path) -> Path:
    """The folder that an archive holds, unpacked into the cache at the first call.

    The archive is known by its name, size and time of change, and may lie where nothing can be written.

    Raises:
        DataError: The archive is missing, broken or hostile.
        TwinlensError: The cache has no room or cannot be written.
    """
    try:
        status = archive.stat()
    except OSError as error:
        raise DataError(f"{archive} cannot be read: {error.strerror}.", "Check the path.") from error
    key = sha256_json([archive.name, status.st_size, status.st_mtime_ns])[:16]
    folder = cache_folder() / "archives" / f"{stem(archive)}-{key}"
    with build_once(folder) as temporary:
        if temporary is not None:
            extract(archive, temporary / "content")
    return innermost(folder / "content")


def innermost(folder: Path) -> Path:
    """``folder``, or what it wraps: archives and their unpackers like to put a folder around everything."""
    while True:
        below = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]
        if len(below) != 1:
            return folder
        folder = below[0]


def lfw_variant(name: str) -> str:
    """The edition that a folder or archive of this name holds, as far as the name says."""
    return next((edition for edition, names in LFW_EDITIONS.items() if name in names), "folder")


def _lfw_images(place: Path) -> tuple[str, Path, Path] | None:
    """Edition, folder of the images, and where they were found; None if ``place`` has none."""
    if is_archive(place):
        images = _first([unpacked(place)], _holds_people)
        return (lfw_variant(stem(place)), images, place.parent) if images else None
    for edition, names in LFW_EDITIONS.items():
        if images := _first(_contents(place, names), _holds_people):
            return edition, images, place
    if place.is_dir() and (images := _first([innermost(place)], _holds_people)):
        # A folder "lfw" may hold any edition: that is what the data folders call the dataset.
        return ("folder" if images.name == "lfw" else lfw_variant(images.name)), images, place
    return None


def _contents(place: Path, names: Iterable[str]) -> Iterator[Path]:
    """Folders of these names in ``place``, then archives of these names, unpacked when their turn comes."""
    for name in names:
        if (place / name).is_dir():
            yield innermost(place / name)
    for name in names:
        for suffix in SUFFIXES:
            if (place / f"{name}{suffix}").is_file():
                yield unpacked(place / f"{name}{suffix}")


def _first(folders: Iterable[Path], holds: Callable[[Path], bool]) -> Path | None:
    return next((folder for folder in folders if holds(folder)), None)


def _holds_people(folder: Path) -> bool:
    return any((person / f"{person.name}_0001.jpg").is_file() for person in folder.iterdir())


def _holds_alphabets(folder: Path) -> bool:
    return any((alphabet / "character01").is_dir() for alphabet in folder.iterdir())


def _holds_runs(folder: Path) -> bool:
    return (folder / "run01" / "class_labels.txt").is_file()


def _missing(title: str, name: str, places: Iterable[Path]) -> DataError:
    return DataError(
        f"{title} is not in {' or '.join(str(place) for place in places)}.",
        f"Run: twinlens data fetch {name}, or: twinlens data import {name} --from PATH",
    )
