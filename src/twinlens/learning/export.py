"""From a trained module to ONNX, checked against it on real crops."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from twinlens.bundle import CROPS, EMBEDDINGS
from twinlens.comparison import Cosine
from twinlens.config import Config
from twinlens.errors import BundleError, RunError
from twinlens.halves import store_in_half
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.networks import Twin
from twinlens.learning.refining.stored import load_refined
from twinlens.learning.rounding import rounded
from twinlens.remarks import only_errors
from twinlens.runs import Run
from twinlens.types import Encoder, Float32Array, UInt8Array

_OPSET = 20
# What a module calls its twin.
_PREFIX = "twin."


class TorchEncoder:
    """A module as an :class:`~twinlens.types.Encoder`, in float32.

    Args:
        module: Crops to embeddings, such as a twin; left in evaluation mode.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module.eval()

    def __call__(self, crops: UInt8Array) -> Float32Array:
        """Embed uint8 crops ``(n, height, width, channels)`` as float32 ``(n, dim)``."""
        device = next(self._module.parameters()).device
        with torch.inference_mode():
            # A copy, as torch warns of sharing the memory of a read-only store.
            embeddings: Float32Array = self._module(torch.tensor(crops, device=device)).float().cpu().numpy()
        return embeddings


def trained_model(run: Run, config: Config) -> nn.Module:
    """The twin of a run's best epoch and what was fitted on top of it; arguments and errors as :func:`trained_twin`."""
    twin = trained_twin(run, config)
    # What is fitted on top of a network has comparisons of its own, and is joined by cosines elsewhere.
    return load_refined(run.refined, twin, Cosine(), config) if run.refined.is_file() else twin


def trained_twin(run: Run, config: Config) -> Twin:
    """The twin of a run's best epoch, in evaluation mode.

    Args:
        run: Trained.
        config: Its own.

    Raises:
        RunError: Its weights are missing, or of another network.
    """
    state = SafetensorsIO().load_checkpoint(run.best)["state_dict"]
    twin = Twin(config.network, config.normalisation, config.frame, config.inference)
    try:
        twin.load_state_dict({name.removeprefix(_PREFIX): state[name] for name in state if name.startswith(_PREFIX)})
    except RuntimeError as error:
        raise RunError(f"{run.best} is of another network than {run.recipe}.", "Bring both back.") from error
    return rounded(twin).eval()


def to_onnx(module: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """A twin, or what was made of it, as an ONNX file.

    It maps ``crops``, uint8 ``(n, *shape)``, to ``embeddings``, float32 ``(n, dim)``. Normalisation is part of the
    graph, so nobody who uses the model can get it wrong. The module itself is left on the CPU and in evaluation mode.
    """
    example = torch.zeros(2, *shape, dtype=torch.uint8)
    plain = module.eval().to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    # It remarks that torchvision, which nobody needs, is not installed.
    with warnings.catch_warnings(), only_errors("torch.onnx"):
        warnings.simplefilter("ignore")  # deprecations inside the exporter, which nobody here can act on
        program = torch.onnx.export(
            plain,
            (example,),
            input_names=[CROPS],
            output_names=[EMBEDDINGS],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    return _without_traces(store_in_half(program.model_proto))


def _without_traces(model: Any) -> bytes:
    """An ONNX model's content without where in whose folders the exporter found each operation.

    So the same model is the same file wherever it was exported.
    """
    graph = model.graph
    for described in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        described.ClearField("metadata_props")
        described.ClearField("doc_string")
    content: bytes = model.SerializeToString()
    return content


def refuse_disparity(first: Encoder, second: Encoder, crops: UInt8Array, bound: float) -> float:
    """The largest difference between two encoders' embeddings of the same crops.

    Raises:
        BundleError: It is more than ``bound``.
    """
    one, other = first(crops), second(crops)
    difference = float(np.abs(one - other).max()) if one.shape == other.shape else float("inf")
    if not difference <= bound:
        raise BundleError(f"The exported model differs from the trained one by {difference:.2g} (at most {bound:.2g}).")
    return difference
