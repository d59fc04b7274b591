"""Constants in half precision: which, and that nothing is lost."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from twinlens.halves import store_in_half


def a_model(**constants: np.ndarray) -> onnx.ModelProto:
    """The sum of its constants and the input."""
    nodes, last = [], "x"
    for name in constants:
        nodes.append(helper.make_node("Add", [last, name], [f"plus_{name}"]))
        last = f"plus_{name}"
    shape = next(iter(constants.values())).shape
    tensor = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", last)]
    graph = helper.make_graph(
        nodes,
        "sum",
        tensor[:1],
        tensor[1:],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_what_half_precision_holds_is_stored_in_it_and_nothing_changes() -> None:
    rng = np.random.default_rng(0)
    shape = (30, 20)
    exact = rng.normal(size=shape).astype(np.float16).astype(np.float32)
    inexact = rng.normal(size=shape).astype(np.float32)
    huge = np.full(shape, 1e6, np.float32)
    x = rng.normal(size=shape).astype(np.float32)
    content = [
        model.SerializeToString()
        for model in (
            a_model(exact=exact, inexact=inexact, huge=huge),
            store_in_half(a_model(exact=exact, inexact=inexact, huge=huge)),
        )
    ]
    kinds = {one.name: one.data_type for one in onnx.load_from_string(content[1]).graph.initializer}
    assert kinds == {"exact.half": TensorProto.FLOAT16, "inexact": TensorProto.FLOAT, "huge": TensorProto.FLOAT}
    before, after = (InferenceSession(one).run(None, {"x": x})[0] for one in content)
    np.testing.assert_array_equal(before, after)
    assert len(content[0]) - len(content[1]) > exact.size * 2 - 200
    onnx.checker.check_model(onnx.load_from_string(content[1]))


def test_small_constants_and_whole_numbers_stay() -> None:
    model = a_model(few=np.ones((3, 5), np.float32))
    assert store_in_half(model).graph.initializer[0].data_type == TensorProto.FLOAT
    whole = helper.make_graph([], "none", [], [], [numpy_helper.from_array(np.arange(1000), "whole")])
    assert store_in_half(helper.make_model(whole)).graph.initializer[0].data_type == TensorProto.INT64
