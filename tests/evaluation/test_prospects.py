"""What is said before a training, against what came out after one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.made import people
from twinlens.comparison import Cosine
from twinlens.config.sections import EvaluationConfig
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.evaluation.intervals import clopper_pearson
from twinlens.evaluation.judge import calibrate
from twinlens.evaluation.prospects import expected_half_width, prospects
from twinlens.reporting.scores import read_result, read_scores
from twinlens.types import Pairs, Sample

PUBLISHED = Path(__file__).parents[2] / "docs" / "results"


def partition_of(dataset: Dataset, validation: Part, test: Part) -> Partition:
    return Partition("made", dataset, test, validation, test, dropped_pairs=0, leaks=False)


@pytest.mark.parametrize("name", ["koch-quick", "koch-supcon", "koch2015-lfw", "koch-dropout"])
def test_width_is_about_that_of_a_published_result(name: str) -> None:
    result, pairs = read_result(PUBLISHED / name), read_scores(PUBLISHED / name / "scores-test.csv")
    subjects = dict(zip(pairs.first + pairs.second, pairs.first_subject + pairs.second_subject, strict=True))
    dataset = Dataset("lfw", Path("nowhere"), tuple(Sample(photo, subjects[photo]) for photo in pairs.photos))
    first, second = (np.array([dataset.index[photo] for photo in side]) for side in (pairs.first, pairs.second))
    test = Part(np.arange(len(dataset)), Pairs(first, second, pairs.is_genuine))
    assert result.test is not None
    found = result.test.accuracy
    expected = expected_half_width(dataset, test, found.value, result.test.level)
    assert expected == pytest.approx((found.high - found.low) / 2, rel=0.2)


def test_more_subjects_make_it_narrower_and_more_pairs_of_the_same_hardly() -> None:
    few, some, many = people(12, 8, 200), people(12, 8, 300), people(48, 8, 800)
    widths = [expected_half_width(dataset, test, 0.8, 0.95) for dataset, test in (few, some, many)]
    assert 0.8 * widths[0] < widths[1] < 1.1 * widths[0]
    assert widths[2] == pytest.approx(widths[0] / 2, rel=0.25)


def test_it_is_wider_than_if_all_pairs_were_independent_and_the_same_every_time() -> None:
    dataset, test = people(30, 6, 200)
    found = expected_half_width(dataset, test, 0.8, 0.95)
    alone = clopper_pearson(80, 400, 0.95)
    assert found > (alone.high - alone.low) / 2
    assert found == expected_half_width(dataset, test, 0.8, 0.95)
    assert expected_half_width(dataset, test, 0.95, 0.95) < found < expected_half_width(dataset, test, 0.8, 0.99)


@pytest.mark.parametrize(("subjects", "photos"), [(9, 3), (60, 14), (400, 4)])
def test_thresholds_rest_on_as_many_pairs_as_calibration_then_says(subjects: int, photos: int) -> None:
    dataset, part = people(subjects, photos)
    embeddings = np.random.default_rng(0).normal(size=(len(dataset), 3)).astype(np.float32)
    settings = EvaluationConfig(n_way=(5, 20))
    _, points, _ = calibrate(embeddings, dataset, part, Cosine(), "identities", settings, seed=4)
    found = prospects(partition_of(dataset, part, part), settings, seed=4)
    assert found.threshold_impostor_pairs == points[0].impostor_pairs
    supported = {point.fmr: point.supported for point in points}
    assert {rate.fmr: rate.threshold for rate in found.rates if rate.fmr in supported} == {
        rate.fmr: supported[rate.fmr] for rate in found.rates if rate.fmr in supported
    }


def test_only_pairs_within_a_group_count_where_there_are_groups() -> None:
    dataset, part = people(6, 2, 5)
    grouped = replace(part, groups=np.repeat([0, 1], 6))
    found = [prospects(partition_of(dataset, one, part), EvaluationConfig(), 0) for one in (part, grouped)]
    assert [one.threshold_impostor_pairs for one in found] == [(12 * 11 - 6 * 2) // 2, 2 * (6 * 5 - 3 * 2) // 2]


def test_what_the_test_can_show_follows_from_its_own_pairs() -> None:
    dataset, test = people(30, 4, 40)
    found = prospects(partition_of(dataset, test, test), EvaluationConfig(n_way=(5, 40)), 0)
    assert found.test_impostor_pairs == 40
    assert not any(rate.test for rate in found.rates)
    assert found.largest_n_way == 30
    assert [rate.impostor_pairs for rate in found.rates if rate.fmr in (0.1, 0.01)] == [300, 3000]
