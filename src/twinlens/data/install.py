"""Getting the official datasets, from their homes or from a copy that somebody has, and what is there."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from twinlens.data.cache import build_once, cache_folder
from twinlens.data.download import download
from twinlens.data.homes import LFW, LFW_PEOPLE_LISTS, OMNIGLOT
from twinlens.data.sources import (
    LFW_EDITIONS,
    OmniglotFiles,
    data_folders,
    locate_lfw,
    locate_omniglot,
)
from twinlens.errors import DataError
from twinlens.files import whole_file
from twinlens.locks import locked
from twinlens.progress import track

DatasetName = Literal["lfw", "omniglot"]

_LFW_PHOTO = re.compile(r"([^/]+)/\1_\d{4}\.jpg")
_LFW_LISTS = (*(remote.name for remote in (*LFW, *LFW_PEOPLE_LISTS) if ".txt" in remote.name), "errata.csv")


@dataclass(frozen=True, slots=True)
class Installed:
    """A dataset in one of the data folders.

    Attributes:
        name: ``lfw`` or ``omniglot``.
        where: The folder that holds its images; the data folder's if something is wrong.
        variant: The edition.
        images: Photos or drawings.
        subjects: People or characters.
        size: Bytes of all images.
        problem: Why it cannot be used; empty if it can.
    """

    name: DatasetName
    where: Path
    variant: str = ""
    images: int = 0
    subjects: int = 0
    size: int = 0
    problem: str = ""


def fetch(name: DatasetName, destination: Path | None = None) -> Path:
    """Download a dataset; what is there stays, and what was interrupted goes on.

    LFW comes funnelled, with its lists of pairs; the lists of people are on another site, and are left out if
    that is down. Files are checked by SHA-256. Omniglot's authors publish none, so it is unpacked and its
    alphabets, characters and drawings are counted.

    Args:
        name: Which dataset.
        destination: Folder for it; the data folder in the cache if not given.

    Returns:
        The folder.

    Raises:
        DataError: A home cannot be reached, or gives other content than it should.
        TwinlensError: The disk is full or the folder cannot be written.
    """
    folder = destination or _home(name)
    with locked(folder / ".lock"):
        if name == "lfw":
            for remote in LFW:
                download(remote, folder)
            for remote in LFW_PEOPLE_LISTS:
                with suppress(DataError):
                    download(remote, folder)
        else:
            _fetch_omniglot(folder)
    return folder


def import_data(name: DatasetName, source: Path) -> Path:
    """Copy a dataset from a folder or archive into the data folder in the cache.

    Args:
        name: Which dataset.
        source: A folder or archive of any edition of LFW, or a folder with Omniglot's three parts.

    Returns:
        The data folder's ``lfw`` or ``omniglot``.

    Raises:
        DataError: The source is missing or not the dataset, or the edition is there already.
        TwinlensError: The disk is full or the cache cannot be written.
    """
    if not source.exists():
        raise DataError(f"{source} does not exist.", "Give the folder or archive that holds the dataset.")
    folder = _home(name)
    if name == "lfw":
        _import_lfw(source, folder)
    else:
        _import_omniglot(source, folder)
    return folder


def installed() -> list[Installed]:
    """What the data folders hold; an archive is unpacked to look into it.

    Raises:
        DataError: ``$TWINLENS_DATA`` is set to what is no folder.
    """
    names: tuple[DatasetName, ...] = ("lfw", "omniglot")
    places = [(name, folder / name) for folder in data_folders() for name in names]
    return [_look(name, place) for name, place in places if place.is_dir()]


def _home(name: DatasetName) -> Path:
    return cache_folder() / "data" / name


def _fetch_omniglot(folder: Path) -> None:
    new = [folder / remote.name for remote in OMNIGLOT if not (folder / remote.name).exists()]
    for remote in OMNIGLOT:
        download(remote, folder)
    try:
        _check_omniglot(locate_omniglot(folder))
    except DataError as error:
        for path in new:
            path.unlink(missing_ok=True)
        old = [str(folder / remote.name) for remote in OMNIGLOT if folder / remote.name not in new]
        away = f"Move {', '.join(old)} away and fetch" if old else "Fetch"
        raise DataError(error.message, f"{away} it again.") from error


def _import_lfw(source: Path, folder: Path) -> None:
    files = locate_lfw(source)
    photos = [path for path in files.images.glob("*/*.jpg") if _LFW_PHOTO.fullmatch(f"{path.parent.name}/{path.name}")]
    target = folder / LFW_EDITIONS[files.variant][0]
    with build_once(target) as temporary:
        if temporary is None:
            raise DataError(f"{target} is already there.", "Remove it if it shall be replaced.")
        _copy(sorted(photos), files.images, temporary)
    for name in _LFW_LISTS:
        if (files.lists / name).is_file() and not (folder / name).exists():
            with whole_file(folder / name) as path:
                shutil.copyfile(files.lists / name, path)


def _import_omniglot(source: Path, folder: Path) -> None:
    files = locate_omniglot(source)
    _check_omniglot(files)
    parts = {"images_background": files.background, "images_evaluation": files.evaluation, "all_runs": files.runs}
    for name, part in parts.items():
        with build_once(folder / name) as temporary:
            if temporary is not None:  # a part that is there came from a complete Omniglot, too
                _copy(sorted(path for path in part.rglob("*") if path.suffix in (".png", ".txt")), part, temporary)


def _copy(paths: list[Path], source: Path, target: Path) -> None:
    for path in track(paths, f"Copying {source.name}", len(paths)):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, copy)
        except PermissionError as error:
            if error.filename != str(path):
                raise
            raise DataError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _look(name: DatasetName, place: Path) -> Installed:
    try:
        return _look_at_lfw(place) if name == "lfw" else _look_at_omniglot(place)
    except DataError as error:
        return Installed(name, place, problem=str(error))


def _look_at_lfw(place: Path) -> Installed:
    files = locate_lfw(place)
    photos = list(files.images.glob("*/*.jpg"))
    people = {photo.parent for photo in photos}
    return Installed("lfw", files.images, files.variant, len(photos), len(people), _size(photos))


def _look_at_omniglot(place: Path) -> Installed:
    files = locate_omniglot(place)
    drawings = [path for part in (files.background, files.evaluation) for path in part.glob("*/*/*.png")]
    characters = {drawing.parent for drawing in drawings}
    return Installed("omniglot", place, "", len(drawings), len(characters), _size(drawings))


def _size(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _check_omniglot(files: OmniglotFiles) -> None:
    """Count what makes Omniglot: 20 drawings of 964 characters in 30 alphabets and of 659 in 20, and 20 runs."""
    for folder, alphabets, characters in ((files.background, 30, 964), (files.evaluation, 20, 659)):
        drawings = Counter(path.parent for path in folder.glob("*/character*/*.png"))
        found = len({character.parent for character in drawings}), len(drawings)
        if found != (alphabets, characters):
            raise _not_omniglot(
                folder, f"{found[0]} alphabets with {found[1]} characters", f"{alphabets} with {characters}"
            )
        _expect_twenty(drawings)
    tasks = Counter(path.parent for path in files.runs.glob("run*/*/*.png"))
    if len(tasks) != 40:
        raise _not_omniglot(files.runs, f"{len(tasks)} sets of drawings", "40")
    _expect_twenty(tasks)


def _expect_twenty(pictures: Counter[Path]) -> None:
    for folder, count in pictures.items():
        if count != 20:
            raise _not_omniglot(folder, f"{count} drawings", "20")


def _not_omniglot(folder: Path, found: str, expected: str) -> DataError:
    return DataError(f"{folder} holds {found}; Omniglot has {expected}.", "Fetch it from its own home.")
