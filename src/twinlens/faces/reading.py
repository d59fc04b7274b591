"""From a photo to the face in it, in LFW's frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from twinlens.config import Frame
from twinlens.faces.choice import central, chosen
from twinlens.faces.finder import Face, FaceFinder
from twinlens.faces.frame import aligned
from twinlens.faces.quality import Quality, measure
from twinlens.images import read_image, to_crop
from twinlens.types import UInt8Array

# Confidence that is enough for a face where one must be. Of the 41 photos of LFW in whose middle none is found with
# confidence 0, this leaves 1.
_UNSURE = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class AlignedFace:
    """A face, ready to be cropped as LFW's photos are.

    Attributes:
        pixels: uint8 ``(250, 250, 3)``, the photo in LFW's frame.
        face: Where it was found.
        quality: What was measured of it.
    """

    pixels: UInt8Array
    face: Face
    quality: Quality


def align_face(
    rgb: UInt8Array, name: str, finder: FaceFinder, number: int | None = None, most: int = 100
) -> AlignedFace:
    """Find a face in a photo and bring it into LFW's frame; :func:`~twinlens.images.to_crop` goes on from there.

    Args:
        rgb: The photo, uint8 ``(height, width, 3)``.
        name: What an error calls it.
        finder: Finds the faces.
        number: Which of several faces, counted from 1; without it the one that is clearly the largest.
        most: Faces that the photo may show.

    Raises:
        FaceError: There is no face, none of this number, several that may be meant, or too many.
    """
    face = chosen(finder(rgb), name, number, most)
    pixels = aligned(rgb, face.landmarks)
    return AlignedFace(pixels, face, measure(face.landmarks, pixels))


def read_face_crop(path: Path, frame: Frame, finder: FaceFinder, *, framed: bool) -> tuple[UInt8Array, bool]:
    """:func:`read_aligned` and then the crop, uint8 ``frame.shape``, and whether a face was found."""
    rgb, found = read_aligned(path, finder, framed=framed)
    return to_crop(rgb, frame), found


def read_aligned(path: Path, finder: FaceFinder, *, framed: bool) -> tuple[UInt8Array, bool]:
    """Read a photo and bring the face in it into LFW's frame.

    Args:
        path: The photo.
        finder: Finds the faces.
        framed: Whether the photo lies in LFW's frame, roughly, before. Then there is a face in its middle, which
            counts, and is looked for again with less confidence; if it is not found the photo stays as it is.

    Returns:
        uint8 ``(250, 250, 3)``, or the photo as it is, and whether a face was found.

    Raises:
        ImageError: The photo cannot be read.
        FaceError: It is not framed, and there is no face or several that may be meant.
    """
    rgb = read_image(path)
    face = _middle_face(rgb, finder) if framed else chosen(finder(rgb), str(path))
    return (rgb, False) if face is None else (aligned(rgb, face.landmarks), True)


def _middle_face(rgb: UInt8Array, finder: FaceFinder) -> Face | None:
    return central(finder(rgb)) or central(finder(rgb, _UNSURE))
