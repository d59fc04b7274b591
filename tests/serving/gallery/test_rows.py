"""The search in memory, against a search that scores everything and sorts it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twinlens.comparison import Comparison, Cosine, Euclidean, WeightedL1
from twinlens.serving.gallery.quick import inverse_lengths, quick_scores
from twinlens.serving.gallery.rows import Table

DIM = 5
NEVER = float("inf")
VALUES = st.floats(-10, 10, width=32)
ANY = st.floats(width=32, allow_nan=False, allow_infinity=False)
# Few values, so that scores tie and embeddings are zero.
COARSE = st.sampled_from([-1.0, 0.0, 1.0, 2.0])
COMPARISONS = st.sampled_from(
    [
        Cosine(),
        Euclidean(),
        WeightedL1(weights=(1.0, 0.5, 2.0, 0.25, 1.0), bias=1.0),
        WeightedL1(weights=(1.0, -0.5, 0.0, -2.0, 3.0), bias=-1.0),
    ]
)


def naive(
    comparison: Comparison, probe: np.ndarray, rows: list[tuple[str, np.ndarray, float]], most: int, now: float
) -> list[tuple[str, float]]:
    best: dict[str, float] = {}
    for name, embedding, expires in rows:
        if expires > now:
            score = float(comparison.matrix(probe[None], embedding[None])[0, 0])
            best[name] = max(score, best.get(name, -np.inf))
    return sorted(best.items(), key=lambda one: (-one[1], one[0]))[:most]


@given(
    comparison=COMPARISONS,
    probe=arrays(np.float32, DIM, elements=VALUES | COARSE),
    embeddings=st.integers(0, 30).flatmap(lambda n: arrays(np.float32, (n, DIM), elements=VALUES | COARSE)),
    most=st.integers(1, 8),
    data=st.data(),
)
def test_it_finds_what_a_naive_search_finds(
    comparison: Comparison, probe: np.ndarray, embeddings: np.ndarray, most: int, data: st.DataObject
) -> None:
    n = len(embeddings)
    names = data.draw(st.lists(st.sampled_from("abcdef"), min_size=n, max_size=n))
    expires = data.draw(st.lists(st.sampled_from([5.0, 10.0, NEVER]), min_size=n, max_size=n))
    table = Table(DIM)
    half = n // 2
    for part in (slice(0, half), slice(half, n)):
        ids = [str(i) for i in range(n)][part]
        table.add(ids, names[part], embeddings[part], expires[part])
    removed = data.draw(st.sets(st.integers(0, max(0, n - 1))))
    table.remove(frozenset(map(str, removed)))
    kept = [row for i, row in enumerate(zip(names, embeddings, expires, strict=True)) if i not in removed]
    ranking = table.rows().rank(probe, comparison, most, now=7.0)
    expected = naive(comparison, probe, kept, most, 7.0)
    np.testing.assert_allclose([one.score for one in ranking.best], [s for _, s in expected], rtol=1e-12, atol=1e-12)
    scores = dict(naive(comparison, probe, kept, 100, 7.0))
    assert len({one.subject_id for one in ranking.best}) == len(ranking.best)
    for one in ranking.best:  # of scores that tie but for a rounding, either may come first
        assert one.score == pytest.approx(scores[one.subject_id], abs=1e-12)
        assert one.templates == sum(row[0] == one.subject_id and row[2] > 7.0 for row in kept)
    assert ranking.subjects == len(scores)
    assert ranking.templates == sum(row[2] > 7.0 for row in kept)


@given(
    comparison=COMPARISONS,
    probe=arrays(np.float32, DIM, elements=VALUES),
    embeddings=arrays(np.float32, (20, DIM), elements=VALUES),
)
def test_quick_scores_are_as_good_as_they_say(
    comparison: Comparison, probe: np.ndarray, embeddings: np.ndarray
) -> None:
    quick, error = quick_scores(probe, embeddings, inverse_lengths(embeddings), comparison)
    exact = comparison.matrix(probe[None], embeddings)[0]
    assert np.abs(quick - exact).max() <= error + 1e-12
    assert error < 1e-3


@pytest.mark.parametrize("dim", [64, 1000])
@pytest.mark.parametrize("kind", ["cosine", "weighted-l1"])
def test_the_bound_holds_for_many_dimensions(dim: int, kind: str) -> None:
    rng = np.random.default_rng(dim)
    embeddings = rng.normal(size=(5000, dim)).astype(np.float32)
    probe = embeddings[0] + rng.normal(0, 0.1, dim).astype(np.float32)
    comparison: Comparison = Cosine() if kind == "cosine" else WeightedL1(weights=tuple(rng.normal(size=dim)), bias=0)
    quick, error = quick_scores(probe, embeddings, inverse_lengths(embeddings), comparison)
    assert 0 < np.abs(quick - comparison.matrix(probe[None], embeddings)[0]).max() <= error


@given(
    comparison=COMPARISONS,
    probe=arrays(np.float32, DIM, elements=ANY),
    embeddings=arrays(np.float32, (20, DIM), elements=ANY),
)
def test_whatever_single_precision_cannot_bear_is_scored_exactly(
    comparison: Comparison, probe: np.ndarray, embeddings: np.ndarray
) -> None:
    """Numbers up to the largest that float32 knows, and down to the smallest."""
    quick, error = quick_scores(probe, embeddings, inverse_lengths(embeddings), comparison)
    exact = comparison.matrix(probe[None], embeddings)[0]
    assert np.isfinite(quick).all()
    assert np.all(np.abs(quick - exact) <= error + 1e-12 * np.maximum(1, np.abs(exact)))


def test_what_was_given_does_not_change_when_the_table_does() -> None:
    table = Table(DIM)
    embeddings = np.eye(DIM, dtype=np.float32)
    table.add(list("01"), list("ab"), embeddings[:2], [NEVER] * 2)
    before = table.rows()
    table.add(["2"], ["c"], embeddings[2:3], [NEVER])
    table.remove(frozenset("0"))
    table.add(["3"], ["d"], embeddings[3:4], [NEVER])
    assert {one.subject_id for one in before.rank(embeddings[0], Cosine(), 9, 0.0).best} == {"a", "b"}
    assert {one.subject_id for one in table.rows().rank(embeddings[0], Cosine(), 9, 0.0).best} == {"b", "c", "d"}


def test_a_subject_is_as_similar_as_its_best_template() -> None:
    table = Table(DIM)
    table.add(list("01"), ["a", "a"], np.eye(DIM, dtype=np.float32)[:2], [NEVER] * 2)
    ranking = table.rows().rank(np.eye(DIM, dtype=np.float32)[1], Cosine(), 5, 0.0)
    assert ranking.best == (("a", 1.0, 2),)
    assert (ranking.subjects, ranking.templates) == (1, 2)
