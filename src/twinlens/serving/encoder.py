"""The bundle's network on ONNX Runtime: an Encoder without torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from twinlens.bundle import CROPS, EMBEDDINGS, Bundle
from twinlens.cores import usable_cores
from twinlens.errors import BundleError
from twinlens.types import Float32Array, UInt8Array


class OnnxEncoder:
    """Crops uint8 ``(n, height, width, channels)`` to embeddings float32 ``(n, dim)``.

    Args:
        model: An ONNX file, or its content.
        shape: Height, width and channels that a crop must have.
        dim: Dimension that an embedding must have.
        threads: CPU threads; as many as the process may use if not given.

    Raises:
        BundleError: The file is no ONNX model, or its input or output has another form.
    """

    def __init__(self, model: Path | bytes, shape: tuple[int, int, int], dim: int, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or usable_cores()
        # What a model would read besides itself is not covered by its fingerprint, so it finds nothing.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        try:
            content = model if isinstance(model, bytes) else model.read_bytes()
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises a dozen exceptions without a common base
            name = "The model" if isinstance(model, bytes) else str(model)
            raise BundleError(f"{name} is no ONNX model that can be run: {error}", "Export it again.") from error
        self.shape = shape
        self.dim = dim
        self._refuse_other_form()

    def _refuse_other_form(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        fits = (
            [value.name for value in (*inputs, *outputs)] == [CROPS, EMBEDDINGS]
            and inputs[0].type == "tensor(uint8)"
            and tuple(inputs[0].shape[1:]) == self.shape
            and not isinstance(inputs[0].shape[0], int)  # as many crops as there are, not a fixed number
            and outputs[0].type == "tensor(float)"
            and tuple(outputs[0].shape[1:]) == (self.dim,)
        )
        if not fits:
            raise BundleError(
                f"The model maps {_form(inputs)} to {_form(outputs)}, but the manifest says {CROPS} uint8 "
                f"(n, {', '.join(map(str, self.shape))}) to {EMBEDDINGS} float (n, {self.dim}).",
                "Export it again.",
            )

    def __call__(self, crops: UInt8Array) -> Float32Array:
        """Embed ``crops``; none give none.

        Raises:
            ValueError: They have another shape or type.
        """
        if crops.ndim != 4 or crops.shape[1:] != self.shape or crops.dtype != np.uint8:
            raise ValueError(f"crops are {crops.dtype} {crops.shape}, not uint8 (n, {', '.join(map(str, self.shape))})")
        if len(crops) == 0:
            return np.empty((0, self.dim), np.float32)
        (embeddings,) = self._session.run(None, {CROPS: crops})
        return np.asarray(embeddings, np.float32)


def _form(values: Sequence[onnxruntime.NodeArg]) -> str:
    """Name, type and shape of inputs or outputs, e.g. ``crops uint8 (n, 105, 105, 1)``."""
    return ", ".join(
        f"{value.name} {value.type.removeprefix('tensor(').removesuffix(')')} ({', '.join(map(str, value.shape))})"
        for value in values
    )


def load_encoder(bundle: Bundle, threads: int | None = None) -> OnnxEncoder:
    """The encoder of a verified bundle.

    Raises:
        BundleError: As :class:`OnnxEncoder`, or the model was changed since it was verified.
    """
    content = bundle.model.read_bytes()
    if hashlib.sha256(content).hexdigest() != bundle.manifest.model_sha256:
        raise BundleError(f"{bundle.model} was changed after it was verified.", "Export the model again.")
    return OnnxEncoder(content, bundle.manifest.frame.shape, bundle.manifest.dim, threads)
