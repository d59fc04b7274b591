"""People whose photos are patterns, and a model that knows them apart; no file, no face, no network."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from twinlens.bundle import Bundle, Manifest, Training, write_bundle
from twinlens.comparison import Comparison, Cosine
from twinlens.config import Frame
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.keys import Key
from twinlens.serving.verifier import Verifier
from twinlens.types import Calibration, Float32Array, Interval, OperatingPoint, UInt8Array

SIDE = 12
FRAME = Frame(height=SIDE, width=SIDE, crop_height=1, crop_width=1)
FACE_FRAME = Frame(height=SIDE, width=SIDE, crop_height=0.5, crop_width=0.5)
# Cosines of unrelated patterns have a standard deviation of 1/12; the thresholds are those of a normal distribution.
THRESHOLDS = {0.1: 0.107, 0.01: 0.194, 1e-3: 0.258, 1e-4: 0.31, 1e-5: 0.355, 1e-6: 0.396, 1e-7: 0.433}

COSINE = Cosine()
KEY = Key(bytes(range(32)))


class PatternEncoder:
    """Crops to embeddings: their pixels without the mean, turned by an orthogonal matrix."""

    def __init__(self, seed: int = 0) -> None:
        matrix = np.random.default_rng(seed).normal(size=(SIDE**2, SIDE**2))
        self.matrix = np.linalg.qr(matrix)[0]

    def __call__(self, crops: UInt8Array) -> Float32Array:
        pixels = crops.reshape(len(crops), -1) / 255
        return ((pixels - pixels.mean(axis=1, keepdims=True)) @ self.matrix).astype(np.float32)


def pattern_verifier(
    comparison: Comparison = COSINE,
    *,
    name: str = "patterns",
    seed: int = 0,
    faces: bool = False,
) -> Verifier:
    """A model; with ``faces`` it looks for a face in each photo, and compares the pixels of its middle."""
    points = tuple(
        OperatingPoint(fmr, Interval(threshold, threshold, threshold, "given"), 10**9, 10**9 * fmr, supported=True)
        for fmr, threshold in THRESHOLDS.items()
    )
    training = Training(
        recipe=name,
        dataset="lfw" if faces else "patterns",
        protocol="none",
        setting="identities",
        outside_data="none",
        leaks=False,
        synthetic=True,
        seed=seed,
        commit="0",
        seen=(),
    )
    manifest = Manifest(
        name=name,
        frame=FACE_FRAME if faces else FRAME,
        dim=SIDE**2,
        comparison=comparison,
        threshold=0.15,
        calibration=Calibration(40, -8, 1000, 1000),
        operating_points=points,
        training=training,
    )
    sealed = manifest.model_copy(update={"fingerprint": manifest.computed_fingerprint()})
    return Verifier(Bundle(folder=Path("none"), manifest=sealed), PatternEncoder(seed))


def pattern_bundle(folder: Path, *, name: str = "patterns", seed: int = 0) -> Path:
    """The same model as a bundle, with a network of one layer."""
    weights = PatternEncoder(seed).matrix / 255
    centred = (weights - weights.mean(axis=0)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["crops"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["embeddings"]),
    ]
    graph = helper.make_graph(
        nodes,
        "patterns",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", *FRAME.shape])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", SIDE**2])],
        [numpy_helper.from_array(centred, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    write_bundle(folder, model.SerializeToString(), pattern_verifier(name=name, seed=seed).manifest)
    return folder


def photo(subject: int, number: int = 0, noise: float = 12) -> UInt8Array:
    """A photo of a subject; RGB, uint8 (12, 12, 3)."""
    pattern = np.random.default_rng([1, subject]).uniform(60, 196, (SIDE, SIDE))
    taken = pattern + np.random.default_rng([2, subject, number]).normal(0, noise, (SIDE, SIDE))
    grey = np.clip(taken, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def enrol_some(gallery: Gallery, count: int = 8, photos: int = 1) -> None:
    """Enrol ``person 0``, ``person 1``, ..."""
    for subject in range(count):
        gallery.enrol(f"person {subject}", [photo(subject, number) for number in range(photos)])
