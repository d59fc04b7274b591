"""Small networks in ONNX, as others make them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 16
FLOAT, UINT8, FLOAT16, INT32 = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.FLOAT16, TensorProto.INT32
Shape = tuple[int | str, ...]


def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs, [output], **attributes)


def write(
    path: Path,
    nodes: list[Any],
    inputs: dict[str, tuple[int, Shape]],
    outputs: dict[str, tuple[int, Shape | None]],
    constants: dict[str, np.ndarray] | None = None,
    opset: int = 17,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def mean_colour(
    path: Path, *, shape: Shape = ("n", 3, SIDE, SIDE), kind: int = FLOAT, result: Shape | None = ("n", 3)
) -> Path:
    """A network whose embedding is the mean of each channel, in the order in which it gets them."""
    last = shape[3] in (1, 3)
    nodes = [
        node("Cast", ["crops"], "floats", to=FLOAT),
        node("Transpose", ["floats"], "first", perm=[0, 3, 1, 2] if last else [0, 1, 2, 3]),
        node("GlobalAveragePool", ["first"], "pooled"),
        node("Flatten", ["pooled"], "embeddings"),
    ]
    return write(path, nodes, {"crops": (kind, shape)}, {"embeddings": (FLOAT, result)})


def corner(path: Path) -> Path:
    """A network whose embedding is the nine numbers in one corner, as they come: colour, row, column."""
    nodes = [
        node("Slice", ["picture", "starts", "ends", "axes"], "patch"),
        node("Flatten", ["patch"], "embedding"),
    ]
    constants = {"starts": np.array([0, 0]), "ends": np.array([1, 3]), "axes": np.array([2, 3])}
    return write(path, nodes, {"picture": (FLOAT, ("n", 3, SIDE, SIDE))}, {"embedding": (FLOAT, ("n", 9))}, constants)


def reshaping(path: Path, fixed: list[int]) -> Path:
    """A network that was exported with one picture and has that number inside."""
    nodes = [
        node("GlobalAveragePool", ["crops"], "pooled"),
        node("Reshape", ["pooled", "shape"], "embeddings"),
    ]
    outputs: dict[str, tuple[int, Shape | None]] = {"embeddings": (FLOAT, (1, 3))}
    return write(path, nodes, {"crops": (FLOAT, (1, 3, SIDE, SIDE))}, outputs, {"shape": np.array(fixed)})


def batch_dependent(path: Path) -> Path:
    """A network that subtracts what the whole batch has in common, as in training."""
    nodes = [
        node("GlobalAveragePool", ["crops"], "pooled"),
        node("Flatten", ["pooled"], "flat"),
        node("ReduceMean", ["flat"], "common", axes=[0], keepdims=1),
        node("Sub", ["flat", "common"], "embeddings"),
    ]
    return write(path, nodes, {"crops": (FLOAT, ("n", 3, SIDE, SIDE))}, {"embeddings": (FLOAT, ("n", 3))})


def constant(path: Path) -> Path:
    """A network that makes the same of every photo."""
    nodes = [
        node("GlobalAveragePool", ["crops"], "pooled"),
        node("Flatten", ["pooled"], "flat"),
        node("Mul", ["flat", "nothing"], "embeddings"),
    ]
    nothing = {"nothing": np.array(0, np.float32)}
    return write(path, nodes, {"crops": (FLOAT, ("n", 3, SIDE, SIDE))}, {"embeddings": (FLOAT, ("n", 3))}, nothing)


def not_a_number(path: Path) -> Path:
    nodes = [
        node("GlobalAveragePool", ["crops"], "pooled"),
        node("Flatten", ["pooled"], "flat"),
        node("Sub", ["flat", "large"], "negative"),
        node("Log", ["negative"], "embeddings"),
    ]
    large = {"large": np.array(1e4, np.float32)}
    return write(path, nodes, {"crops": (FLOAT, ("n", 3, SIDE, SIDE))}, {"embeddings": (FLOAT, ("n", 3))}, large)


def with_old_style_weights(path: Path) -> Path:
    """A network of a time when every weight had to be an input, too."""
    nodes = [
        node("Mul", ["crops", "scale"], "scaled"),
        node("GlobalAveragePool", ["scaled"], "pooled"),
        node("Flatten", ["pooled"], "embeddings"),
    ]
    inputs: dict[str, tuple[int, Shape]] = {"crops": (FLOAT, ("n", 3, SIDE, SIDE)), "scale": (FLOAT, (1,))}
    scale = {"scale": np.array([2], np.float32)}
    write(path, nodes, inputs, {"embeddings": (FLOAT, ("n", 3))}, scale, opset=9)
    model = onnx.load(path)
    model.ir_version = 3
    path.write_bytes(model.SerializeToString())
    return path
