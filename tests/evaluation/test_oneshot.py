"""One-shot tasks: how they are drawn, and how ties are counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.made import constant_encoder, crops_of, people, pixel_encoder
from twinlens.comparison import Comparison, Cosine, WeightedL1
from twinlens.errors import DataError, EvaluationError
from twinlens.evaluation.oneshot import largest_n_way, oneshot_accuracy, oneshot_credit, random_episodes
from twinlens.types import Episode

COMPARISONS = [Cosine(), WeightedL1(weights=tuple(np.linspace(0.1, 1, 37)), bias=0.2)]


@given(st.lists(st.integers(1, 5), min_size=2, max_size=8), st.integers(1, 3), st.integers(0, 99), st.data())
def test_tasks_are_drawn_by_the_rules(sizes: list[int], k_shot: int, seed: int, data: st.DataObject) -> None:
    codes = np.repeat(np.arange(len(sizes)) * 3 + 1, sizes)
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    codes, samples = codes[shuffled], shuffled + 50
    most = largest_n_way(codes, k_shot)
    if most < 2:
        with pytest.raises(DataError, match="ways"):
            random_episodes(samples, codes, 2, k_shot, 5, seed)
        return
    n_way = data.draw(st.integers(2, most))
    subject_of = dict(zip(samples.tolist(), codes.tolist(), strict=True))
    episodes = random_episodes(samples, codes, n_way, k_shot, 5, seed)
    assert len(episodes) == 5
    for episode in episodes:
        assert episode.support.shape == (n_way, k_shot)
        used = [*episode.query.tolist(), *episode.support.ravel().tolist()]
        assert len(set(used)) == 1 + n_way * k_shot
        rows = [{subject_of[i] for i in row} for row in episode.support.tolist()]
        assert all(len(row) == 1 for row in rows)
        assert len(set.union(*rows)) == n_way
        assert rows[episode.query_class[0]] == {subject_of[episode.query[0]]}


def test_more_ways_than_subjects_are_refused_with_what_is_possible() -> None:
    codes = np.repeat(np.arange(7), 2)
    with pytest.raises(DataError, match="these allow 7 ways"):
        random_episodes(np.arange(14), codes, 8, 1, 1, 0)
    assert largest_n_way(codes, 1) == 7
    assert largest_n_way(codes, 2) == 0
    assert largest_n_way(np.append(codes, 0), 2) == 7
    assert largest_n_way(np.arange(9), 1) == 0


def test_subjects_with_many_photos_are_asked_about_no_more_than_others() -> None:
    sizes = [100, *[2] * 9]
    codes = np.repeat(np.arange(10), sizes)
    episodes = random_episodes(np.arange(len(codes)), codes, 5, 1, 2000, 0)
    asked = np.bincount(codes[[episode.query[0] for episode in episodes]], minlength=10)
    assert asked.min() > 140
    assert asked[0] < 260
    places = np.bincount([episode.query_class[0] for episode in episodes])
    assert places.min() > 300


def test_equal_seeds_draw_equal_tasks() -> None:
    codes = np.repeat(np.arange(30), 3)
    one, two, other = (random_episodes(np.arange(90), codes, 5, 1, 20, seed) for seed in (4, 4, 5))
    assert [e.query.tolist() for e in one] == [e.query.tolist() for e in two]
    assert [e.support.tolist() for e in one] == [e.support.tolist() for e in two]
    assert [e.query.tolist() for e in one] != [e.query.tolist() for e in other]


@pytest.mark.parametrize("comparison", COMPARISONS, ids=["cosine", "weighted L1"])
@pytest.mark.parametrize(("n_way", "k_shot"), [(2, 1), (3, 2), (5, 1), (7, 2), (20, 1)])
def test_a_constant_network_scores_exactly_chance(comparison: Comparison, n_way: int, k_shot: int) -> None:
    dataset, _ = people(subjects=25)
    embeddings = constant_encoder(crops_of(dataset))
    codes = dataset.subject_codes
    episodes = random_episodes(np.arange(len(codes)), codes, n_way, k_shot, 333, 0)
    found = oneshot_accuracy(episodes, embeddings, codes, comparison)
    assert found.accuracy.value == found.chance == 1 / n_way
    assert found.accuracy.low == pytest.approx(1 / n_way)
    assert found.accuracy.high == pytest.approx(1 / n_way)


@pytest.mark.parametrize("k_shot", [1, 2])
def test_credit_is_that_of_a_naive_loop(k_shot: int) -> None:
    dataset, _ = people(subjects=12)
    embeddings = np.round(pixel_encoder(crops_of(dataset))[:, :3])  # coarse, so that many classes tie
    comparison = WeightedL1(weights=(1.0, 1.0, 1.0), bias=0.0)
    episodes = random_episodes(np.arange(len(dataset)), dataset.subject_codes, 5, k_shot, 200, 1)
    expected = []
    for episode in episodes:
        by_class = []
        for row in episode.support:
            scores = [comparison.pairs(embeddings[episode.query], embeddings[[i]])[0] for i in row]
            by_class.append(sum(scores) / k_shot)
        best = [c for c, score in enumerate(by_class) if score == max(by_class)]
        expected.append((episode.query_class[0] in best) / len(best))
    found = oneshot_credit(episodes, embeddings, comparison)
    assert found.tolist() == pytest.approx(expected)
    assert len(set(expected)) > 2


def test_the_official_form_has_many_queries_over_one_support() -> None:
    # Four classes, one support each at 0, 10, 20, 30; the last query lies nearest to the wrong class, and the one
    # before in the middle between right and wrong.
    embeddings = np.array([[1], [11], [19], [25], [12], [0], [10], [20], [30]], np.float32)
    episode = Episode(query=np.arange(5), query_class=np.array([0, 1, 2, 3, 3]), support=np.array([[5], [6], [7], [8]]))
    subjects = np.array([0, 1, 2, 3, 3, 0, 1, 2, 3])
    comparison = WeightedL1(weights=(1.0,), bias=0.0)
    assert oneshot_credit([episode], embeddings, comparison).tolist() == [1, 1, 1, 0.5, 0]
    found = oneshot_accuracy([episode, episode], embeddings, subjects, comparison, name="official")
    assert (found.name, found.n_way, found.k_shot, found.tasks) == ("official", 4, 1, 10)
    assert found.accuracy.value == pytest.approx(0.7)
    assert found.chance == 0.25
    assert found.accuracy.low < 0.7 < found.accuracy.high


def test_several_shots_help_and_intervals_repeat() -> None:
    dataset, _ = people(subjects=30, photos=6)
    embeddings, codes = pixel_encoder(crops_of(dataset))[:, :6], dataset.subject_codes
    rows = np.arange(len(codes))
    one, five = (
        oneshot_accuracy(random_episodes(rows, codes, 20, k, 400, 0), embeddings, codes, Cosine(), seed=3)
        for k in (1, 5)
    )
    assert one.chance < one.accuracy.low < one.accuracy.value < five.accuracy.value
    assert one.name == "20-way 1-shot"
    again = oneshot_accuracy(random_episodes(rows, codes, 20, 1, 400, 0), embeddings, codes, Cosine(), seed=3)
    assert again == one


def test_tasks_must_be_of_one_shape_and_scores_finite() -> None:
    codes = np.repeat(np.arange(6), 3)
    embeddings = np.ones((18, 2), np.float32)
    rows = np.arange(18)
    mixed = [*random_episodes(rows, codes, 5, 1, 1, 0), *random_episodes(rows, codes, 4, 1, 1, 0)]
    with pytest.raises(EvaluationError, match="one shape"):
        oneshot_credit(mixed, embeddings, Cosine())
    with pytest.raises(EvaluationError, match="one shape"):
        oneshot_credit([], embeddings, Cosine())
    embeddings[:, 0] = np.nan
    with pytest.raises(EvaluationError, match="not a finite number"):
        oneshot_credit(random_episodes(rows, codes, 5, 1, 1, 0), embeddings, Cosine())
