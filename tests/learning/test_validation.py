import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from tests.learning.small import small_config, small_partition
from twinlens.comparison import Cosine, WeightedL1
from twinlens.data.components import sample_components
from twinlens.data.dataset import Part
from twinlens.errors import TrainingError
from twinlens.evaluation.oneshot import random_episodes
from twinlens.learning.validation import ValidationPart, figures
from twinlens.types import Pairs, Scores

DIM = 4
COMPARISON = WeightedL1(weights=(1.0, 0.5, -0.2, 2.0), bias=0.4)


@pytest.fixture
def part() -> ValidationPart:
    return ValidationPart(small_partition()[0], DIM, small_config())


def alone(value: torch.Tensor) -> torch.Tensor:
    return value


def logits(n: int = 60) -> Scores:
    rng = np.random.default_rng(0)
    is_genuine = rng.random(n) < 0.4
    values = rng.normal(np.where(is_genuine, 0.6, -0.6), 1).round(1)  # rounded, so that some tie
    return Scores(values, is_genuine, np.arange(n), np.where(is_genuine, np.arange(n), np.arange(n) + 1))


def test_figures_are_those_of_a_naive_loop_and_of_scikit_learn() -> None:
    scores = logits()
    losses, right = [], 0
    for value, genuine in zip(scores.values, scores.is_genuine, strict=True):
        probability = 1 / (1 + math.exp(-value))
        losses.append(-math.log(probability if genuine else 1 - probability))
        right += (value > 0) == genuine
    found = figures(scores, COMPARISON)
    assert found["validation_loss"] == pytest.approx(np.mean(losses))
    assert found["validation_accuracy"] == right / 60
    assert found["validation_auc"] == pytest.approx(roc_auc_score(scores.is_genuine, scores.values))
    assert found["score_spread"] == scores.values.max() - scores.values.min()


def test_cosines_are_judged_by_the_logits_that_a_calibration_makes_of_them() -> None:
    scores = logits()
    cosines = Scores(np.tanh(scores.values) / 3, scores.is_genuine, scores.first_subject, scores.second_subject)
    regression = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-8, max_iter=1000)
    regression.fit(cosines.values[:, None], cosines.is_genuine)
    probability = regression.predict_proba(cosines.values[:, None])[:, 1]
    found = figures(cosines, Cosine())
    assert found["validation_loss"] == pytest.approx(log_loss(cosines.is_genuine, probability), rel=0.01)
    assert found["validation_accuracy"] == pytest.approx(np.mean((probability > 0.5) == cosines.is_genuine), abs=0.04)
    assert found["validation_auc"] == figures(scores, COMPARISON)["validation_auc"]
    assert found["score_spread"] == np.ptp(cosines.values)


def test_constant_scores_have_an_auc_of_one_half_and_no_spread() -> None:
    scores = logits()
    constant = Scores(np.full(60, 0.3), scores.is_genuine, scores.first_subject, scores.second_subject)
    found = figures(constant, COMPARISON)
    assert found["validation_auc"] == 0.5
    assert found["score_spread"] == 0
    assert found["validation_accuracy"] == scores.is_genuine.mean()


def test_embeddings_are_put_where_they_belong_in_whatever_order_they_come(part: ValidationPart) -> None:
    expected = torch.rand(part.shape)
    for positions in torch.randperm(part.shape[0]).split(7):
        part.add(positions, expected[positions])
    np.testing.assert_array_equal(part.embeddings(alone), expected.numpy())


def test_sample_that_comes_twice_counts_once(part: ValidationPart) -> None:
    expected = torch.rand(part.shape)
    everything = torch.arange(len(expected))
    for positions in (everything, everything[:3]):
        part.add(positions, expected[positions])
    np.testing.assert_array_equal(part.embeddings(alone), expected.numpy())


def test_new_epoch_forgets_the_last_one(part: ValidationPart) -> None:
    everything = torch.arange(part.shape[0])
    part.add(everything, torch.ones(part.shape))
    part.start()
    part.add(everything, torch.full(part.shape, 2.0))
    assert (part.embeddings(alone) == 2).all()


def test_processes_together_embed_every_sample_once() -> None:
    partition, _ = small_partition()
    shares = [ValidationPart(partition, DIM, small_config()) for _ in range(2)]
    expected = torch.rand(shares[0].shape)
    everything = torch.arange(len(expected))
    for share, positions in zip(shares, (everything[::2], everything[1::2]), strict=True):
        share.add(positions, expected[positions])
    shares[1].add(everything[:1], expected[:1])  # what Lightning repeats to fill up the last batch

    def everywhere(value: torch.Tensor) -> torch.Tensor:
        name = "_sum" if value.shape[1] == DIM else "_count"
        return torch.stack([getattr(share, name) for share in shares]).sum(0)

    np.testing.assert_allclose(shares[0].embeddings(everywhere), expected.numpy(), rtol=1e-6)


