"""dlib's network for faces as an ONNX graph: the same weights in a bundle like any other, and many times as fast.

It learned from about three million labelled photos of 7,485 people. dlib's Python module embeds photos with it but
shows neither weights nor layers, so the weights are read from the file that ``face_recognition_models`` brings.

References:
    D. E. King (2017), High quality face recognition with deep metric learning, blog.dlib.net: 99.38 % on LFW; the
    layers are those of dlib's example dnn_face_recognition_ex.cpp.
    K. He, X. Zhang, S. Ren and J. Sun (2016), Deep residual learning for image recognition, CVPR.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from twinlens.bundle import CROPS, EMBEDDINGS
from twinlens.config import Frame
from twinlens.errors import BundleError
from twinlens.types import Float32Array
from twinlens.workflow.importing.chain import Chain, enclosed

MODEL_FILE = "dlib_face_recognition_resnet_model_v1.dat"
# dlib's face chip with its usual padding, as a part of LFW's frame: the square that is left when the mean landmarks
# that dlib aligns chips to lie on those of LFW. One of LFW's pixels to the left is all that is missing.
FRAME = Frame(align=True, crop_height=0.463, crop_width=0.463, shift=0.0416, height=150, width=150, colour="rgb")

# How the file names a layer with weights, or one that averages. dlib writes a string's length before it.
_LAYER = re.compile(rb"\x05con_4|\x07affine_|\x0aavg_pool_2|\x04fc_2")
_OPSET, _IR_VERSION = 17, 8
_MEAN = np.array([122.782, 117.001, 104.298], np.float32)  # red, green and blue, subtracted from every pixel
_SCALE = np.array(256, np.float32)
_NO_WEIGHTS = np.empty(0, np.float32)


def dlib_resnet(content: bytes) -> bytes:
    """The network as an ONNX file: ``crops`` uint8 ``(n, 150, 150, 3)`` to ``embeddings`` float32 ``(n, 128)``.

    Args:
        content: What is in dlib's file ``dlib_face_recognition_resnet_model_v1.dat``.

    Raises:
        BundleError: It is another network, or none.
    """
    try:
        layers = _read_layers(content)
        graph = _Graph()
        graph.stem(*_taken(layers, "con_4", "affine_"))
        while layers[0][0] == "con_4":
            weights = _taken(layers, "con_4", "affine_", "con_4", "affine_")
            halves = layers[0][0] == "avg_pool_2"
            if halves:
                _taken(layers, "avg_pool_2")
            graph.residual(weights, halves=halves)
        _, weights_of_embedding = _taken(layers, "avg_pool_2", "fc_2")
        return graph.finish(weights_of_embedding)
    except (IndexError, ValueError) as error:
        raise BundleError("This is not dlib's network for faces.", "Install face_recognition_models again.") from error


class _Graph:
    """The network as far as it has been written, with the channels and the side of what comes out."""

    def __init__(self) -> None:
        self._chain = Chain(CROPS)
        self._channels, self._side = 3, FRAME.height

    def stem(self, filters: Float32Array, affine: Float32Array) -> None:
        """Pixels to numbers, then one convolution whose picture is halved twice."""
        self._chain.add("Cast", to=1)  # to float32
        self._chain.add("Sub", _MEAN)
        self._chain.add("Div", _SCALE)
        self._chain.add("Transpose", perm=[0, 3, 1, 2])
        self._convolution(filters, affine, kernel=7, stride=2)
        self._chain.add("Relu")
        self._chain.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2])
        self._side = (self._side - 3) // 2 + 1

    def residual(self, weights: Sequence[Float32Array], *, halves: bool) -> None:
        """Two convolutions, added to what they were made of, or to that averaged to half its size."""
        start, channels, side = self._chain.last, self._channels, self._side
        self._convolution(weights[0], weights[1], kernel=3, stride=2 if halves else 1)
        self._chain.add("Relu")
        self._convolution(weights[2], weights[3], kernel=3, stride=1)
        made, made_side = self._chain.last, self._side
        self._chain.last, self._side = start, side
        if halves:
            self._chain.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
            self._side //= 2
        # dlib adds what differs in size as if zeros stood where one of the two ends.
        largest = max(made_side, self._side)
        around = self._padded(self._chain.last, self._channels - channels, largest - self._side)
        through = self._padded(made, 0, largest - made_side)
        self._side = largest
        self._chain.last = through
        self._chain.add("Add", around)
        self._chain.add("Relu")

    def finish(self, weights: Float32Array) -> bytes:
        """Average over the picture, then one layer without a bias; returns the file."""
        from onnx import helper

        self._chain.add("GlobalAveragePool")
        self._chain.add("Flatten")
        self._chain.add("MatMul", weights[:, :, 0, 0])
        self._chain.end(EMBEDDINGS)
        opset = helper.make_opsetid("", _OPSET)
        empty = helper.make_graph([], "dlib-resnet", [], [])
        network = helper.make_model(empty, opset_imports=[opset], ir_version=_IR_VERSION)
        return enclosed(network, self._chain.nodes, self._chain.constants, FRAME, weights.shape[1])

    def _convolution(self, filters: Float32Array, affine: Float32Array, *, kernel: int, stride: int) -> None:
        """A convolution with the scale and shift per channel that dlib applies after it, all in one."""
        scale, shift = affine.reshape(2, -1)
        shaped = filters.ravel()[: -len(scale)].reshape(len(scale), self._channels, kernel, kernel)
        bias = filters.ravel()[-len(scale) :]
        # dlib pads none where it takes steps.
        pad = kernel // 2 if stride == 1 else 0
        self._chain.add(
            "Conv",
            shaped * scale[:, None, None, None],
            bias * scale + shift,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[pad] * 4,
        )
        self._channels = len(scale)
        self._side = (self._side + 2 * pad - kernel) // stride + 1

    def _padded(self, name: str, channels: int, side: int) -> str:
        """The result called ``name`` with zeros added at the ends; itself if there are none to add."""
        if channels == side == 0:
            return name
        self._chain.last = name
        self._chain.add("Pad", np.array([0, 0, 0, 0, 0, channels, side, side], np.int64))
        return self._chain.last


def _read_layers(content: bytes) -> list[tuple[str, Float32Array]]:
    """The name and weights of each layer that matters, from the first to the last."""
    layers, position = [], 0
    # The search goes on behind each layer's weights, so no number among them is taken for a name.
    while found := _LAYER.search(content, position):
        name, position = found.group()[1:].decode(), found.end()
        weights = _NO_WEIGHTS
        if name == "fc_2":
            for _ in range(2):  # its numbers of outputs and inputs
                _, position = _integer(content, position)
        if name != "avg_pool_2":
            weights, position = _tensor(content, position)
        layers.append((name, weights))
    return layers


def _tensor(content: bytes, position: int) -> tuple[Float32Array, int]:
    """The tensor written there, float32 with four axes, and the place behind it."""
    version, position = _integer(content, position)
    if version != 2:
        raise ValueError(f"a tensor of format {version}")
    shape = []
    for _ in range(4):
        size, position = _integer(content, position)
        shape.append(size)
    count = int(np.prod(shape))
    return np.frombuffer(content, "<f4", count, position).reshape(shape), position + 4 * count


def _integer(content: bytes, position: int) -> tuple[int, int]:
    """The whole number written there, how many bytes it takes before it, and the place behind it."""
    end = position + 1 + (content[position] & 0x0F)
    return int.from_bytes(content[position + 1 : end], "little"), end


def _taken(layers: list[tuple[str, Float32Array]], *names: str) -> list[Float32Array]:
    """The weights of the next layers, which must be of these names; they are taken off the list."""
    found = layers[: len(names)]
    if [name for name, _ in found] != list(names):
        raise ValueError(f"the layers {[name for name, _ in found]}, not {list(names)}")
    del layers[: len(names)]
    return [weights for _, weights in found]
