import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twinlens.config.base import Frame
from twinlens.config.networks import FanInInit, FixedNormalisation, KochNetwork, NormalInit
from twinlens.learning.heads import WeightedL1Head
from twinlens.learning.networks import Twin

DIM = 5
FRAME = Frame(height=16, width=18)
NETWORK = KochNetwork(widths=(2, 3, 3, 4), kernels=(3, 2, 1, 1), dense=DIM, batch_norm=True, init=FanInInit())

embeddings = arrays(np.float32, (6, DIM), elements=st.floats(0, 1, width=32))
weights = arrays(np.float32, DIM, elements=st.floats(-100, 100, width=32))
crops = arrays(np.uint8, (3, *FRAME.shape))


def head_with(weights: np.ndarray, bias: float) -> WeightedL1Head:
    head = WeightedL1Head(DIM, NormalInit())
    with torch.no_grad():
        head.linear.weight.copy_(torch.from_numpy(weights)[None])
        head.linear.bias.fill_(bias)
    return head.eval()


@given(first=embeddings, second=embeddings, weights=weights, bias=st.floats(-10, 10, width=32))
def test_logit_is_the_score_of_the_comparison(
    first: np.ndarray, second: np.ndarray, weights: np.ndarray, bias: float
) -> None:
    head = head_with(weights, bias)
    comparison = head.comparison()
    with torch.no_grad():
        logits = head(torch.from_numpy(first), torch.from_numpy(second)).numpy()
    naive = [
        bias + sum(float(w) * abs(float(a) - float(b)) for w, a, b in zip(weights, left, right, strict=True))
        for left, right in zip(first, second, strict=True)
    ]
    bound = 1e-6 * (abs(bias) + np.abs(weights).sum()) + 1e-9
    np.testing.assert_allclose(logits, naive, rtol=0, atol=bound)
    np.testing.assert_allclose(comparison.pairs(first, second), naive, rtol=0, atol=bound)
    matrix = comparison.matrix(first, second)
    assert matrix.shape == (6, 6)
    for i in range(6):
        for j in range(6):
            pair = comparison.pairs(first[i : i + 1], second[j : j + 1])[0]
            np.testing.assert_allclose(matrix[i, j], pair, rtol=0, atol=bound)


def test_comparison_takes_the_parameters_as_they_are() -> None:
    head = head_with(np.array([0.1, -0.2, 0.3, 0, 5], np.float32), 0.7)
    comparison = head.comparison()
    assert comparison.weights == tuple(float(-np.float32(w)) for w in (0.1, -0.2, 0.3, 0, 5))
    assert comparison.bias == float(np.float32(0.7))


@given(first=embeddings, second=embeddings, weights=weights)
def test_logit_and_its_gradients_are_symmetric(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> None:
    head = head_with(weights, 0.5)
    a, b = (torch.from_numpy(side).requires_grad_() for side in (first, second))
    forward, backward = head(a, b), head(b, a)
    assert torch.equal(forward, backward)
    toward = torch.autograd.grad(forward.sum(), (a, b))
    away = torch.autograd.grad(backward.sum(), (a, b))
    assert all(torch.equal(one, other) for one, other in zip(toward, away, strict=True))
    assert torch.equal(toward[0], -toward[1])


@given(first=crops, second=crops, seed=st.integers(0, 2**16), bfloat16=st.booleans())
def test_score_of_two_crops_is_symmetric_as_both_twins_are_one_network(
    first: np.ndarray, second: np.ndarray, seed: int, bfloat16: bool
) -> None:
    torch.manual_seed(seed)
    twin, head = Twin(NETWORK, FixedNormalisation(), FRAME).eval(), WeightedL1Head(DIM, NormalInit()).eval()
    a, b = torch.from_numpy(first), torch.from_numpy(second)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        forward = head(*twin(torch.cat([a, b])).chunk(2))
        backward = head(*twin(torch.cat([b, a])).chunk(2))
        with_itself = head(*twin(torch.cat([a, a])).chunk(2))
    assert torch.equal(forward, backward)
    assert torch.equal(with_itself, head.linear.bias.expand(3))


def test_logit_is_float32_even_in_a_bfloat16_training() -> None:
    head = head_with(np.full(DIM, -1, np.float32), 0)
    first = torch.full((1, DIM), 0.5)
    second = first + 1e-3
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logit = head(first, second)
    assert logit.dtype == torch.float32
    assert abs(float(logit) + DIM * 1e-3) < 1e-6


def test_fan_in_init_counts_every_difference_against_a_match() -> None:
    head = WeightedL1Head(DIM, FanInInit())
    same = torch.full((1, DIM), 0.5)
    for j in range(DIM):
        other = same.clone()
        other[0, j] = 0.6
        assert head(same, other).item() < head(same, same).item()


def test_first_logits_after_fan_in_init_lie_around_zero() -> None:
    """Units of two photos differ by 0.05 to 0.17 on average, as measured on faces with every normalisation."""
    dim = 4096
    head = WeightedL1Head(dim, FanInInit())
    for difference in (0.05, 0.17):
        assert abs(head(torch.zeros(1, dim), torch.full((1, dim), difference)).item()) < 1
