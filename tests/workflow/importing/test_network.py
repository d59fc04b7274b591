from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from tests.workflow.importing import models
from tests.workflow.importing.models import FLOAT, FLOAT16, INT32, SIDE, UINT8, Shape, node, write
from twinlens.config import Frame
from twinlens.errors import BundleError, ConfigError
from twinlens.serving.encoder import OnnxEncoder
from twinlens.workflow.importing.network import Network
from twinlens.workflow.importing.pixels import Pixels, parse_pixels
from twinlens.workflow.importing.wrapped import mirrored, probed, with_dim

FRAME = Frame(height=SIDE, width=SIDE, colour="rgb")
CROPS = np.random.default_rng(0).integers(0, 256, (4, *FRAME.shape), dtype=np.uint8)


def encode(path: Path, pixels: Pixels, frame: Frame = FRAME, crops: np.ndarray = CROPS) -> np.ndarray:
    """What the bundle's encoder makes of crops after an import."""
    content = Network(path).wrapped(frame, pixels)
    dim = probed(content, crops, "net").shape[1]
    return OnnxEncoder(with_dim(content, dim), frame.shape, dim, threads=1)(crops)


def channel_means(crops: np.ndarray) -> np.ndarray:
    return crops.astype(np.float64).mean(axis=(1, 2))


@pytest.mark.parametrize("shape", [("n", 3, SIDE, SIDE), ("n", SIDE, SIDE, 3), (1, 3, SIDE, SIDE), (8, SIDE, SIDE, 3)])
@pytest.mark.parametrize("kind", [FLOAT, FLOAT16, UINT8])
def test_layouts_batches_and_types_all_become_crops(tmp_path: Path, shape: Shape, kind: int) -> None:
    path = models.mean_colour(tmp_path / "net.onnx", shape=shape, kind=kind, result=(shape[0], 3))
    pixels = parse_pixels(None if kind == UINT8 else "raw")
    np.testing.assert_allclose(encode(path, pixels), channel_means(CROPS), rtol=2e-3 if kind == FLOAT16 else 1e-5)


def test_free_height_and_width_are_those_of_the_frame(tmp_path: Path) -> None:
    path = models.mean_colour(tmp_path / "net.onnx", shape=("n", 3, "h", "w"))
    frame = Frame(height=9, width=12, colour="rgb")
    crops = np.random.default_rng(1).integers(0, 256, (3, *frame.shape), dtype=np.uint8)
    np.testing.assert_allclose(encode(path, parse_pixels("raw"), frame, crops), channel_means(crops), rtol=1e-5)


def test_grey_networks_get_grey_crops(tmp_path: Path) -> None:
    path = models.mean_colour(tmp_path / "net.onnx", shape=("n", 1, SIDE, SIDE), result=("n", 1))
    frame = Frame(height=SIDE, width=SIDE)
    assert Network(path).frame({}) == {"height": SIDE, "width": SIDE, "colour": "grey"}
    grey = np.ascontiguousarray(CROPS[..., :1])
    np.testing.assert_allclose(
        encode(path, parse_pixels("0.5/0.25"), frame, grey), channel_means(grey) / 255 * 4 - 2, rtol=1e-4
    )


def test_an_output_without_a_shape_is_measured(tmp_path: Path) -> None:
    path = models.mean_colour(tmp_path / "net.onnx", result=None)
    np.testing.assert_allclose(encode(path, parse_pixels("raw")), channel_means(CROPS), rtol=1e-5)


