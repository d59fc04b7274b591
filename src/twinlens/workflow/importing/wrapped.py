"""What is done to a network once it takes crops: it is tried, says what it makes, and may look into a mirror."""

from __future__ import annotations

import numpy as np

from twinlens.bundle import CROPS, EMBEDDINGS
from twinlens.config import Frame
from twinlens.errors import BundleError
from twinlens.types import Float32Array, UInt8Array
from twinlens.workflow.importing.chain import Chain, enclosed

# How far an embedding may depend on its batch, relative to the largest number in it.
_ROUNDING = 1e-3
_PREFIX = "half/"


def probed(content: bytes, crops: UInt8Array, name: str) -> Float32Array:
    """Embed a few crops with a wrapped network, together and one by one, and refuse what cannot be right.

    Args:
        content: What :meth:`Network.wrapped` gave.
        crops: uint8 ``(n, height, width, channels)``, at least two and all different.
        name: What an error calls the network.

    Returns:
        float32 ``(n, dim)``.

    Raises:
        BundleError: The network cannot be run, takes one picture at a time only, or gives something else than one
            embedding of finite numbers for each picture, whatever others are beside it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is said below
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        alone = np.concatenate([session.run(None, {CROPS: crop[None]})[0] for crop in crops])
    except Exception as error:  # ONNX Runtime raises a dozen exceptions without a common base
        raise BundleError(f"{name} cannot be run: {error}", "Export it again.") from error
    if alone.ndim != 2 or len(alone) != len(crops):
        raise BundleError(
            f"{name} makes an array of shape {alone.shape} of {len(crops)} pictures, and embeddings are (n, dim).",
            "Export it with a pooled, flattened embedding as its output.",
        )
    try:
        (together,) = session.run(None, {CROPS: crops})
    except Exception as error:
        raise _fixed_batch(name) from error
    if together.shape != alone.shape:
        raise _fixed_batch(name)
    if not np.isfinite(together).all():
        raise BundleError(
            f"{name} makes embeddings that are not finite numbers.", "Check --normalise, or export it as float32."
        )
    if np.abs(together - alone).max() > _ROUNDING * np.abs(alone).max():
        raise BundleError(
            f"What {name} makes of a picture depends on the other pictures in the batch.",
            "Export it in evaluation mode.",
        )
    return np.asarray(together, np.float32)


def mirrored(content: bytes, frame: Frame, dim: int) -> bytes:
    """A wrapped network whose embedding is the mean of those of a crop and of its mirror image.

    Args:
        content: The wrapped network.
        frame: Of its crops.
        dim: Of its embeddings.
    """
    from onnx import compose, load_model_from_string

    model = compose.add_prefix(load_model_from_string(content), _PREFIX)
    chain = Chain(CROPS)
    chain.add("Gather", np.arange(frame.width)[::-1].copy(), axis=2)
    chain.add("Concat", CROPS, axis=0)
    chain.end(_PREFIX + CROPS)
    front = list(chain.nodes)
    chain.last = _PREFIX + EMBEDDINGS
    chain.add("Reshape", np.array([2, -1, dim]))
    both = chain.last
    chain.add("Gather", np.array(0), axis=0)
    first, chain.last = chain.last, both
    chain.add("Gather", np.array(1), axis=0)
    chain.add("Add", first)
    chain.add("Mul", np.array(0.5, np.float32))
    chain.end(EMBEDDINGS)
    return enclosed(model, [*front, *model.graph.node, *chain.nodes[len(front) :]], chain.constants, frame, dim)


def with_dim(content: bytes, dim: int) -> bytes:
    """A wrapped network that says how many numbers its embeddings have."""
    import onnx

    model = onnx.load_model_from_string(content)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = dim
    named: bytes = model.SerializeToString()
    return named


def _fixed_batch(name: str) -> BundleError:
    return BundleError(
        f"{name} takes one picture at a time: its batch is fixed to 1 inside.", "Export it with a dynamic batch axis."
    )
