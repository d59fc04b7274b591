import numpy as np
import pytest
import torch
from torch import nn

from twinlens.config.base import Frame
from twinlens.config.networks import CompactNetwork, FixedNormalisation, Inference
from twinlens.errors import ConfigError
from twinlens.learning.networks import Twin
from twinlens.learning.networks.compact import CompactEncoder, Places, ResidualBlock

FRAME = Frame(height=72, width=60, colour="rgb")


@pytest.fixture(scope="module")
def encoder() -> CompactEncoder:
    return CompactEncoder(CompactNetwork(), FRAME).eval()


def test_every_stage_from_the_second_on_halves_the_resolution(encoder: CompactEncoder) -> None:
    signal, shapes = torch.rand(2, 3, 72, 60), {}
    with torch.no_grad():
        for name, layer in encoder.layers.named_children():
            signal = layer(signal)
            shapes[name] = tuple(signal.shape[1:])
    assert shapes == {
        "stem": (24, 36, 30),
        "stage1": (24, 36, 30),
        "stage2": (48, 18, 15),
        "stage3": (96, 9, 8),
        "stage4": (192, 5, 4),
        "places": (192,),
        "embedding": (256,),
    }


def test_it_has_a_twentieth_of_the_papers_parameters(encoder: CompactEncoder) -> None:
    assert sum(p.numel() for p in encoder.parameters()) < 38_951_745 / 18


@pytest.mark.parametrize(("stride", "filters"), [(1, 4), (1, 6), (2, 4), (2, 6)])
def test_block_adds_what_came_in(stride: int, filters: int) -> None:
    block, maps = ResidualBlock(4, filters, stride).eval(), torch.rand(2, 4, 7, 6)
    last = block.second[1]
    assert isinstance(last, nn.Conv2d)
    nn.init.zeros_(last.weight)
    kept = maps
    if stride == 2:
        padded = torch.nn.functional.pad(maps, (0, 0, 0, 1), mode="replicate")  # the last row has no partner
        kept = padded.reshape(2, 4, 4, 2, 3, 2).mean(dim=(3, 5))
    if filters != 4:
        kept = torch.einsum("fc,nchw->nfhw", block.shortcut[-1].weight[:, :, 0, 0], kept)
    with torch.no_grad():
        torch.testing.assert_close(block(maps), kept)


def test_where_something_is_matters(encoder: CompactEncoder) -> None:
    images = torch.zeros(2, 3, 72, 60)
    images[0, :, :20, :20] = images[1, :, -20:, -20:] = 1
    with torch.no_grad():
        first, second = encoder(images)
    assert not torch.allclose(first, second, atol=0.01)


def test_places_weigh_alike_and_learn_alike_in_training_and_in_use() -> None:
    generator = torch.Generator().manual_seed(0)
    layer, maps = Places(6, 6, (3, 4), groups=6, bias=False), torch.randn(5, 6, 3, 4, generator=generator)
    gradients = []
    for training in (True, False):
        layer.train(training).zero_grad()
        output = layer(maps)
        output.square().sum().backward()
        assert layer.weight.grad is not None
        gradients.append(layer.weight.grad.clone())
        torch.testing.assert_close(output, (maps * layer.weight[:, 0]).sum((2, 3), keepdim=True))
    torch.testing.assert_close(*gradients)


def test_crop_that_is_too_small_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"network\.widths: 4 stages"):
        CompactEncoder(CompactNetwork(), Frame(height=15, width=60))


@pytest.mark.parametrize("flip", [False, True])
def test_flip_averages_a_crop_with_its_mirror_image(flip: bool) -> None:
    twin = Twin(
        CompactNetwork(widths=(4, 4), dim=8), FixedNormalisation(), Frame(height=16, width=16), Inference(flip=flip)
    ).eval()
    crops = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1), dtype=np.uint8))
    mirrored = crops.flip(2)
    with torch.no_grad():
        once, other = twin.embed(crops.permute(0, 3, 1, 2) / 255), twin.embed(mirrored.permute(0, 3, 1, 2) / 255)
        torch.testing.assert_close(twin(crops), (once + other) / 2 if flip else once)
        assert torch.allclose(twin(crops), twin(mirrored), atol=1e-6) == flip
