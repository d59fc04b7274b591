"""Find the faces in a photo, with five landmarks each.

References:
    N. Dalal and B. Triggs (2005), Histograms of oriented gradients for human detection, CVPR.
    V. Kazemi and J. Sullivan (2014), One millisecond face alignment with an ensemble of regression trees, CVPR.
    D. E. King (2009), Dlib-ml: a machine learning toolkit, Journal of Machine Learning Research 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

from twinlens.errors import ConfigError
from twinlens.types import Float64Array, UInt8Array

# In dlib's order; left and right are those of the person, so the left eye is on the right of the photo.
LANDMARKS = (
    "left eye, outer corner",
    "left eye, inner corner",
    "right eye, outer corner",
    "right eye, inner corner",
    "base of the nose",
)

# Longest side at which faces are looked for: the detector's smallest face, 80 pixels, is then 6 % of it.
_LOOK_AT = 1280
_MODELS = "face_recognition_models"
_REMEDY = "Install what is needed: pip install 'twinlens[faces]'."


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in a photo.

    Attributes:
        box: Left, top, right and bottom in pixels; may reach over the edge of the photo.
        landmarks: float64 ``(5, 2)``, x and y in pixels of :data:`LANDMARKS`; the centre of the first pixel is
            (0, 0).
        confidence: The detector's; higher is surer.
    """

    box: tuple[float, float, float, float]
    landmarks: Float64Array
    confidence: float

    @property
    def size(self) -> float:
        """Width of the box in pixels."""
        return self.box[2] - self.box[0]


class FaceFinder:
    """Finds upright faces seen from the front, at least about a sixteenth of the photo's longest side wide.

    Of photos that show none it looks for half that size. Several threads may share one finder.

    Raises:
        ConfigError: dlib or its models are not installed.
    """

    def __init__(self) -> None:
        if find_spec("dlib") is None:
            raise ConfigError("Finding faces needs dlib.", _REMEDY)
        import dlib

        self._detector = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(model_file("shape_predictor_5_face_landmarks.dat")))
        self._rectangle = dlib.rectangle
        self._lock = Lock()  # the detector keeps its work in itself

    def __call__(self, rgb: UInt8Array, least: float = 0.0) -> tuple[Face, ...]:
        """All faces of a photo, the largest first; perhaps none.

        Args:
            rgb: uint8 ``(height, width, 3)``.
            least: Confidence that a face must have. From 0 on false finds are rare.
        """
        # A copy where it is read-only, which dlib's binding refuses.
        pixels = np.require(rgb, np.uint8, ["C", "W"])
        scale = min(1.0, _LOOK_AT / max(rgb.shape[:2]))
        boxes = self._boxes(pixels, scale, 0, least) or self._boxes(pixels, scale, 1, least)
        faces = [Face(box, self._landmarks(pixels, box), confidence) for box, confidence in boxes]
        return tuple(sorted(faces, key=lambda face: -face.size))

    def _boxes(
        self, pixels: UInt8Array, scale: float, doublings: int, least: float
    ) -> list[tuple[tuple[float, float, float, float], float]]:
        """Boxes in the photo's pixels and the confidence in each, found where it is shrunk by ``scale``."""
        if scale < 1:
            height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
            small = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
            pixels = np.array(small)
        with self._lock:
            found, confidences, _ = self._detector.run(pixels, doublings, least)
        return [
            ((box.left() / scale, box.top() / scale, box.right() / scale, box.bottom() / scale), confidence)
            for box, confidence in zip(found, confidences, strict=True)
        ]

    def _landmarks(self, pixels: UInt8Array, box: tuple[float, float, float, float]) -> Float64Array:
        shape = self._predictor(pixels, self._rectangle(*map(round, box)))
        return np.array([(point.x, point.y) for point in shape.parts()], np.float64)


def model_file(name: str) -> Path:
    """Where a file of the package ``face_recognition_models`` lies, which fails when it is imported.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        found = next((file for file in files(_MODELS) or () if file.name == name), None)
    except PackageNotFoundError:
        found = None
    path = None if found is None else Path(str(found.locate()))
    if path is None or not path.is_file():
        raise ConfigError(f"The package {_MODELS} with the model {name} is not installed.", _REMEDY)
    return path
