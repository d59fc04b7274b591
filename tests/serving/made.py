"""Tiny bundles whose right figures are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.serving.test_encoder import linear_model
from tests.test_bundle import make_manifest, make_training
from twinlens.bundle import Bundle, Manifest, write_bundle
from twinlens.comparison import Cosine
from twinlens.config import Frame
from twinlens.types import Calibration, ImpostorTail, Interval, OperatingPoint

FRAME = Frame(crop_height=0.6, crop_width=0.6, height=24, width=24)
DIM = 3


def point(fmr: float, threshold: float, impostor_pairs: int = 40_000) -> OperatingPoint:
    """Thresholds as far up as the rates are low."""
    interval = Interval(threshold, threshold - 0.01, threshold + 0.02, "made")
    return OperatingPoint(fmr, interval, impostor_pairs, fmr * impostor_pairs, fmr * impostor_pairs >= 30)


POINTS = (point(0.1, 0.3), point(0.02, 0.5), point(0.01, 0.6), point(0.001, 0.8), point(1e-4, 0.9))
TAIL = ImpostorTail(0.001, 0.82, 0.05)


def small_manifest(dataset: str = "omniglot", **keys: Any) -> Manifest:
    """Of a model that tells the brightness of three parts of a crop."""
    values: dict[str, Any] = {
        "frame": FRAME,
        "dim": DIM,
        "comparison": Cosine(),
        "threshold": 0.25,
        "calibration": Calibration(8.0, -2.0, 100, 100, (0.5, -0.1, 0.04)),
        "operating_points": POINTS,
        "tail": TAIL,
        "training": make_training(dataset=dataset),
    }
    return make_manifest(**(values | keys))


def small_bundle(folder: Path, dataset: str = "omniglot", **keys: Any) -> Bundle:
    """The bundle of :func:`small_manifest`."""
    manifest = small_manifest(dataset, **keys)
    return write_bundle(folder, linear_model(shape=manifest.frame.shape, dim=DIM), manifest)
