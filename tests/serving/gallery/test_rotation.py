import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kstest

from twinlens.comparison import Comparison, Cosine, Euclidean, Plda, WeightedL1
from twinlens.serving.gallery.rotation import (
    Orthogonal,
    SignedPermutation,
    direction,
    draw_rotation,
    kind_for,
    rotated_comparison,
)

DIM = 12
SECRET = st.binary(min_size=32, max_size=32)
EMBEDDINGS = arrays(np.float32, (3, DIM), elements=st.floats(-8, 8, width=32))
WEIGHTS = st.tuples(*[st.floats(-2, 2, width=32)] * DIM)
COMPARISONS = st.one_of(
    st.just(Cosine()),
    st.just(Euclidean()),
    st.just(Plda()),
    st.builds(WeightedL1, weights=WEIGHTS, bias=st.floats(-3, 3)),
)


@given(comparison=COMPARISONS, secret=SECRET, first=EMBEDDINGS, second=EMBEDDINGS)
def test_every_score_is_kept(comparison: Comparison, secret: bytes, first: np.ndarray, second: np.ndarray) -> None:
    rotation = draw_rotation(kind_for(comparison), DIM, secret)
    rotated = rotated_comparison(comparison, rotation)
    before = comparison.matrix(first, second)
    after = rotated.matrix(rotation.apply(first), rotation.apply(second))
    if isinstance(comparison, Cosine):  # of a vector that is nearly nothing, rounding is large
        lengths = np.linalg.norm(first, axis=1)[:, None] * np.linalg.norm(second, axis=1)
        before, after = before[lengths > 1e-3], after[lengths > 1e-3]
    tolerance = {WeightedL1: 1e-9, Plda: 2e-4}.get(type(comparison), 1e-5)  # a product rounds as its sides are long
    np.testing.assert_allclose(after, before, atol=tolerance)


@given(comparison=COMPARISONS, secret=SECRET, embeddings=EMBEDDINGS)
def test_it_can_be_undone(comparison: Comparison, secret: bytes, embeddings: np.ndarray) -> None:
    rotation = draw_rotation(kind_for(comparison), DIM, secret)
    rotated = rotation.apply(embeddings)
    assert rotated.dtype == rotation.undo(rotated).dtype == np.float32
    np.testing.assert_allclose(rotation.undo(rotated), embeddings, atol=1e-5)


@given(secret=SECRET, embeddings=EMBEDDINGS)
def test_a_signed_permutation_loses_no_bit(secret: bytes, embeddings: np.ndarray) -> None:
    rotation = draw_rotation("signed-permutation", DIM, secret)
    np.testing.assert_array_equal(rotation.undo(rotation.apply(embeddings)), embeddings)
    np.testing.assert_array_equal(np.sort(np.abs(rotation.apply(embeddings))), np.sort(np.abs(embeddings)))


@pytest.mark.parametrize("dim", [1, 2, 3, 64, 512])
def test_the_matrix_is_orthogonal(dim: int) -> None:
    rotation = draw_rotation("orthogonal", dim, bytes(32))
    assert isinstance(rotation, Orthogonal)
    np.testing.assert_allclose(rotation.matrix @ rotation.matrix.T, np.eye(dim), atol=1e-12)


def test_the_same_secret_gives_the_same_rotation_for_ever() -> None:
    """Written down: a gallery of today has to open with the NumPy of another day."""
    rotation = draw_rotation("orthogonal", 3, bytes(range(32)))
    assert isinstance(rotation, Orthogonal)
    expected = [
        [-0.22425808971992445, -0.8078144563161217, 0.5451092673600944],
        [0.18534883212517797, 0.5137903997613704, 0.8376546039644762],
        [-0.9567414068728304, 0.28888618741597827, 0.03450581248510737],
    ]
    np.testing.assert_allclose(rotation.matrix, expected, atol=1e-12)
    permutation = draw_rotation("signed-permutation", 6, bytes(range(32)))
    assert isinstance(permutation, SignedPermutation)
    assert permutation.order.tolist() == [1, 5, 0, 3, 4, 2]
    assert permutation.signs.tolist() == [-1, -1, 1, -1, -1, -1]


def test_rotations_are_evenly_distributed() -> None:
    """An entry of a Haar-distributed matrix of dimension 3 is uniform in [-1, 1], and so is the first column's."""
    rng = np.random.default_rng(0)
    drawn = [draw_rotation("orthogonal", 3, rng.bytes(32)) for _ in range(2000)]
    entries = np.array([rotation.matrix for rotation in drawn if isinstance(rotation, Orthogonal)])
    for i in range(3):
        for j in range(3):
            assert kstest(entries[:, i, j], "uniform", (-1, 2)).pvalue > 1e-4
    assert abs(np.mean(np.linalg.det(entries))) < 0.1  # rotations and reflections alike


def test_permutations_are_evenly_distributed() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_rotation("signed-permutation", 3, rng.bytes(32)) for _ in range(2400)]
    seen = [
        (*rotation.order.tolist(), *rotation.signs.tolist())
        for rotation in drawn
        if isinstance(rotation, SignedPermutation)
    ]
    counts = np.unique(seen, axis=0, return_counts=True)[1]
    assert len(counts) == 48
    assert 20 < counts.min() <= counts.max() < 90  # 50 each, give or take seven


@pytest.mark.parametrize("comparison", [Cosine(), Euclidean(), Plda()], ids=lambda comparison: comparison.kind)
def test_what_two_galleries_show_of_one_photo_cannot_be_linked(comparison: Comparison) -> None:
    """Not by the cosine, and not by what no rotation changes: the length, and PLDA's last number."""
    rng = np.random.default_rng(0)
    embeddings = (rng.normal(size=(200, 128)) * rng.uniform(0.5, 2, (200, 1))).astype(np.float32)
    kind = kind_for(comparison)
    first, second = (
        direction(draw_rotation(kind, 128, bytes([number] * 32)).apply(embeddings), kind).astype(np.float64)
        for number in (1, 2)
    )
    scores = Cosine().matrix(first, second)
    own, others = np.diag(scores), scores[~np.eye(200, dtype=bool)]
    assert abs(own.mean()) < 4 * others.std() / np.sqrt(200)
    assert own.max() < others.max()
    for shown in (first, second):
        np.testing.assert_allclose(np.linalg.norm(shown, axis=1), 1, atol=1e-6)
        assert isinstance(comparison, Plda) == (not shown[:, -1].any())


@given(comparison=COMPARISONS, secret=SECRET, embeddings=EMBEDDINGS)
def test_a_direction_is_that_of_all_that_is_rotated(
    comparison: Comparison, secret: bytes, embeddings: np.ndarray
) -> None:
    kind = kind_for(comparison)
    rotated = draw_rotation(kind, DIM, secret).apply(embeddings)
    shown = direction(rotated, kind)
    assert shown.dtype == np.float32
    body = rotated[:, :-1] if kind == "orthogonal-but-last" else rotated
    length = np.linalg.norm(body.astype(np.float64), axis=1, keepdims=True)
    np.testing.assert_allclose(shown[:, : body.shape[1]] * length, body, atol=1e-5)
