"""A model in 8-bit integers: smaller and faster, and a little different, which is measured."""

from __future__ import annotations

import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from onnxruntime import InferenceSession
from pydantic import BaseModel, ConfigDict

from twinlens.bundle import CROPS
from twinlens.errors import BundleError, ConfigError
from twinlens.evaluation import metrics
from twinlens.halves import store_in_half
from twinlens.progress import track
from twinlens.remarks import only_errors
from twinlens.serving.encoder import OnnxEncoder
from twinlens.types import UInt8Array
from twinlens.workflow.calibrated import CalibratedModel

# What an 8-bit model may lose on the validation pairs: one point of accuracy, and half a point of AUC.
ACCURACY_LOSS, AUC_LOSS = 0.01, 0.005
_BATCH = 32
# The fastest of so many is what a photo takes when nothing else is in the way.
_TIMINGS = 30


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Worth(_Value):
    """What a model is worth on the validation pairs, and what it takes.

    Attributes:
        accuracy: Share of the pairs decided rightly, at the model's own threshold.
        auc: Area under its ROC curve.
        size: Of the ONNX file in bytes.
        milliseconds: For one crop on one thread.
    """

    accuracy: float
    auc: float
    size: int
    milliseconds: float


class Quantisation(_Value):
    """An 8-bit model beside the one that it was made of.

    Attributes:
        pairs: Validation pairs that both decided.
        before: In floating point.
        after: In 8-bit integers.
    """

    pairs: int
    before: Worth
    after: Worth


def quantise(model: Path, crops: UInt8Array) -> bytes:
    """Turn a model's weights and activations into 8-bit integers, each channel of weights with its own scale.

    The scales of activations come from real crops and are fixed from then on. Weights take 7 of the 8 bits, as some
    processors add two products in 16 bits, which 8 bits overflow; so the result is the same on all of them. Products of
    whole matrices stay as they are: that is what is fitted on top of a network, small and exact.

    Args:
        model: An ONNX file in floating point.
        crops: uint8 ``(n, height, width, channels)`` to fix the scales on.

    Returns:
        The ONNX file, with a pair of nodes QuantizeLinear and DequantizeLinear around every operation.

    Raises:
        ConfigError: What does this is not installed.
        BundleError: The model cannot be computed so.

    References:
        B. Jacob et al. (2018), Quantization and training of neural networks for efficient integer-arithmetic-only
        inference, CVPR.
    """
    if find_spec("onnx") is None:
        raise ConfigError("An 8-bit model needs onnx.", "Install it: pip install 'twinlens[import]'.")
    try:
        with only_errors():  # ONNX Runtime remarks on how it would have its models prepared
            content = _quantised(model, crops)
            InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {CROPS: crops[:1]})
    except Exception as error:  # ONNX Runtime raises a dozen exceptions without a common base
        raise BundleError(f"The model cannot be computed in 8 bits: {error}.", "Export it without --int8.") from error
    return content


def _quantised(model: Path, crops: UInt8Array) -> bytes:
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        prepared, done = Path(folder) / "prepared.onnx", Path(folder) / "done.onnx"
        quant_pre_process(model, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            done,
            _Reader(crops),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[node.name for node in onnx.load(prepared).graph.node if node.op_type == "MatMul"],
        )
        content: bytes = store_in_half(onnx.load(done)).SerializeToString()
        return content


def compare(before: CalibratedModel, after: CalibratedModel, crops: UInt8Array) -> Quantisation:
    """Hold an 8-bit model against the one that it was made of.

    Args:
        before: In floating point.
        after: In 8-bit integers.
        crops: uint8 ``(n, height, width, channels)``; the first is what both are timed on.

    Raises:
        BundleError: It loses too much.
    """
    slow, fast = _milliseconds((before, after), crops)
    found = Quantisation(pairs=len(before.scores), before=_worth(before, slow), after=_worth(after, fast))
    one, other = found.before, found.after
    if one.accuracy - other.accuracy > ACCURACY_LOSS or one.auc - other.auc > AUC_LOSS:
        raise BundleError(
            f"In 8 bits the model loses too much on {found.pairs:,} validation pairs: accuracy {one.accuracy:.4f} "
            f"becomes {other.accuracy:.4f}, AUC {one.auc:.4f} becomes {other.auc:.4f} (at most {ACCURACY_LOSS:g} "
            f"and {AUC_LOSS:g} less).",
            "Export it without --int8.",
        )
    return found


def _worth(model: CalibratedModel, milliseconds: float) -> Worth:
    return Worth(
        accuracy=metrics.accuracy(model.scores, model.manifest.threshold),
        auc=metrics.auc(model.scores),
        size=len(model.content),
        milliseconds=milliseconds,
    )


def _milliseconds(models: tuple[CalibratedModel, ...], crops: UInt8Array) -> list[float]:
    """What one crop takes on one thread; the models take turns, so that a busy machine is busy for all of them."""
    encoders = [
        OnnxEncoder(model.content, model.manifest.frame.shape, model.manifest.dim, threads=1) for model in models
    ]
    taken: list[list[float]] = [[] for _ in models]
    for _ in range(_TIMINGS):
        for encoder, times in zip(encoders, taken, strict=True):
            start = time.perf_counter()
            encoder(crops[:1])
            times.append(time.perf_counter() - start)
    return [1000 * min(times) for times in taken]


class _Reader:
    """Gives the crops in batches, as ONNX Runtime asks for them."""

    def __init__(self, crops: UInt8Array) -> None:
        starts = range(0, len(crops), _BATCH)
        self._batches = (crops[start : start + _BATCH] for start in track(starts, "Measuring activations", len(starts)))

    def get_next(self) -> dict[str, UInt8Array] | None:
        """The next batch, none after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {CROPS: batch}