def test_weights_that_are_inputs_as_of_old_are_no_second_picture(tmp_path: Path) -> None:
    path = models.with_old_style_weights(tmp_path / "net.onnx")
    np.testing.assert_allclose(encode(path, parse_pixels("raw")), 2 * channel_means(CROPS), rtol=1e-5)


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("text", ["raw", "0.5/0.5", "0.1,0.4,0.6/0.5,0.2,1", "per-image"])
def test_pixels_are_what_the_network_was_said_to_want(
    corner_net: Path, text: str, order: Literal["rgb", "bgr"]
) -> None:
    ordered = CROPS[..., ::-1] if order == "bgr" else CROPS
    seen = ordered.transpose(0, 3, 1, 2).astype(np.float64)
    mean, std = np.array([0.1, 0.4, 0.6]).reshape(3, 1, 1), np.array([0.5, 0.2, 1]).reshape(3, 1, 1)
    centred = seen - seen.mean(axis=(1, 2, 3), keepdims=True)
    expected = {
        "raw": seen,
        "0.5/0.5": seen / 127.5 - 1,
        "0.1,0.4,0.6/0.5,0.2,1": (seen / 255 - mean) / std,
        "per-image": centred / seen.std(axis=(1, 2, 3), keepdims=True),
    }[text]
    found = encode(corner_net, parse_pixels(text, order))
    np.testing.assert_allclose(found, expected[:, :, 0, :3].reshape(len(CROPS), -1), atol=1e-4)


@pytest.fixture(scope="module")
def corner_net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.corner(tmp_path_factory.mktemp("net") / "corner.onnx")


def test_a_mirror_averages_a_photo_with_its_mirror_image(corner_net: Path) -> None:
    content = Network(corner_net).wrapped(FRAME, parse_pixels("raw"))
    plain = OnnxEncoder(with_dim(content, 9), FRAME.shape, 9)
    twice = OnnxEncoder(mirrored(with_dim(content, 9), FRAME, 9), FRAME.shape, 9)
    flipped = np.ascontiguousarray(CROPS[:, :, ::-1])
    np.testing.assert_allclose(twice(CROPS), (plain(CROPS) + plain(flipped)) / 2)
    np.testing.assert_allclose(twice(CROPS), twice(flipped))


def two_inputs(path: Path) -> Path:
    nodes = [node("Add", ["a", "b"], "sum"), node("Flatten", ["sum"], "embeddings")]
    picture = (FLOAT, ("n", 3, SIDE, SIDE))
    return write(path, nodes, {"a": picture, "b": picture}, {"embeddings": (FLOAT, ("n", 768))})


def two_outputs(path: Path) -> Path:
    nodes = [node("Flatten", ["a"], "embeddings"), node("Relu", ["a"], "features")]
    picture = (FLOAT, ("n", 3, SIDE, SIDE))
    return write(path, nodes, {"a": picture}, {"embeddings": (FLOAT, ("n", 768)), "features": picture})


def three_axes(path: Path) -> Path:
    nodes = [node("Flatten", ["a"], "embeddings")]
    return write(path, nodes, {"a": (FLOAT, (3, SIDE, SIDE))}, {"embeddings": (FLOAT, (3, 256))})


def not_flat(path: Path) -> Path:
    nodes = [node("GlobalAveragePool", ["a"], "embeddings")]
    return write(path, nodes, {"a": (FLOAT, ("n", 3, SIDE, SIDE))}, {"embeddings": (FLOAT, ("n", 3, 1, 1))})


def whole_numbers(path: Path) -> Path:
    nodes = [node("Flatten", ["a"], "embeddings")]
    return write(path, nodes, {"a": (INT32, ("n", 3, SIDE, SIDE))}, {"embeddings": (INT32, ("n", 768))})


def ambiguous(path: Path) -> Path:
    nodes = [node("Flatten", ["a"], "embeddings")]
    return write(path, nodes, {"a": (FLOAT, ("n", 3, SIDE, 3))}, {"embeddings": (FLOAT, ("n", 144))})


def free_channels(path: Path) -> Path:
    nodes = [node("Flatten", ["a"], "embeddings")]
    return write(path, nodes, {"a": (FLOAT, ("n", "c", SIDE, SIDE))}, {"embeddings": (FLOAT, ("n", "d"))})


