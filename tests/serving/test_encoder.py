from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper, numpy_helper

from twinlens.bundle import Bundle, Manifest, Training, read_bundle, write_bundle
from twinlens.comparison import Cosine
from twinlens.config import Frame
from twinlens.errors import BundleError
from twinlens.serving.encoder import OnnxEncoder, load_encoder
from twinlens.types import Calibration, Encoder

FRAME = Frame(height=8, width=9)
SHAPE = FRAME.shape
DIM = 3
WEIGHTS = np.random.default_rng(0).normal(0, 0.01, (8 * 9, DIM)).astype(np.float32)


def linear_model(
    *,
    batch: int | str = "n",
    shape: tuple[int, ...] = SHAPE,
    dim: int = DIM,
    kind: int = TensorProto.UINT8,
    outputs: int = 1,
    output_kind: int = TensorProto.FLOAT,
    names: tuple[str, str] = ("crops", "embeddings"),
) -> bytes:
    """An ONNX file that multiplies the flattened crop by ``WEIGHTS``, or a variant that is none of ours."""
    weights = np.resize(WEIGHTS, (int(np.prod(shape)), dim))
    results = [names[1], "more"][:outputs]
    nodes = [
        helper.make_node("Cast", [names[0]], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["sums"]),
        *(helper.make_node("Cast", ["sums"], [result], to=output_kind) for result in results),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info(names[0], kind, [batch, *shape])],
        [helper.make_tensor_value_info(result, output_kind, [batch, dim]) for result in results],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder(linear_model(), SHAPE, DIM, threads=1)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    training = Training(
        recipe="linear",
        dataset="none",
        protocol="none",
        setting="identities",
        outside_data="none",
        leaks=False,
        synthetic=True,
        seed=0,
        commit="0",
        seen=(),
    )
    manifest = Manifest(
        name="linear",
        frame=FRAME,
        dim=DIM,
        comparison=Cosine(),
        threshold=0.5,
        calibration=Calibration(1, 0, 1, 1),
        operating_points=(),
        training=training,
    )
    write_bundle(tmp_path / "bundle", linear_model(), manifest)
    return read_bundle(tmp_path / "bundle")


@given(crops=arrays(np.uint8, st.tuples(st.integers(1, 5), *map(st.just, SHAPE))))
def test_embeddings_are_what_the_graph_says(encoder: OnnxEncoder, crops: np.ndarray) -> None:
    embeddings = encoder(crops)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, crops.reshape(len(crops), -1) @ WEIGHTS, rtol=1e-4, atol=1e-3)


def test_it_is_an_encoder(encoder: OnnxEncoder) -> None:
    assert isinstance(encoder, Encoder)


def test_no_crops_give_no_embeddings(encoder: OnnxEncoder) -> None:
    embeddings = encoder(np.empty((0, *SHAPE), np.uint8))
    assert embeddings.shape == (0, DIM)
    assert embeddings.dtype == np.float32


@pytest.mark.parametrize(
    "crops",
    [
        np.zeros(SHAPE, np.uint8),
        np.zeros((2, 9, 8, 1), np.uint8),
        np.zeros((2, 8, 9, 3), np.uint8),
        np.zeros((2, 1, 8, 9), np.uint8),
        np.zeros((2, *SHAPE), np.float32),
        np.zeros((2, *SHAPE), np.int8),
        np.zeros((0, 8, 9), np.uint8),
    ],
    ids=lambda crops: f"{crops.dtype}{list(crops.shape)}",
)
def test_other_shapes_and_types_are_refused(encoder: OnnxEncoder, crops: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"not uint8 \(n, 8, 9, 1\)"):
        encoder(crops)


def test_strided_crops_are_embedded_as_they_look(encoder: OnnxEncoder) -> None:
    wide = np.random.default_rng(0).integers(0, 256, (6, 8, 18, 1), dtype=np.uint8)
    view = wide[::2, :, ::-2]
    np.testing.assert_array_equal(encoder(view), encoder(view.copy()))


def test_model_of_a_bundle_is_loaded_with_the_bundle_s_form(bundle: Bundle, encoder: OnnxEncoder) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), dtype=np.uint8)
    for threads in (None, 1, 2):
        loaded = load_encoder(bundle, threads)
        assert (loaded.shape, loaded.dim) == (SHAPE, DIM)
        np.testing.assert_allclose(loaded(crops), encoder(crops), rtol=1e-5)


@pytest.mark.parametrize(
    "variant",
    [
        {"shape": (9, 8, 1)},
        {"shape": (8, 9, 3)},
        {"shape": (8, 9)},
        {"dim": DIM + 1},
        {"kind": TensorProto.FLOAT},
        {"kind": TensorProto.INT8},
        {"output_kind": TensorProto.DOUBLE},
        {"outputs": 2},
        {"batch": 1},
        {"names": ("input", "embeddings")},
        {"names": ("crops", "output")},
    ],
    ids=str,
)
def test_models_of_another_form_are_refused(variant: dict[str, object]) -> None:
    with pytest.raises(
        BundleError, match=r"The model maps .* says crops uint8 \(n, 8, 9, 1\) to embeddings float \(n, 3\)"
    ):
        OnnxEncoder(linear_model(**variant), SHAPE, DIM)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"", b"no model", linear_model()[:200], b"\0" * 100])
def test_broken_models_are_refused_by_their_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.onnx is no ONNX model that can be run"):
        OnnxEncoder(path, SHAPE, DIM)
    with pytest.raises(BundleError, match="The model is no ONNX model that can be run"):
        OnnxEncoder(content, SHAPE, DIM)


def test_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.onnx is no ONNX model"):
        OnnxEncoder(tmp_path / "none.onnx", SHAPE, DIM)


def test_model_that_changed_under_a_bundle_is_refused(bundle: Bundle) -> None:
    bundle.model.write_bytes(linear_model(dim=DIM + 1))
    with pytest.raises(BundleError, match="was changed after it was verified"):
        load_encoder(bundle)
    with pytest.raises(BundleError, match="is not the model its manifest describes"):
        read_bundle(bundle.folder)


def test_what_a_model_would_read_besides_itself_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fingerprint does not cover it, so it could be changed, or be any file that the model's maker names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").write_bytes(WEIGHTS.tobytes())
    model = onnx.load_from_string(linear_model())
    (weights,) = model.graph.initializer
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    place = weights.external_data.add()
    place.key = "location"
    for place.value in ("weights", "./weights", "../" + tmp_path.name + "/weights", str(tmp_path / "weights")):
        content = model.SerializeToString()
        (tmp_path / "model.onnx").write_bytes(content)
        for form in (content, tmp_path / "model.onnx", Path("model.onnx")):
            with pytest.raises(BundleError, match=r"no ONNX model that can be run: .*[Ee]xternal data"):
                OnnxEncoder(form, SHAPE, DIM)
