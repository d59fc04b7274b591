"""Which of the faces in a photo is meant."""

from __future__ import annotations

from collections.abc import Sequence

from twinlens.errors import FaceError, SeveralFacesError
from twinlens.faces.finder import Face
from twinlens.faces.frame import SIDE

# So many times as wide as the next one, a face is what the photo is of.
_STANDS_OUT = 1.5


def chosen(faces: Sequence[Face], name: str, number: int | None = None, most: int = 100) -> Face:
    """The face that is asked for, or the one that is clearly the largest.

    Args:
        faces: Of one photo, the largest first.
        name: What an error calls the photo.
        number: Counted from 1 in the order of ``faces``; without it the largest face must be half as wide again
            as the next one.
        most: Faces that there may be.

    Raises:
        FaceError: There is no face, none of this number, several that may be meant, all of which are listed, or more
            than can be.
    """
    if not faces:
        raise FaceError(
            f"{name} shows no face that can be found.",
            "Take a sharp photo of the face from the front, upright and not covered; or cut it out as LFW's photos "
            "are cut, and say that it is aligned.",
        )
    if len(faces) > most:
        raise FaceError(f"{name} shows {len(faces)} faces, allowed are {most}.", "Cut out the one that is meant.")
    if number is not None:
        if not 1 <= number <= len(faces):
            raise FaceError(f"{name} shows no face number {number}, but {_listed(faces)}.", "Give one of these.")
        return faces[number - 1]
    if len(faces) > 1 and faces[0].size < _STANDS_OUT * faces[1].size:
        raise SeveralFacesError(
            f"{name} shows {len(faces)} faces, none much larger than the others: {_listed(faces)}.",
            "Say which one by its number, or cut the others off.",
        )
    return faces[0]


def central(faces: Sequence[Face]) -> Face | None:
    """The face in the middle of a photo that lies in LFW's frame, whose subject it shows; the surest of several."""
    middle = [face for face in faces if _holds_the_middle(face)]
    return max(middle, key=lambda face: face.confidence, default=None)


def _holds_the_middle(face: Face) -> bool:
    left, top, right, bottom = face.box
    return max(left, top) <= (SIDE - 1) / 2 <= min(right, bottom)


def _listed(faces: Sequence[Face]) -> str:
    """Every face with its number, size and place, e.g. ``1 (120 pixels wide, around x 300, y 210)``."""
    return "; ".join(
        f"{number} ({face.size:.0f} pixels wide, around x {face.landmarks[:, 0].mean():.0f}, "
        f"y {face.landmarks[:, 1].mean():.0f})"
        for number, face in enumerate(faces, start=1)
    )
