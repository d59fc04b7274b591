"""How good a photo of a face is, and whether it is good enough to be remembered.

The bounds are percentiles over the photos of LFW that ``tools/mean_landmarks.py`` measured: a photo beyond them is
unlike nearly all that the figures of a network rest on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinlens.errors import FaceError
from twinlens.faces.frame import SIDE, lfw_statistics
from twinlens.looks import brightness_and_sharpness, luma
from twinlens.types import Float64Array, UInt8Array

# The face without hair and background: the middle half of the frame.
_MIDDLE = slice(SIDE // 4, SIDE - SIDE // 4)


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of one face.

    Attributes:
        eye_distance: Pixels of the photo between the centres of the eyes.
        sharpness: Of the aligned face: standard deviation of its Laplacian over that of the face itself.
        brightness: Mean luma of the aligned face, 0 (black) to 1 (white).
        contrast: Standard deviation of that luma, 0 to 0.5.
        turn: How far the nose is off the middle of the eyes, in eye distances; 0 seen from the front, positive
            if the nose is to the right in the photo.
        nod: How far the nose is below the eyes, in eye distances; more if the head is lowered, less if it is
            raised.
    """

    eye_distance: float
    sharpness: float
    brightness: float
    contrast: float
    turn: float
    nod: float


# What is wrong with a photo below, or above, the bound of a measure, and what to do about it.
_TOO_LOW = {
    "eye_distance": ("the face is too small", "Take it from nearer, or with more pixels."),
    "sharpness": ("the face is blurred", "Hold the camera still and focus on the face."),
    "brightness": ("the face is too dark", "Use more light."),
    "contrast": ("the face has too little contrast", "Mind the light, and what is in front of the lens."),
    "turn": ("the head is turned to the side", "Look into the camera."),
    "nod": ("the head is raised", "Hold the head upright."),
}
_TOO_HIGH = {
    "brightness": ("the face is too bright", "Use less light."),
    "turn": ("the head is turned to the side", "Look into the camera."),
    "nod": ("the head is lowered", "Hold the head upright."),
}


def measure(landmarks: Float64Array, aligned: UInt8Array) -> Quality:
    """Measure a face.

    Args:
        landmarks: float64 ``(5, 2)``, x and y in pixels of the photo.
        aligned: The same face in LFW's frame, uint8 ``(250, 250, 3)``.
    """
    face = np.ascontiguousarray(aligned[_MIDDLE, _MIDDLE])[None]
    (brightness,), (sharpness,) = brightness_and_sharpness(face, np.arange(1))
    left_outer, left_inner, right_outer, right_inner, nose = landmarks @ np.array([1, 1j])
    left, right = (left_outer + left_inner) / 2, (right_outer + right_inner) / 2
    # In units of the eye distance, with the x axis through the eyes: the person's left eye is on the right.
    offset = (nose - (left + right) / 2) / (left - right)
    return Quality(
        eye_distance=float(abs(left - right)),
        sharpness=float(sharpness),
        brightness=float(brightness),
        contrast=float(luma(face).std() / 255),
        turn=float(offset.real),
        nod=float(offset.imag),
    )


def shortcomings(quality: Quality) -> dict[str, str]:
    """What is wrong, with the figures that say so, and what to do about each; empty if all is well."""
    found = {}
    bounds = lfw_statistics()["quality"]
    for measured, (wrong, remedy) in _TOO_LOW.items():
        value, low = getattr(quality, measured), bounds[measured]["low"]
        if value < low:
            found[f"{wrong} ({measured.replace('_', ' ')} {value:.3g}, at least {low:.3g} is needed)"] = remedy
    for measured, (wrong, remedy) in _TOO_HIGH.items():
        value, high = getattr(quality, measured), bounds[measured]["high"]
        if value > high:
            found[f"{wrong} ({measured.replace('_', ' ')} {value:.3g}, at most {high:.3g} is allowed)"] = remedy
    return found


def refuse_poor(quality: Quality, name: str) -> None:
    """Refuse a photo that should not be enrolled.

    Raises:
        FaceError: A measure is beyond the percentiles of LFW's photos; all such are named.
    """
    found = shortcomings(quality)
    if found:
        remedies = " ".join(dict.fromkeys(found.values()))
        raise FaceError(f"{name} is not good enough to be enrolled: {'; '.join(found)}.", remedies)
