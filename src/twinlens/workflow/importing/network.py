"""Wrap any embedding network in ONNX so that it takes crops: uint8, height × width × channels, any number at once.

What the network wants of the pixels becomes the first nodes of its graph, so nobody who uses it can get that wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinlens.bundle import CROPS, EMBEDDINGS
from twinlens.config import Frame
from twinlens.errors import BundleError, ConfigError
from twinlens.workflow.importing.chain import Chain, enclosed
from twinlens.workflow.importing.pixels import Pixels, normalise

if TYPE_CHECKING:
    from onnx import GraphProto, ValueInfoProto

_OLDEST_OPSET = 9
# In front of all names of the network itself, lest one be the same as the name of something that is added.
_PREFIX = "network/"


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
        except Exception as error:  # protobuf and the file system have no common base
            raise BundleError(f"{name} is no ONNX model that can be read: {error}.", "Export it again.") from error
        if not model.graph.node:
            raise BundleError(f"{name} is no ONNX model that can be read: it is empty.", "Export it again.")
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
        from onnx import TensorProto, compose, helper

        kind = self._picture.type.tensor_type.elem_type
        self._refuse_pixels(pixels, frame, takes_bytes=kind == TensorProto.UINT8)
        model = compose.add_prefix(self._model, _PREFIX)
        graph = model.graph
        front = Chain(CROPS)
        normalise(front, pixels, kind)
        if self._is_channels_first:
            front.add("Transpose", perm=[0, 3, 1, 2])
        front.end(_PREFIX + self._picture.name)
        back = helper.make_node("Cast", [_PREFIX + self._result.name], [EMBEDDINGS], to=TensorProto.FLOAT)
        return enclosed(model, [*front.nodes, *graph.node, back], front.constants, frame, "dim")

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
        picture: ValueInfoProto = inputs[0]
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
        result: ValueInfoProto = graph.output[0]
        shape = _shape(result)
        if shape and len(shape) != 2:
            raise BundleError(
                f"{self._name} gives {_described(graph.output)}, and embeddings have two axes: (n, dim).",
                "Export it with a pooled, flattened embedding as its output.",
            )
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


def _shape(value: ValueInfoProto) -> tuple[int | None, ...]:
    """Sizes of the axes, none where one is free; empty if the file does not say."""
    return tuple(axis.dim_value if axis.dim_value > 0 else None for axis in value.type.tensor_type.shape.dim)


def _described(values: Sequence[ValueInfoProto]) -> str:
    """Names, types and shapes, e.g. ``input float (n, 3, 112, 112)``."""
    from onnx import TensorProto

    return ", ".join(
        f"{value.name} {TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()} "
        f"({', '.join('n' if size is None else str(size) for size in _shape(value))})"
        for value in values
    )
