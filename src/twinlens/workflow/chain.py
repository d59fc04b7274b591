"""A graph in ONNX, written node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


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
