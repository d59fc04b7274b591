import pytest
import torch
from torch import nn

from twinlens.learning.networks.prelu import FastPReLU

LAYOUTS = [torch.channels_last, torch.contiguous_format]


def slopes(layer: nn.PReLU) -> nn.PReLU:
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(-0.5, 1.5, len(layer.weight)))
    return layer


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_output_and_gradients_are_those_of_prelu(layout: torch.memory_format, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    maps, gradient = (torch.randn(3, 5, 4, 6, generator=generator).to(dtype) for _ in range(2))
    maps[0, 0, 0, 0] = 0
    found = []
    for layer in (slopes(nn.PReLU(5)).to(dtype), slopes(FastPReLU(5)).to(dtype)):
        leaf = maps.to(memory_format=layout, copy=True).requires_grad_()
        output = layer(leaf)
        output.backward(gradient)
        found.append((output.detach(), leaf.grad, layer.weight.grad))
        assert output.is_contiguous(memory_format=layout)
    for one, other in zip(*found, strict=True):
        assert isinstance(one, torch.Tensor)
        torch.testing.assert_close(other, one)


def test_gradient_is_that_of_small_differences() -> None:
    layer = slopes(FastPReLU(3)).double()
    maps = torch.randn(2, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    maps = maps.to(memory_format=torch.channels_last).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, _slopes: layer(x), (maps, layer.weight))


def test_in_a_bfloat16_training_it_is_prelu_up_to_rounding() -> None:
    maps = torch.randn(8, 6, 9, 9, generator=torch.Generator().manual_seed(2))
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        layer = slopes(FastPReLU(6))
        leaf = maps.to(memory_format=torch.channels_last, dtype=dtype, copy=True).requires_grad_()
        layer(leaf).square().sum().backward()
        assert layer.weight.grad is not None
        assert leaf.grad is not None
        assert leaf.grad.dtype == dtype
        found.append((leaf.grad.float(), layer.weight.grad))
    for wide, narrow in zip(*found, strict=True):
        torch.testing.assert_close(narrow, wide, rtol=0.02, atol=0.02)
