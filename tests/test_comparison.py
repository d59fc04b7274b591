"""Comparisons: symmetric, and the same by pairs, as a matrix and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import TypeAdapter, ValidationError
from scipy.stats import multivariate_normal

from twinlens.comparison import Comparison, Cosine, Euclidean, Plda, WeightedL1

DIM = 5
_numbers = st.floats(-100, 100, width=32).map(lambda value: round(value, 3))
batches = st.integers(1, 6).flatmap(lambda n: arrays(np.float32, (n, DIM), elements=_numbers))
comparisons = st.one_of(
    st.just(Cosine()),
    st.just(Euclidean()),
    st.just(Plda()),
    st.builds(
        WeightedL1,
        weights=st.lists(st.floats(-3, 3), min_size=DIM, max_size=DIM).map(tuple),
        bias=st.floats(-9, 9),
    ),
)


def by_hand(comparison: Comparison, one: list[float], two: list[float]) -> float:
    if isinstance(comparison, WeightedL1):
        distance = sum(w * abs(a - b) for w, a, b in zip(comparison.weights, one, two, strict=True))
        return comparison.bias - distance
    if isinstance(comparison, Euclidean):
        return -math.dist(one, two)
    if isinstance(comparison, Plda):
        return sum(a * b for a, b in zip(one[:-1], two[:-1], strict=True)) - one[-1] - two[-1]
    lengths = math.sqrt(sum(a * a for a in one)) * math.sqrt(sum(b * b for b in two))
    return sum(a * b for a, b in zip(one, two, strict=True)) / lengths if lengths else 0.0


@given(comparisons, batches, batches)
def test_pairs_matrix_and_hand_agree(comparison: Comparison, first: np.ndarray, second: np.ndarray) -> None:
    matrix = comparison.matrix(first, second)
    assert matrix.dtype == np.float64
    assert matrix.shape == (len(first), len(second))
    expected = [[by_hand(comparison, a, b) for b in second.tolist()] for a in first.tolist()]
    np.testing.assert_allclose(matrix, expected, atol=1e-9)
    n = min(len(first), len(second))
    pairs = comparison.pairs(first[:n], second[:n])
    assert pairs.dtype == np.float64
    np.testing.assert_allclose(pairs, np.diag(expected)[:n], atol=1e-9)


@given(comparisons, batches, batches)
def test_the_two_sides_may_be_swapped(comparison: Comparison, first: np.ndarray, second: np.ndarray) -> None:
    np.testing.assert_allclose(
        comparison.matrix(first, second), comparison.matrix(second, first).T, rtol=1e-12, atol=1e-12
    )
    n = min(len(first), len(second))
    one, two = comparison.pairs(first[:n], second[:n]), comparison.pairs(second[:n], first[:n])
    assert one.tolist() == two.tolist()


@given(batches)
def test_cosine_lies_between_minus_one_and_one_and_ignores_length(batch: np.ndarray) -> None:
    matrix = Cosine().matrix(batch, batch)
    assert np.abs(matrix).max() <= 1 + 1e-12
    np.testing.assert_allclose(Cosine().matrix(7 * batch, batch), matrix, atol=1e-6)
    known = np.abs(batch).max(axis=1) > 0
    np.testing.assert_allclose(np.diag(matrix)[known], 1)
    assert (matrix[~known] == 0).all()


@given(batches, st.floats(-9, 9))
def test_an_embedding_scores_the_bias_with_itself(batch: np.ndarray, bias: float) -> None:
    comparison = WeightedL1(weights=(1.0, 0.5, -2.0, 0.0, 3.0), bias=bias)
    assert comparison.pairs(batch, batch).tolist() == [bias] * len(batch)


def test_a_higher_score_is_more_alike() -> None:
    near, far, probe = np.array([[1.0, 0.1]]), np.array([[-1.0, 2.0]]), np.array([[1.0, 0.0]])
    for comparison in (Cosine(), WeightedL1(weights=(1.0, 1.0), bias=0.0)):
        assert comparison.pairs(probe, near) > comparison.pairs(probe, far)


def test_equal_rows_score_exactly_equal() -> None:
    # A collapsed network must tie in every figure, so one row may not round otherwise than the next.
    for dim in (1, 7, 37, 256, 4096):
        rows = np.broadcast_to(np.sin(np.arange(1, dim + 1, dtype=np.float32)), (513, dim))
        comparison = WeightedL1(weights=tuple(np.cos(np.arange(dim)).tolist()), bias=0.1)
        assert len(np.unique(Cosine().pairs(rows, rows))) == 1
        assert len(np.unique(Plda().pairs(rows, rows))) == 1
        assert np.unique(comparison.pairs(rows, rows)).tolist() == [0.1]


def test_a_comparison_is_read_back_from_json() -> None:
    adapter: TypeAdapter[Comparison] = TypeAdapter(Comparison)
    for comparison in (Cosine(), Euclidean(), Plda(), WeightedL1(weights=(0.5, -1.0), bias=0.25)):
        assert adapter.validate_json(adapter.dump_json(comparison)) == comparison
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "manhattan"})


@given(batches)
def test_euclid_scores_an_embedding_with_itself_highest(embeddings: np.ndarray) -> None:
    scores = Euclidean().matrix(embeddings, embeddings)
    np.testing.assert_array_equal(np.diag(scores), 0)
    assert (scores <= 0).all()
    moved = Euclidean().matrix(embeddings + 7, embeddings + 7)
    np.testing.assert_allclose(moved, scores, atol=1e-4)


def test_plda_is_the_ratio_of_two_gaussians() -> None:
    """Two photos of one subject, or of two, by the densities of the two-covariance model itself."""
    between = np.array([4.0, 1.0, 0.25])
    same = np.block([[np.diag(1 + between), np.diag(between)], [np.diag(between), np.diag(1 + between)]])
    other = np.diag(np.concatenate([1 + between, 1 + between]))
    photos = np.random.default_rng(0).normal(size=(6, 3)) * np.sqrt(1 + between)
    pairs = np.concatenate([np.repeat(photos, 6, axis=0), np.tile(photos, (6, 1))], axis=1)
    ratios = multivariate_normal(cov=same).logpdf(pairs) - multivariate_normal(cov=other).logpdf(pairs)

    scaled = photos * np.sqrt(between / (1 + 2 * between))
    own = scaled**2 @ (between / (1 + between)) / 2
    scores = Plda().matrix(*[np.column_stack([scaled, own])] * 2).ravel()
    np.testing.assert_allclose(scores - scores[0], ratios - ratios[0], atol=1e-9)


@given(batches)
def test_plda_keeps_its_scores_under_rotations_of_all_but_the_last_dimension(batch: np.ndarray) -> None:
    q, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(DIM - 1, DIM - 1)))
    turned = np.column_stack([batch[:, :-1].astype(np.float64) @ q, batch[:, -1]])
    np.testing.assert_allclose(Plda().matrix(turned, turned), Plda().matrix(batch, batch), atol=1e-8)