def old(path: Path) -> Path:
    nodes = [node("Flatten", ["a"], "embeddings")]
    return write(path, nodes, {"a": (FLOAT, ("n", 3, SIDE, SIDE))}, {"embeddings": (FLOAT, ("n", 768))}, opset=8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (two_inputs, r"has 2 inputs \(a float \(n, 3, 16, 16\), b float \(n, 3, 16, 16\)\)"),
        (two_outputs, r"has 2 outputs \(embeddings float \(n, 768\), features float \(n, 3, 16, 16\)\)"),
        (three_axes, r"takes a float \(3, 16, 16\), which is no batch of pictures: that has four axes"),
        (not_flat, r"gives embeddings float \(n, 3, 1, 1\), and embeddings have two axes"),
        (whole_numbers, r"takes a int32 \(n, 3, 16, 16\)\. Export it with an input of floating-point or uint8"),
        (ambiguous, r"\(n, 3, 16, 3\), which does not say which axis has the colours"),
        (free_channels, r"\(n, n, 16, 16\), which does not say which axis has the colours"),
        (old, r"is of ONNX opset 8, and 9 is the oldest"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, make: Callable[[Path], Path], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        Network(make(tmp_path / "net.onnx"))


@pytest.mark.parametrize("content", [b"", b"no model", b"\0" * 99])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"net\.onnx is no ONNX model that can be read"):
        Network(path)
    with pytest.raises(BundleError, match=r"none\.onnx is no ONNX model"):
        Network(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: models.reshaping(path, [1, 3]), "batch is fixed to 1 inside"),
        (lambda path: models.reshaping(path, [1, -1]), "batch is fixed to 1 inside"),
        (models.batch_dependent, "depends on the other pictures in the batch"),
        (models.not_a_number, "not finite numbers"),
    ],
)
def test_what_shows_only_when_it_runs_is_named(tmp_path: Path, make: Callable[[Path], Path], message: str) -> None:
    content = Network(make(tmp_path / "net.onnx")).wrapped(FRAME, parse_pixels("raw"))
    with pytest.raises(BundleError, match=message):
        probed(content, CROPS, "net.onnx")


def test_a_reshape_that_leaves_the_batch_free_is_taken(tmp_path: Path) -> None:
    path = models.reshaping(tmp_path / "net.onnx", [-1, 3])
    np.testing.assert_allclose(encode(path, parse_pixels("raw")), channel_means(CROPS), rtol=1e-5)


def test_the_frame_takes_size_and_colour_from_the_network(tmp_path: Path) -> None:
    fixed = Network(models.mean_colour(tmp_path / "fixed.onnx"))
    assert fixed.frame({"crop_height": 0.6}) == {"height": SIDE, "width": SIDE, "colour": "rgb", "crop_height": 0.6}
    for key, value in {"height": 17, "width": 1, "colour": "grey"}.items():
        with pytest.raises(ConfigError, match=rf"--frame {key}={value} does not fit .*fixed\.onnx"):
            fixed.frame({key: value})
    free = Network(models.mean_colour(tmp_path / "free.onnx", shape=("n", 3, "h", "w")))
    with pytest.raises(ConfigError, match=r"takes pictures of any height\. Say which: --frame height=112"):
        free.frame({"width": 50})
    assert free.frame({"width": 50, "height": 40}) == {"height": 40, "width": 50, "colour": "rgb"}


def test_pixels_must_be_said_once(tmp_path: Path) -> None:
    floats = Network(models.mean_colour(tmp_path / "floats.onnx"))
    with pytest.raises(ConfigError, match=r"nothing in it says of which range\. Say so with --normalise"):
        floats.wrapped(FRAME, parse_pixels(None))
    bytes_ = Network(models.mean_colour(tmp_path / "bytes.onnx", kind=UINT8))
    for text in ("0.5/0.5", "per-image"):
        with pytest.raises(ConfigError, match="takes uint8 pixels, normalised by itself"):
            bytes_.wrapped(FRAME, parse_pixels(text))
    grey = Network(models.mean_colour(tmp_path / "grey.onnx", shape=("n", 1, SIDE, SIDE), result=("n", 1)))
    for pixels in (parse_pixels("raw", "bgr"), parse_pixels("0,0,0/1,1,1")):
        with pytest.raises(ConfigError, match="takes grey pictures"):
            grey.wrapped(Frame(height=SIDE, width=SIDE), pixels)


@pytest.mark.parametrize(
    "text", ["", "half", "0.5", "0.5/0", "0.5/-1", "1,2/3,4", "1,2,3/1", "nan/1", "0/inf", "1/2/3", "/"]
)
def test_a_normalisation_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not raw, per-image or MEAN/STD"):
        parse_pixels(text)
