"""Any photo, and the crop of it that a model sees: the one way in for whoever asks about photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from twinlens.bundle import Manifest
from twinlens.errors import ConfigError, ImageError
from twinlens.faces.finder import FaceFinder
from twinlens.faces.quality import Quality
from twinlens.faces.reading import align_face
from twinlens.images import Limits, decode_image, enough_for, read_bytes, to_crop
from twinlens.types import UInt8Array

Photo = str | Path | bytes | UInt8Array
"""A path, an encoded image, or upright RGB pixels, uint8 ``(height, width, 3)``."""

LIMITS = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class Acquired:
    """What a model sees of a photo.

    Attributes:
        crop: uint8, of the shape of the model's frame.
        quality: Of the face; none where no face was looked for.
        pixels: The photo that the crop was cut out of: where a face was found, in LFW's frame, uint8
            ``(250, 250, 3)``; else as it came, or, a large JPEG, shrunk to what is enough.
    """

    crop: UInt8Array
    quality: Quality | None
    pixels: UInt8Array


class Intake:
    """Reads photos as one model sees them; several threads may share it.

    A model whose photos are framed as LFW's are sees faces: one is looked for in each photo, chosen and brought into
    LFW's frame. Of every other model the photo is taken as it is.

    Args:
        manifest: Of the model.
        limits: How large a photo may be.

    Attributes:
        sees_faces: Whether faces are looked for.
    """

    def __init__(self, manifest: Manifest, limits: Limits = LIMITS) -> None:
        self._frame = manifest.frame
        self.sees_faces = manifest.frame.align or manifest.training.dataset == "lfw"
        self._limits = limits
        self._finder: FaceFinder | None = None
        self._lock = Lock()

    def __call__(self, photo: Photo, *, name: str = "", face: int | None = None, aligned: bool = False) -> Acquired:
        """Read a photo and cut out what the model sees.

        Args:
            photo: Not to be trusted.
            name: What an error calls it; a path is called by itself.
            face: Which of several faces, counted from 1; without it the one that is clearly the largest.
            aligned: Whether the photo lies in LFW's frame already, so that no face is looked for.

        Raises:
            ImageError: The photo cannot be read.
            FaceError: There is no face, none of this number, or several that may be meant.
            ConfigError: A face is chosen where none is looked for, or what finds faces is not installed.
        """
        called = name or (str(photo) if isinstance(photo, str | Path) else "The photo")
        finds = self.sees_faces and not aligned
        if face is not None and not finds:
            raise ConfigError(f"No face is looked for in {called}, so none can be chosen.", "Leave its number out.")
        rgb = self._pixels(photo, called, shrink=not finds)
        if not finds:
            return Acquired(to_crop(rgb, self._frame), None, rgb)
        found = align_face(rgb, called, self._the_finder(), face, self._limits.max_faces)
        return Acquired(to_crop(found.pixels, self._frame), found.quality, found.pixels)

    def _pixels(self, photo: Photo, name: str, *, shrink: bool) -> UInt8Array:
        if isinstance(photo, np.ndarray):
            if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
                raise ImageError(
                    f"{name} is {photo.dtype} {photo.shape}.", "Give RGB pixels, uint8 (height, width, 3)."
                )
            return photo
        data = photo if isinstance(photo, bytes) else read_bytes(Path(photo), self._limits)
        return decode_image(data, name, self._limits, draft=enough_for(self._frame) if shrink else None)

    def _the_finder(self) -> FaceFinder:
        with self._lock:
            self._finder = self._finder or FaceFinder()
            return self._finder
