"""Every photo of a dataset decoded once, as one memory-mapped array of crops."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from twinlens.config import Frame
from twinlens.data.cache import build_once, cache_folder
from twinlens.data.dataset import Dataset
from twinlens.data.digests import content_digests
from twinlens.errors import DataError, ImageError, TwinlensError
from twinlens.faces.finder import FaceFinder
from twinlens.faces.frame import mean_landmarks
from twinlens.faces.reading import read_face_crop
from twinlens.files import sha256_json, write_json
from twinlens.images import read_crop
from twinlens.progress import track
from twinlens.types import IntArray, UInt8Array

_FORMAT = 1  # raise it when the same photo and frame would give other pixels
_BATCH = 256  # photos decoded ahead of the writer, so that memory stays bounded
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Store:
    """A dataset and its crops.

    Attributes:
        dataset: Without the samples that are broken.
        crops: uint8 ``(len(dataset), height, width, channels)``, read-only and memory-mapped; row i shows
            ``dataset.samples[i]``.
        broken: Names of the samples that could not be read, or not aligned, and were left out.
        unaligned: Names of the samples in which no face was found, and which, their dataset being framed, are
            taken as they are; none where the frame does not align faces.
    """

    dataset: Dataset
    crops: UInt8Array
    broken: tuple[str, ...]
    unaligned: tuple[str, ...] | None = None

    def count_unaligned(self, samples: IntArray) -> int | None:
        """How many of some samples are :attr:`unaligned`; none where the frame does not align faces."""
        if self.unaligned is None:
            return None
        names = {self.dataset.samples[index].name for index in samples}
        return len(names.intersection(self.unaligned))


def open_store(dataset: Dataset, frame: Frame, *, skip_broken: bool = False) -> Store:
    """The crops of a dataset, decoded at the first call and only mapped at later ones.

    The store is found by the content and names of the photos and by the frame, so it cannot be out of date.

    Args:
        dataset: Whose photos.
        frame: How a photo becomes a crop.
        skip_broken: Leave out photos that cannot be read instead of refusing the dataset.

    Raises:
        ConfigError: Faces are to be aligned, and what finds them is not installed.
        ImageError: A photo is missing or broken or has no face to align, and ``skip_broken`` is off.
        DataError: There is not one photo to use.
        TwinlensError: The cache has no room or cannot be written.
    """
    digests = content_digests(dataset)
    names = [sample.name for sample in dataset.samples]
    key = sha256_json([_FORMAT, frame.model_dump(), names, digests, *_aim(dataset, frame)])
    folder = cache_folder() / "store" / key
    with build_once(folder) as temporary:
        if temporary is not None:
            _build(dataset, frame, temporary, skip_broken)
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    reasons, unaligned = index["broken"], tuple(index["unaligned"]) if frame.align else None
    if reasons and not skip_broken:
        raise _broken_error(*reasons.values())
    crops = np.load(folder / "crops.npy", mmap_mode="r")
    if not reasons:
        return Store(dataset, crops, (), unaligned)
    samples = tuple(sample for sample in dataset.samples if sample.name not in reasons)
    return Store(replace(dataset, samples=samples), crops, tuple(reasons), unaligned)


def _aim(dataset: Dataset, frame: Frame) -> list[object]:
    """What the crops depend on where faces are aligned, besides photos and frame."""
    return [dataset.framed, mean_landmarks().tolist()] if frame.align else []


def _build(dataset: Dataset, frame: Frame, folder: Path, skip_broken: bool) -> None:
    _check_room(folder, len(dataset) * int(np.prod(frame.shape)))
    broken: dict[str, str] = {}
    unaligned = []
    # Plain writes, not a memory map: on a full disk those raise an error, where a map kills the process.
    with (folder / "crops.npy").open("wb") as file:
        _write_header(file, len(dataset), frame)
        for photo in track(_photos(dataset, frame), "Decoding photos", len(dataset)):
            if isinstance(photo.crop, ImageError):
                if not skip_broken:
                    raise _broken_error(photo.crop.message) from photo.crop
                broken[photo.name] = photo.crop.message
                continue
            file.write(photo.crop.tobytes())
            if not photo.is_aligned:
                unaligned.append(photo.name)
        if len(broken) == len(dataset):
            raise DataError(f"No photo of {dataset.root} can be used.", "Check the dataset.")
        file.seek(0)
        _write_header(file, len(dataset) - len(broken), frame)
        file.flush()
        os.fsync(file.fileno())
    index = {"dataset": dataset.name, "frame": frame.model_dump(), "broken": broken, "unaligned": unaligned}
    write_json(folder / "index.json", index)


@dataclass(frozen=True, slots=True, eq=False)
class _Photo:
    """A photo's crop, or why there is none, and whether it is as the frame wants it."""

    name: str
    crop: UInt8Array | ImageError
    is_aligned: bool = True


def _photos(dataset: Dataset, frame: Frame) -> Iterator[_Photo]:
    read = _reader(dataset, frame)
    names = [sample.name for sample in dataset.samples]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # Pillow decodes outside Python's lock
        for start in range(0, len(names), _BATCH):
            yield from pool.map(read, names[start : start + _BATCH])


def _reader(dataset: Dataset, frame: Frame) -> Callable[[str], _Photo]:
    """What reads one photo of the dataset, by its name."""
    finder = FaceFinder() if frame.align else None

    def read(name: str) -> _Photo:
        path = dataset.root / name
        try:
            if finder is None:
                return _Photo(name, read_crop(path, frame))
            return _Photo(name, *read_face_crop(path, frame, finder, framed=dataset.framed))
        except ImageError as error:
            return _Photo(name, error)

    return read


def _write_header(file: IO[bytes], count: int, frame: Frame) -> None:
    # NumPy pads the header for a growing first axis, so that another count takes the same room.
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *frame.shape)}
    np.lib.format.write_array_header_1_0(file, header)


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE_BYTES:
        raise TwinlensError(
            f"The crops need {size / 2**20:,.0f} MiB, but {folder.parent} has {free / 2**20:,.0f} MiB left.",
            "Free some space, or set TWINLENS_CACHE to a folder with more.",
        )


def _broken_error(reason: str, *more: str) -> ImageError:
    others = f" So are {len(more)} more." if more else ""
    return ImageError(reason + others, "Replace it, or leave broken photos out with --skip-broken.")
