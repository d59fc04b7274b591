from collections.abc import Iterator
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from twinlens.config.base import Frame
from twinlens.config.networks import FanInInit, KochLayer, KochNetwork, NormalInit
from twinlens.errors import ConfigError
from twinlens.learning.heads import WeightedL1Head
from twinlens.learning.networks.koch import KochEncoder

# Figure 4 of the paper, line by line: name, kind, channels × height × width that come out, parameters.
FIGURE_4 = [
    ("conv1.conv", nn.Conv2d, (64, 96, 96), 6_464),
    ("conv1.relu", nn.ReLU, (64, 96, 96), 0),
    ("conv1.pool", nn.MaxPool2d, (64, 48, 48), 0),
    ("conv2.conv", nn.Conv2d, (128, 42, 42), 401_536),
    ("conv2.relu", nn.ReLU, (128, 42, 42), 0),
    ("conv2.pool", nn.MaxPool2d, (128, 21, 21), 0),
    ("conv3.conv", nn.Conv2d, (128, 18, 18), 262_272),
    ("conv3.relu", nn.ReLU, (128, 18, 18), 0),
    ("conv3.pool", nn.MaxPool2d, (128, 9, 9), 0),
    ("conv4.conv", nn.Conv2d, (256, 6, 6), 524_544),
    ("conv4.relu", nn.ReLU, (256, 6, 6), 0),
    ("flatten", nn.Flatten, (9_216,), 0),
    ("dense.dropout", nn.Dropout, (9_216,), 0),
    ("dense.linear", nn.Linear, (4_096,), 37_752_832),
    ("dense.sigmoid", nn.Sigmoid, (4_096,), 0),
]
SMALL = KochNetwork(widths=(3, 4, 5, 6), kernels=(3, 2, 2, 1), dense=7, init=FanInInit())
SMALL_FRAME = Frame(height=20, width=22)


@pytest.fixture(scope="module")
def paper() -> KochEncoder:
    torch.manual_seed(0)
    return KochEncoder(KochNetwork(), Frame()).eval()


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def changed(**keys: object) -> KochNetwork:
    return KochNetwork.model_validate({**SMALL.model_dump(), **keys})


def elementary(encoder: KochEncoder) -> Iterator[tuple[str, nn.Module]]:
    for name, layer in encoder.layers.named_modules():
        if not any(layer.children()):
            yield name, layer


def test_every_layer_is_that_of_figure_4(paper: KochEncoder) -> None:
    found = []
    signal = torch.rand(1, 1, 105, 105)
    with torch.no_grad():
        for name, layer in elementary(paper):
            signal = layer(signal)
            found.append((name, type(layer), tuple(signal.shape[1:]), count(layer)))
    assert found == FIGURE_4


def test_numbers_of_parameters_are_those_of_the_paper(paper: KochEncoder) -> None:
    head = WeightedL1Head(paper.dim, NormalInit())
    assert paper.dim == 4096
    assert count(head) == 4_097
    assert count(paper) + count(head) == 38_951_745


def test_names_of_layers_are_those_that_rates_are_given_to(paper: KochEncoder) -> None:
    with_weights = [name for name, layer in paper.layers.named_children() if count(layer)]
    assert (*with_weights, "head") == get_args(KochLayer)


