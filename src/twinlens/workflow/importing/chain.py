"""A graph in ONNX, written node by node, that takes crops and makes embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twinlens.bundle import CROPS, EMBEDDINGS
from twinlens.config import Frame

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

_BATCH = "n"


class Chain:
    """Nodes, each of which goes on with what the one before made.

    Attributes:
        nodes: In order.
        constants: The numbers that they need.
        last: Name of what the next node goes on with; may be set, to go on elsewhere.
    """

    def __init__(self, start: str) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.last = start

    def add(self, kind: str, *inputs: np.ndarray | str, **attributes: Any) -> None:
        """Append a node that takes the last result and ``inputs``: constants, or names of other results."""
        from onnx import helper, numpy_helper

        names = [self.last]
        for value in inputs:
            if isinstance(value, str):
                names.append(value)
            else:
                names.append(f"constant{len(self.constants)}")
                self.constants.append(numpy_helper.from_array(value, names[-1]))
        self.last = f"result{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [self.last], **attributes))

    def end(self, name: str) -> None:
        """Call the last result ``name``."""
        self.add("Identity")
        self.nodes[-1].output[0] = self.last = name


def enclosed(
    network: ModelProto, nodes: Sequence[NodeProto], constants: Sequence[TensorProto], frame: Frame, dim: int | str
) -> bytes:
    """The file of a network with more nodes and constants around it, from crops to embeddings."""
    from onnx import TensorProto, checker, helper

    graph = helper.make_graph(
        nodes,
        network.graph.name or "network",
        [helper.make_tensor_value_info(CROPS, TensorProto.UINT8, [_BATCH, *frame.shape])],
        [helper.make_tensor_value_info(EMBEDDINGS, TensorProto.FLOAT, [_BATCH, dim])],
        [*network.graph.initializer, *constants],
        sparse_initializer=list(network.graph.sparse_initializer),
    )
    # Before version 4 every weight had to be an input, too.
    model = helper.make_model(graph, opset_imports=network.opset_import, ir_version=max(4, network.ir_version))
    model.functions.extend(network.functions)
    checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
