"""dlib's network for faces, which was trained on about three million labelled photos: a baseline to measure up to.

References:
    D. E. King (2017), High quality face recognition with deep metric learning, blog.dlib.net: 99.38 % on LFW.
    K. He, X. Zhang, S. Ren and J. Sun (2016), Deep residual learning for image recognition, CVPR.
"""

from __future__ import annotations

from importlib.util import find_spec
from threading import Lock

import numpy as np

from twinlens.comparison import Euclidean
from twinlens.config import Frame
from twinlens.errors import BundleError, ConfigError
from twinlens.faces.finder import model_file
from twinlens.files import sha256_file
from twinlens.types import Float32Array, UInt8Array

MODEL_FILE = "dlib_face_recognition_resnet_model_v1.dat"
DIM = 128
# What the network was trained to measure with.
COMPARISON = Euclidean()
# dlib's face chip with its usual padding, in LFW's frame: bringing the mean landmarks that dlib aligns chips to onto
# those of LFW takes a chip to a square of this size and place, to within two of its pixels.
FRAME = Frame(align=True, crop_height=0.463, crop_width=0.463, shift=0.0416, height=150, width=150, colour="rgb")


class DlibEncoder:
    """Face chips uint8 ``(n, 150, 150, 3)`` to embeddings float32 ``(n, 128)``, about a tenth of a second each.

    Args:
        sha256: Of the file that the network must be in.

    Raises:
        ConfigError: dlib or its models are not installed.
        BundleError: The installed file is another one.
    """

    def __init__(self, sha256: str) -> None:
        path = model_file(MODEL_FILE)
        if find_spec("dlib") is None:
            raise ConfigError("This model needs dlib.", "Install it: pip install 'twinlens[faces]'.")
        if sha256_file(path) != sha256:
            raise BundleError(
                f"{path} is not the model that the manifest describes.",
                "Install the version of face_recognition_models that the bundle was made with.",
            )
        import dlib

        self._network = dlib.face_recognition_model_v1(str(path))
        self._lock = Lock()  # a network of dlib keeps the outputs of its layers in itself
        self.shape = FRAME.shape
        self.dim = DIM

    def __call__(self, crops: UInt8Array) -> Float32Array:
        """Embed ``crops``; none give none.

        Raises:
            ValueError: They have another shape or type.
        """
        if crops.ndim != 4 or crops.shape[1:] != self.shape or crops.dtype != np.uint8:
            raise ValueError(f"crops are {crops.dtype} {crops.shape}, not uint8 (n, {', '.join(map(str, self.shape))})")
        embeddings = np.empty((len(crops), self.dim), np.float32)
        for row, crop in zip(embeddings, crops, strict=True):
            with self._lock:
                # A copy where it is read-only, which dlib's binding refuses.
                row[:] = self._network.compute_face_descriptor(np.require(crop, np.uint8, ["C", "W"]))
        return embeddings