def test_encoder_computes_what_the_figure_says() -> None:
    encoder = KochEncoder(SMALL, SMALL_FRAME).eval()
    images = torch.rand(5, 1, 20, 22)
    weights = dict(encoder.layers.named_parameters())
    signal = images
    for i in range(1, 5):
        signal = F.conv2d(signal, weights[f"conv{i}.conv.weight"], weights[f"conv{i}.conv.bias"]).clamp(min=0)
        if i < 4:
            even = signal[:, :, : signal.shape[2] // 2 * 2, : signal.shape[3] // 2 * 2]
            corners = [even[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)]
            signal = torch.stack(corners).amax(0)
    dense = signal.reshape(5, -1) @ weights["dense.linear.weight"].T + weights["dense.linear.bias"]
    torch.testing.assert_close(encoder(images), 1 / (1 + torch.exp(-dense)))


def test_embeddings_of_the_paper_lie_in_the_unit_interval(paper: KochEncoder) -> None:
    with torch.no_grad():
        embeddings = paper(torch.rand(2, 1, 105, 105))
    assert embeddings.shape == (2, 4096)
    assert embeddings.dtype == torch.float32
    assert ((embeddings >= 0) & (embeddings <= 1)).all()


def assert_drawn(values: torch.Tensor, mean: float, std: float) -> None:
    """Mean and standard deviation are within five standard errors of a Gaussian's."""
    flat = values.detach().double().numpy().ravel()
    assert abs(flat.mean() - mean) < 5 * std / np.sqrt(flat.size)
    assert abs(flat.std(ddof=1) / std - 1) < 5 / np.sqrt(2 * (flat.size - 1))


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3", "conv4"])
def test_convolutions_start_as_in_section_3_2(paper: KochEncoder, layer: str) -> None:
    conv = paper.get_submodule(f"layers.{layer}.conv")
    assert isinstance(conv, nn.Conv2d)
    assert_drawn(conv.weight, 0, 0.01)
    assert_drawn(conv.bias, 0.5, 0.01)


def test_dense_layers_start_as_in_section_3_2(paper: KochEncoder) -> None:
    dense = paper.get_submodule("layers.dense.linear")
    torch.manual_seed(1)
    head = WeightedL1Head(4096, NormalInit())
    assert isinstance(dense, nn.Linear)
    assert_drawn(dense.weight, 0, 0.2)
    assert_drawn(dense.bias, 0.5, 0.01)
    assert_drawn(head.linear.weight, 0, 0.2)
    assert head.linear.bias.item() == 0


def test_own_gaussians_are_used_where_they_belong() -> None:
    gaussians = {
        name: {"mean": i + 1, "std": 0}
        for i, name in enumerate(("conv_weight", "conv_bias", "dense_weight", "dense_bias", "head_weight", "head_bias"))
    }
    init = NormalInit.model_validate(gaussians)
    layers = KochEncoder(changed(init=init), SMALL_FRAME).layers
    head = WeightedL1Head(7, init).linear
    convolutions = [layer for _, layer in layers.named_modules() if isinstance(layer, nn.Conv2d)]
    assert [values(layer) for layer in convolutions] == [[{1}, {2}]] * 4
    assert values(layers.get_submodule("dense.linear")) == [{3}, {4}]
    assert values(head) == [{5}, {6}]


def values(layer: nn.Module) -> list[set[float]]:
    """The distinct values of the weights and of the biases."""
    return [set(parameter.detach().unique().tolist()) for parameter in layer.parameters()]


def test_fan_in_init_is_he_for_convolutions_and_glorot_for_the_dense_layer() -> None:
    torch.manual_seed(0)
    network = KochNetwork(widths=(32, 32, 32, 64), kernels=(3, 3, 3, 3), dense=128, init=FanInInit())
    encoder = KochEncoder(network, Frame(height=48, width=48, colour="rgb"))
    for name, layer in elementary(encoder):
        if isinstance(layer, nn.Conv2d):
            assert_drawn(layer.weight, 0, (2 / (layer.in_channels * 9)) ** 0.5)
            assert (layer.bias == 0).all(), name
        elif isinstance(layer, nn.Linear):
            assert_drawn(layer.weight, 0, (2 / (layer.in_features + layer.out_features)) ** 0.5)
            assert (layer.bias == 0).all(), name


def test_batch_normalisation_comes_before_relu_and_pooling() -> None:
    encoder = KochEncoder(changed(batch_norm=True), SMALL_FRAME)
    order = {name: [part for part, _ in block.named_children()] for name, block in encoder.layers.named_children()}
    assert order["conv1"] == order["conv2"] == order["conv3"] == ["conv", "norm", "relu", "pool"]
    assert order["conv4"] == ["conv", "norm", "relu"]


def test_batch_normalisation_normalises_each_map_over_the_batch() -> None:
    encoder = KochEncoder(changed(batch_norm=True), SMALL_FRAME).train()
    first = encoder.get_submodule("layers.conv1")
    images = torch.rand(6, 1, 20, 22)
    maps = first.get_submodule("conv")(images)
    expected = (maps - maps.mean((0, 2, 3), keepdim=True)) / maps.std((0, 2, 3), keepdim=True, correction=0)
    expected = F.max_pool2d(expected.clamp(min=0), 2)
    torch.testing.assert_close(first(images), expected, atol=2e-3, rtol=1e-3)


def test_conv_dropout_drops_whole_maps_after_each_block() -> None:
    encoder = KochEncoder(changed(conv_dropout=0.5, widths=(64, 64, 64, 64)), SMALL_FRAME)
    signal = torch.rand(4, 1, 20, 22)
    torch.manual_seed(0)
    for i in range(1, 5):
        block = encoder.get_submodule(f"layers.conv{i}")
        assert [name for name, _ in block.named_children()][-1] == "dropout"
        kept, dropped = block.eval()(signal), block.train()(signal)
        gone = (dropped == 0).all(dim=(2, 3))
        alive = (kept != 0).any(dim=(2, 3))
        share = gone[alive].float().mean()
        assert 0.2 < share < 0.8
        torch.testing.assert_close(dropped, torch.where(gone[..., None, None], 0.0, 2 * kept))
        signal = kept


def test_dense_dropout_drops_inputs_of_the_dense_layer() -> None:
    dense = KochEncoder(changed(dense_dropout=0.25), SMALL_FRAME).get_submodule("layers.dense")
    assert [name for name, _ in dense.named_children()] == ["dropout", "linear", "sigmoid"]
    seen: list[torch.Tensor] = []
    dense.get_submodule("linear").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    ones = torch.ones(400, dense.get_submodule("linear").in_features)
    torch.manual_seed(0)
    dense.train()(ones)
    dense.eval()(ones)
    assert seen[0].unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert 0.2 < (seen[0] == 0).float().mean() < 0.3
    assert torch.equal(seen[1], ones)


def test_no_dropout_in_evaluation_and_none_by_default() -> None:
    images = torch.rand(3, 1, 20, 22)
    for network in (SMALL, changed(conv_dropout=0.5, dense_dropout=0.5)):
        encoder = KochEncoder(network, SMALL_FRAME).eval()
        assert torch.equal(encoder(images), encoder(images))
    encoder = KochEncoder(SMALL, SMALL_FRAME)
    assert torch.equal(encoder.train()(images), encoder.eval()(images))


def test_colour_crops_have_three_channels() -> None:
    encoder = KochEncoder(SMALL, Frame(height=20, width=22, colour="rgb"))
    assert encoder(torch.rand(2, 3, 20, 22)).shape == (2, 7)


def test_too_small_a_crop_is_refused_by_the_names_of_the_keys() -> None:
    with pytest.raises(ConfigError, match=r"network\.kernels.*32×40 crop.*after conv3.*frame\.height"):
        KochEncoder(KochNetwork(), Frame(height=32, width=40))


@given(
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    kernels=st.tuples(*[st.integers(1, 6)] * 4),
)
def test_a_crop_is_either_refused_or_embedded(height: int, width: int, kernels: tuple[int, int, int, int]) -> None:
    sides = [height, width]
    for i, kernel in enumerate(kernels):
        sides = [(side - kernel + 1) // (2 if i < 3 else 1) if side >= kernel else 0 for side in sides]
    network = changed(kernels=kernels)
    if min(sides) < 1:
        with pytest.raises(ConfigError, match=r"network\.kernels"):
            KochEncoder(network, Frame(height=height, width=width))
    else:
        assert KochEncoder(network, Frame(height=height, width=width))(torch.rand(1, 1, height, width)).shape == (1, 7)
