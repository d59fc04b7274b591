"""Wrap any embedding network in ONNX so that it takes crops: uint8, height × width × channels, any number at once.

What the network wants of the pixels becomes the first nodes of its graph, so nobody who uses it can get that wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twinlens.config import Frame
from twinlens.errors import BundleError, ConfigError
from twinlens.types import Float32Array, UInt8Array
from twinlens.workflow.chain import Chain
from twinlens.workflow.pixels import Pixels, normalise

if TYPE_CHECKING:
    from onnx import GraphProto, ValueInfoProto

_OLDEST_OPSET = 9
# Names of what is added; those of the network itself get this in front, lest two be the same.
_PREFIX = "network/"
# How far an embedding may depend on its batch, relative to the largest number in it.
_ROUNDING = 1e-3
_CROPS, _EMBEDDINGS, _BATCH = "crops", "embeddings", "n"


class Network:
    """A network in ONNX: one picture in, one embedding out.

    Args:
        path: The ONNX file; weights that lie beside it are taken in.

    Raises:
        BundleError: It is no ONNX file, or has another form; the error says which.
    """

    def __init__(self, path: Path) -> None:
        import onnx

        self._name = name = str(path)
        try:
            model = onnx.load(path)
            onnx.checker.check_model(model)
        except Exception as error:  # protobuf and the checker have no common base
            raise BundleError(f"{name} is no ONNX model that can be read: {error}", "Export it again.") from error
        self._model = model
        self._picture = self._the_picture(model.graph)
        self._result = self._the_embedding(model.graph)
        self._refuse_old()
        self._shape = _shape(self._picture)
        self._is_channels_first = self._find_channels() == 1

    def frame(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The keys of a frame: those asked for, and height, width and colour as the network has them.

        Raises:
            ConfigError: A key contradicts the network.
        """
        height, width = self._shape[2:] if self._is_channels_first else self._shape[1:3]
        channels = self._shape[1 if self._is_channels_first else 3]
        own = {"height": height, "width": width, "colour": "rgb" if channels == 3 else "grey"}
        for key, value in own.items():
            if isinstance(value, str | int) and asked.get(key, value) != value:
                raise ConfigError(f"--frame {key}={asked[key]} does not fit {self._name}, which takes {value}.")
            if value is None and key not in asked:
                raise ConfigError(f"{self._name} takes pictures of any {key}.", f"Say which: --frame {key}=112.")
        return {key: value for key, value in own.items() if value is not None} | asked

    def wrapped(self, frame: Frame, pixels: Pixels) -> bytes:
        """The network as an ONNX file that maps ``crops`` uint8 ``(n, *frame.shape)`` to ``embeddings`` float32.

        Args:
            frame: Its size and colour are those of the crops.
            pixels: What is done to the pixels.

        Raises:
            ConfigError: What is to be done to the pixels is not said, or said twice, or does not fit the colours.
        """
        from onnx import TensorProto, checker, compose, helper

        kind = self._picture.type.tensor_type.elem_type
        self._refuse_pixels(pixels, frame, takes_bytes=kind == TensorProto.UINT8)
        model = compose.add_prefix(self._model, _PREFIX)
        graph = model.graph
        front = Chain(_CROPS)
        normalise(front, pixels, kind)
        if self._is_channels_first:
            front.add("Transpose", perm=[0, 3, 1, 2])
        front.end(_PREFIX + self._picture.name)
        back = helper.make_node("Cast", [_PREFIX + self._result.name], [_EMBEDDINGS], to=TensorProto.FLOAT)
        nodes = [*front.nodes, *graph.node, back]
        composed = helper.make_graph(
            nodes,
            graph.name or "network",
            [helper.make_tensor_value_info(_CROPS, TensorProto.UINT8, [_BATCH, *frame.shape])],
            [helper.make_tensor_value_info(_EMBEDDINGS, TensorProto.FLOAT, [_BATCH, "dim"])],
            [*graph.initializer, *front.constants],
            sparse_initializer=list(graph.sparse_initializer),
        )
        wrapped = helper.make_model(composed, opset_imports=model.opset_import, ir_version=max(4, model.ir_version))
        wrapped.functions.extend(model.functions)
        checker.check_model(wrapped)
        content: bytes = wrapped.SerializeToString()
        return content

    def _the_picture(self, graph: GraphProto) -> ValueInfoProto:
        """The one input; in old files weights are inputs, too."""
        from onnx import TensorProto

        weights = {weight.name for weight in graph.initializer}
        inputs = [value for value in graph.input if value.name not in weights]
        if len(inputs) != 1:
            raise BundleError(
                f"{self._name} has {len(inputs)} inputs ({_described(inputs)}), and one picture is all it gets.",
                "Export it with one input.",
            )
        (picture,) = inputs
        if len(_shape(picture)) != 4:
            raise BundleError(
                f"{self._name} takes {_described(inputs)}, which is no batch of pictures: that has four axes.",
                "Export it with an input (n, channels, height, width) or (n, height, width, channels).",
            )
        kinds = (TensorProto.UINT8, TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
        if picture.type.tensor_type.elem_type not in kinds:
            raise BundleError(
                f"{self._name} takes {_described(inputs)}.",
                "Export it with an input of floating-point or uint8 pixels.",
            )
        return picture

    def _the_embedding(self, graph: GraphProto) -> ValueInfoProto:
        if len(graph.output) != 1:
            raise BundleError(
                f"{self._name} has {len(graph.output)} outputs ({_described(graph.output)}), and which of them is "
                "the embedding it does not say.",
                "Export it with the embedding as its one output.",
            )
        shape = _shape(graph.output[0])
        if shape and len(shape) != 2:
            raise BundleError(
                f"{self._name} gives {_described(graph.output)}, and embeddings have two axes: (n, dim).",
                "Export it with a pooled, flattened embedding as its output.",
            )
        result: ValueInfoProto = graph.output[0]
        return result

    def _refuse_old(self) -> None:
        opset = next((entry.version for entry in self._model.opset_import if entry.domain in ("", "ai.onnx")), 0)
        if opset < _OLDEST_OPSET:
            raise BundleError(
                f"{self._name} is of ONNX opset {opset}, and {_OLDEST_OPSET} is the oldest that can be wrapped.",
                "Convert it with onnx.version_converter, or export it again.",
            )

    def _find_channels(self) -> int:
        """Which axis holds the colours, 1 or 3."""
        axes = [axis for axis in (1, 3) if self._shape[axis] in (1, 3)]
        if len(axes) != 1:
            raise BundleError(
                f"{self._name} takes {_described([self._picture])}, which does not say which axis has the colours.",
                "Export it with 1 or 3 channels as a fixed axis, the second or the last.",
            )
        return axes[0]

    def _refuse_pixels(self, pixels: Pixels, frame: Frame, *, takes_bytes: bool) -> None:
        if takes_bytes and pixels.kind in ("per-image", "fixed"):
            raise ConfigError(f"{self._name} takes uint8 pixels, normalised by itself.", "Leave --normalise out.")
        if not takes_bytes and pixels.kind is None:
            raise ConfigError(
                f"{self._name} takes floating-point pixels, and nothing in it says of which range.",
                "Say so with --normalise: raw, per-image or MEAN/STD, as it was trained.",
            )
        if frame.channels == 1 and (pixels.order == "bgr" or len(pixels.mean) == 3):
            raise ConfigError(f"{self._name} takes grey pictures, which have no order of colours and one mean.")


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
        alone = np.concatenate([session.run(None, {_CROPS: crop[None]})[0] for crop in crops])
    except Exception as error:  # ONNX Runtime raises a dozen exceptions without a common base
        raise BundleError(f"{name} cannot be run: {error}", "Export it again.") from error
    if alone.ndim != 2 or len(alone) != len(crops):
        raise BundleError(
            f"{name} makes an array of shape {alone.shape} of {len(crops)} pictures, and embeddings are (n, dim).",
            "Export it with a pooled, flattened embedding as its output.",
        )
    try:
        (together,) = session.run(None, {_CROPS: crops})
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


def _shape(value: ValueInfoProto) -> tuple[int | None, ...]:
    """Sizes of the axes, none where one is free; empty if the file does not say."""
    return tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in value.type.tensor_type.shape.dim)


def _described(values: Sequence[ValueInfoProto]) -> str:
    """Names, types and shapes, e.g. ``input float (n, 3, 112, 112)``."""
    from onnx import TensorProto

    return ", ".join(
        f"{value.name} {TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()} "
        f"({', '.join('n' if size is None else str(size) for size in _shape(value))})"
        for value in values
    )