def test_scores_of_many_pairs_take_little_memory() -> None:
    """Two sides of 10,000 pairs of 4,096 numbers each, in float64, are 655 MB."""
    partition, dim = small_partition()[0], 4096
    pairs = partition.validation.pairs[np.arange(10_000) % len(partition.validation.pairs)]
    part = ValidationPart(
        replace(partition, validation=replace(partition.validation, pairs=pairs)), dim, small_config()
    )
    comparison = WeightedL1(weights=(1.0,) * dim, bias=0.0)
    embeddings = np.ones((part.shape[0], dim), np.float32)
    tracemalloc.start()
    part.scores(comparison, embeddings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_scores_are_those_of_the_listed_pairs(part: ValidationPart) -> None:
    partition, _ = small_partition()
    every = np.random.default_rng(0).random((len(partition.dataset), DIM), np.float32)
    scores = part.scores(COMPARISON, every[partition.validation.samples])
    pairs, codes = partition.validation.pairs, partition.dataset.subject_codes
    np.testing.assert_array_equal(scores.values, COMPARISON.pairs(every[pairs.first], every[pairs.second]))
    np.testing.assert_array_equal(scores.is_genuine, pairs.is_genuine)
    np.testing.assert_array_equal(scores.first_subject, codes[pairs.first])
    np.testing.assert_array_equal(scores.second_subject, codes[pairs.second])


def test_one_shot_accuracy_is_one_for_telling_embeddings_and_chance_for_constant_ones(part: ValidationPart) -> None:
    subjects = np.unique(part.subjects)
    telling = np.eye(len(subjects), dtype=np.float32)[np.searchsorted(subjects, part.subjects)]
    assert part.oneshot(Cosine(), telling) == 1
    assert part.oneshot(Cosine(), np.ones_like(telling)) == pytest.approx(1 / len(subjects))


@pytest.mark.parametrize(("asked", "ways"), [((2,), 2), ((5,), 5), ((2, 5), 5), ((20,), 8)])
def test_one_shot_tasks_have_as_many_ways_as_asked_for_or_as_there_are_subjects(
    asked: tuple[int, ...], ways: int
) -> None:
    partition, _ = small_partition()
    assert len(partition.validation.subject_codes(partition.dataset)) == 8
    part = ValidationPart(partition, DIM, small_config(evaluation={"n_way": list(asked)}))
    assert {episode.support.shape for episode in part.episodes} == {(ways, 1)}
    assert part.episodes


def test_one_shot_tasks_are_the_same_in_every_epoch_and_run() -> None:
    first, second = (ValidationPart(small_partition()[0], DIM, small_config()).episodes for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.query, other.query)
        np.testing.assert_array_equal(one.support, other.support)


def test_without_two_photos_of_anybody_there_is_no_one_shot_accuracy() -> None:
    partition, _ = small_partition()
    codes = partition.dataset.subject_codes
    samples = np.unique(codes, return_index=True)[1][16:]
    pairs = Pairs(samples[:-1], samples[1:], np.zeros(len(samples) - 1, bool))
    part = ValidationPart(replace(partition, validation=Part(samples, pairs)), DIM, small_config())
    assert part.episodes == ()
    assert part.oneshot(COMPARISON, np.zeros(part.shape, np.float32)) is None


def test_where_only_pairs_are_given_names_make_no_task() -> None:
    partition, _ = small_partition()
    pairs_only = small_config(data={"kind": "lfw", "setting": {"kind": "pairs-only"}})
    chosen = partition.validation.samples
    found = ValidationPart(partition, DIM, pairs_only)
    joined = sample_components(found.pairs, len(chosen))
    renamed = replace(
        partition,
        dataset=replace(
            partition.dataset,
            samples=tuple(replace(s, subject_id=f"nobody{i}") for i, s in enumerate(partition.dataset.samples)),
        ),
    )
    for episode, other in zip(found.episodes, ValidationPart(renamed, DIM, pairs_only).episodes, strict=True):
        assert np.array_equal(episode.support, other.support)
        assert joined[episode.query[0]] == joined[episode.support[episode.query_class[0], 0]]


def test_too_few_people_for_a_task_are_said_where_tasks_decide() -> None:
    partition, _ = small_partition()
    lonely = replace(partition, validation=Part(partition.validation.samples[:2], Pairs.from_rows([])))
    with pytest.raises(TrainingError, match=r"split\.validation"):
        ValidationPart(lonely, DIM, small_config(training={"monitor": "validation_oneshot"}))


def test_the_protocol_s_own_tasks_come_first() -> None:
    partition, _ = small_partition()
    samples, codes = partition.validation.samples, partition.dataset.subject_codes
    tasks = random_episodes(samples, codes[samples], 3, 1, 7, 5)
    part = ValidationPart(replace(partition, tasks=tasks), DIM, small_config())
    assert len(part.episodes) == 7
    for task, row in zip(tasks, part.episodes, strict=True):
        assert np.array_equal(samples[row.query], task.query)
        assert np.array_equal(samples[row.support], task.support)
        assert np.array_equal(row.query_class, task.query_class)
