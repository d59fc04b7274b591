"""A run's bundle as a folder of its own: checked against the trained network, and in 8-bit integers if asked for."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from twinlens.bundle import FORMAT, Bundle, Manifest, read_bundle, refuse_other_folder, write_bundle
from twinlens.config import Config
from twinlens.errors import ConfigError
from twinlens.evaluation.result import Result
from twinlens.evaluation.thresholds import usual_points
from twinlens.reporting.card import make_card
from twinlens.reporting.scores import read_result
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder
from twinlens.types import UInt8Array
from twinlens.workflow.calibrated import calibrated
from twinlens.workflow.preparation import Prepared, prepare
from twinlens.workflow.quantising import Quantisation, compare, quantise

# How far an embedding may be from the trained network's.
PARITY_BOUND = 1e-3
# Validation crops that are enough to compare two networks on, and to fix the scales of 8-bit integers.
_CROPS = 256
_BATCH = 32


class Export(BaseModel):
    """What an export came to.

    Attributes:
        folder: Of the bundle.
        fingerprint: Of the bundle.
        difference: Largest difference between embeddings of the ONNX file and of the trained network.
        crops: Validation crops that they were compared on.
        quantisation: None if the model stays in floating point.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    folder: Path
    fingerprint: str
    difference: float
    crops: int
    quantisation: Quantisation | None


def export(folder: str | Path, out: str | Path, *, int8: bool = False, skip_broken: bool = False) -> Export:
    """Write a run's bundle into a folder of its own.

    The ONNX file is compared with the trained network on real validation crops. A bundle of today's format is copied as
    it is, so that its fingerprint stays; one of an older format is calibrated again, as is one in 8-bit integers.

    Args:
        folder: The run's folder.
        out: The bundle's folder; a bundle that lies there is replaced.
        int8: Turn the network into 8-bit integers.
        skip_broken: Leave out images that cannot be read.

    Raises:
        RunError: The folder is no trained run.
        BundleError: The ONNX file differs from the trained network, or loses too much in 8 bits, or ``out`` holds
            something else than a bundle.
        ConfigError: What is needed is not installed.
        DataError: The photos are missing or wrong.
    """
    run, out = Run(Path(folder)), Path(out)
    config = run.config()
    refuse_other_folder(out)
    if find_spec("lightning") is None:
        raise ConfigError("Exporting a run needs torch.", "Install it: pip install 'twinlens[train]'.")
    bundle, result = read_bundle(run.bundle), read_result(run.folder)
    prepared = prepare(config, skip_broken=skip_broken)
    crops = _some_crops(prepared)
    difference = _difference(run, config, bundle, crops)
    content, manifest, quantisation = _model(bundle, config, prepared, crops, int8=int8)
    written = write_bundle(out, content, manifest, _card(result, manifest, quantisation))
    return Export(
        folder=out,
        fingerprint=written.manifest.fingerprint,
        difference=difference,
        crops=len(crops),
        quantisation=quantisation,
    )


def _some_crops(prepared: Prepared) -> UInt8Array:
    """Validation crops, evenly spread over all of them."""
    samples = prepared.partition.validation.samples
    chosen = samples[np.linspace(0, len(samples) - 1, min(_CROPS, len(samples))).astype(np.int64)]
    return np.ascontiguousarray(prepared.store.crops[chosen])


def _difference(run: Run, config: Config, bundle: Bundle, crops: UInt8Array) -> float:
    from twinlens.learning.export import TorchEncoder, refuse_disparity, trained_model

    trained, exported = TorchEncoder(trained_model(run, config)), load_encoder(bundle)
    batches = (crops[start : start + _BATCH] for start in range(0, len(crops), _BATCH))
    return max(refuse_disparity(trained, exported, batch, PARITY_BOUND) for batch in batches)


def _model(
    bundle: Bundle, config: Config, prepared: Prepared, crops: UInt8Array, *, int8: bool
) -> tuple[bytes, Manifest, Quantisation | None]:
    content, manifest = bundle.model.read_bytes(), bundle.manifest
    if not int8 and manifest.format == FORMAT:
        return content, manifest, None
    plain = calibrated(content, manifest, config, prepared)
    if not int8:
        return content, plain.manifest, None
    named = manifest.model_copy(update={"name": f"{manifest.name}-int8"})
    smaller = calibrated(quantise(bundle.model, crops), named, config, prepared)
    return smaller.content, smaller.manifest, compare(plain, smaller, crops)


def _card(result: Result, manifest: Manifest, quantisation: Quantisation | None) -> str:
    """The run's card with the thresholds of this bundle."""
    points = usual_points(manifest.operating_points)
    card = make_card(result.model_copy(update={"calibration": manifest.calibration, "operating_points": points}))
    if quantisation is None:
        return card
    before, after = quantisation.before, quantisation.after
    return (
        f"{card}\n\n## In 8-bit integers\n\nThis bundle, {manifest.name}, is the network in 8-bit integers. Thresholds "
        f"and calibration are its own; the other figures above are those of the network in floating point. On the "
        f"{quantisation.pairs:,} validation pairs accuracy is {after.accuracy:.4f} in place of {before.accuracy:.4f}, "
        f"and AUC {after.auc:.4f} in place of {before.auc:.4f}.\n"
    )
