"""Covariances within and between classes against scikit-learn and simulations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from twinlens.errors import TrainingError
from twinlens.learning.refining.covariances import covariances, freedom, repeated, shrunk

WITHIN = np.array([[1.0, 0.3], [0.3, 0.5]])
BETWEEN = np.array([[2.0, -0.4], [-0.4, 1.0]])


def simulated(sizes: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of classes of these sizes, drawn with the two covariances above, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    means = rng.multivariate_normal([5, -3], BETWEEN, len(sizes))
    return means[labels] + rng.multivariate_normal([0, 0], WITHIN, len(labels)), labels


def test_within_is_the_scatter_that_scikit_learn_finds() -> None:
    vectors, labels = simulated(np.random.default_rng(0).integers(2, 9, 30))
    found = LinearDiscriminantAnalysis(solver="eigen", store_covariance=True).fit(vectors, labels).covariance_
    unbiased = found * len(labels) / (len(labels) - 30)
    np.testing.assert_allclose(covariances(vectors, labels).within, unbiased, rtol=1e-9)


def test_of_pairs_it_is_half_the_mean_square_of_their_differences() -> None:
    vectors, labels = simulated(np.full(40, 2))
    order = np.argsort(labels, kind="stable")
    differences = vectors[order[::2]] - vectors[order[1::2]]
    np.testing.assert_allclose(covariances(vectors, labels).within, differences.T @ differences / 80, rtol=1e-9)


def test_classes_of_one_change_nothing_within() -> None:
    vectors, labels = simulated(np.full(40, 2))
    alone = np.random.default_rng(1).normal(size=(9, 2))
    more = covariances(np.concatenate([vectors, alone]), np.concatenate([labels, np.arange(40, 49)]))
    np.testing.assert_allclose(more.within, covariances(vectors, labels).within, rtol=1e-9)
    assert freedom(np.concatenate([labels, np.arange(40, 49)])) == freedom(labels) == 40


@pytest.mark.parametrize("sizes", [np.full(6000, 2), np.random.default_rng(0).integers(1, 12, 4000)])
def test_what_was_drawn_is_found_whatever_the_sizes(sizes: np.ndarray) -> None:
    found = covariances(*simulated(sizes))
    np.testing.assert_allclose(found.within, WITHIN, atol=0.06)
    np.testing.assert_allclose(found.between, BETWEEN, atol=0.15)


@given(
    labels=st.lists(st.integers(0, 5), min_size=3, max_size=30),
    shift=arrays(np.float64, 2, elements=st.floats(-50, 50)),
    seed=st.integers(0, 99),
)
def test_neither_order_names_nor_origin_matter(labels: list[int], shift: np.ndarray, seed: int) -> None:
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.max() < 2 or len(counts) < 2:
        return
    rng = np.random.default_rng(seed)
    vectors, order, names = rng.normal(size=(len(codes), 2)), rng.permutation(len(codes)), rng.permutation(len(counts))
    first, second = covariances(vectors, codes), covariances(vectors[order] + shift, names[codes[order]])
    np.testing.assert_allclose(second.within, first.within, atol=1e-9)
    np.testing.assert_allclose(second.between, first.between, atol=1e-9)


def test_no_two_of_a_class_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(TrainingError, match=r"No two training photos .* take metric kind pca, .* metric\.kind=none"):
        covariances(np.eye(3), np.arange(3))


def test_repeated_labels_are_those_of_classes_of_two_or_more() -> None:
    assert repeated(np.array([0, 2, 1, 2, 3, 0])).tolist() == [True, True, False, True, False, True]


@given(st.floats(0, 1))
def test_shrinking_keeps_the_total_variance(share: float) -> None:
    found = shrunk(WITHIN, share)
    assert np.trace(found) == pytest.approx(np.trace(WITHIN))
    assert found[0, 1] == pytest.approx((1 - share) * WITHIN[0, 1])
