"""ONNX files of half the size: numbers that half precision holds exactly are stored in it."""

from __future__ import annotations

from typing import Any

import numpy as np

# Below that a file grows by the node that reads them.
_FEWEST = 256


def store_in_half(model: Any) -> Any:
    """Store those constants of a model in half precision that lose nothing by it; they are computed with as before.

    ONNX Runtime turns them back into single precision once, when it loads the model.

    Args:
        model: An ``onnx.ModelProto``; it is changed.

    Returns:
        The same model.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for constant in graph.initializer:
        if constant.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(constant)
        if values.size < _FEWEST or not _is_half(values):
            continue
        name = constant.name
        constant.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.single", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]  # what is read comes before what reads it
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def _is_half(values: np.ndarray[Any, np.dtype[np.float32]]) -> bool:
    with np.errstate(over="ignore"):
        return np.array_equal(values.astype(np.float16).astype(np.float32), values)
