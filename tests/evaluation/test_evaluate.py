"""The whole path from crops to every figure, with encoders whose right figures are known."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.made import constant_encoder, crops_of, people, pixel_encoder, random_encoder
from twinlens.comparison import Comparison, Cosine, WeightedL1
from twinlens.config.sections import EvaluationConfig
from twinlens.data.dataset import Dataset, Part
from twinlens.errors import EvaluationError
from twinlens.evaluation.evaluate import evaluate_part, write_scores
from twinlens.evaluation.figures import Evaluation
from twinlens.evaluation.judge import Judge, calibrate
from twinlens.evaluation.metrics import accuracy, auc
from twinlens.evaluation.scoring import embed, score_part
from twinlens.types import Encoder, Float32Array, OperatingPoint, Pairs, Scores

SETTINGS = EvaluationConfig(resamples=100, oneshot_trials=200)
L1 = WeightedL1(weights=tuple(np.linspace(0.1, 1, 37)), bias=0.2)


def judged(
    encoder: Encoder, comparison: Comparison, setting: str = "pairs-only", settings: EvaluationConfig = SETTINGS
) -> tuple[Evaluation, Scores, Judge, tuple[OperatingPoint, ...]]:
    """Calibrated on 30 people, evaluated on 40 others (the made datasets differ in size, hence in patterns)."""
    dataset, validation = people(subjects=30, seed=1)
    embeddings = embed(encoder, crops_of(dataset), validation.samples)
    judge, points, _ = calibrate(embeddings, dataset, validation, comparison, setting, settings, 0)  # type: ignore[arg-type]
    dataset, test = people(subjects=40)
    embeddings = embed(encoder, crops_of(dataset), test.samples)
    evaluation, scores = evaluate_part(embeddings, dataset, test, judge, settings, protocol="made", name="test", seed=0)
    return evaluation, scores, judge, points


@pytest.mark.parametrize("setting", ["pairs-only", "identities"])
@pytest.mark.parametrize("comparison", [Cosine(), L1], ids=["cosine", "weighted L1"])
def test_a_constant_network_is_exactly_as_good_as_chance(comparison: Comparison, setting: str) -> None:
    found, scores, judge, points = judged(constant_encoder, comparison, setting)
    assert len(np.unique(scores.values)) == 1
    assert found.auc.value == found.auc.low == found.auc.high == 0.5
    assert found.eer.value == found.eer.low == found.eer.high == 0.5
    assert found.accuracy.value == 0.5
    assert [task.accuracy.value for task in found.oneshot] == [0.2, 0.05] == [t.chance for t in found.oneshot]
    assert [rate.tar.value for rate in found.tar_at_fmr] == [0, 0, 0]
    # It knows nothing: every probability is the prior, and nothing matches.
    assert (judge.calibration.slope, judge.calibration.intercept) == (0, 0)
    assert found.threshold == sys.float_info.max
    assert (found.confusion.fmr.value, found.confusion.fnmr.value) == (0, 1)
    assert found.calibration.cllr.value == pytest.approx(1)
    assert found.calibration.cllr_min == pytest.approx(1)
    assert found.calibration.brier.value == pytest.approx(0.25)
    assert found.calibration.expected_calibration_error.value == pytest.approx(0, abs=1e-12)
    assert all(point.threshold.low <= point.threshold.high for point in points)
    assert Evaluation.model_validate_json(found.model_dump_json()) == found
    json.dumps(found.model_dump(), allow_nan=False)


def test_calibration_says_how_sure_it_is_and_what_lies_beyond_its_thresholds() -> None:
    dataset, part = people(subjects=60, seed=1)
    embeddings = embed(pixel_encoder, crops_of(dataset), part.samples)
    sure, unsure = (
        calibrate(embeddings, dataset, part, Cosine(), setting, SETTINGS, 0)  # type: ignore[arg-type]
        for setting in ("identities", "pairs-only")
    )
    assert sure.tail == unsure.tail is not None
    assert sure.tail.fmr == min(point.fmr for point in sure.operating_points if point.supported)
    start = next(point for point in sure.operating_points if point.fmr == sure.tail.fmr)
    assert sure.tail.threshold == start.threshold.high
    assert sure.judge.calibration.covariance is not None
    assert unsure.judge.calibration.covariance is not None
    assert sure.judge.calibration.covariance[0] < unsure.judge.calibration.covariance[0]


def test_a_fair_network_is_better_than_chance_and_sure_of_it() -> None:
    found, _, judge, points = judged(pixel_encoder, Cosine())
    assert found.auc.low > 0.8
    assert found.accuracy.low > 0.6
    assert found.calibration.cllr.high < 1
    assert judge.calibration.slope > 0
    assert found.threshold == judge.threshold
    assert [t.n_way for t in found.oneshot] == [5, 20]
    assert all(t.accuracy.low > 2 * t.chance for t in found.oneshot)
    thresholds = [point.threshold.value for point in points]
    assert thresholds == sorted(thresholds)


def test_an_inverted_network_is_caught() -> None:
    inverted = WeightedL1(weights=(-1.0,) * 64, bias=0.0)
    fair = WeightedL1(weights=(1.0,) * 64, bias=0.0)
    found, _, judge, _ = judged(pixel_encoder, inverted)
    mirrored, _, _, _ = judged(pixel_encoder, fair)
    assert found.auc.value == pytest.approx(1 - mirrored.auc.value)
    assert found.auc.high < 0.5
    assert found.eer.value > 0.5
    # Its scores speak the wrong way, so its calibration ignores them rather than turn them around.
    assert judge.calibration.slope == 0
    assert found.accuracy.value == 0.5
    assert found.calibration.cllr.value == pytest.approx(1)
    assert all(t.accuracy.high < t.chance for t in found.oneshot)


def test_a_random_network_is_within_noise_of_chance() -> None:
    found, _, _, _ = judged(random_encoder, Cosine())
    assert found.auc.low < 0.5 < found.auc.high
    assert found.accuracy.low < 0.5 < found.accuracy.high
    assert found.eer.low < 0.5 < found.eer.high
    assert all(t.accuracy.low <= t.chance <= t.accuracy.high for t in found.oneshot)


def test_the_figures_agree_with_each_other() -> None:
    found, scores, judge, _ = judged(pixel_encoder, Cosine())
    _, part = people(subjects=40)
    assert (found.genuine_pairs, found.impostor_pairs) == (25, 25)
    assert found.images == len(part.pairs.samples)
    assert found.subjects == len({*scores.first_subject.tolist(), *scores.second_subject.tolist()})
    assert found.auc.value == auc(scores)
    assert found.accuracy.value == accuracy(scores, judge.threshold)
    table = found.confusion
    assert found.accuracy.value == (table.matched_genuine + table.rejected_impostor) / 50
    assert sum(found.histogram.genuine) == sum(found.histogram.impostor) == 25
    assert sum(part.count for part in found.calibration.bins) == 50
    for rate in found.tar_at_fmr:
        assert np.mean(scores.impostor >= rate.threshold) <= rate.fmr
        assert np.mean(scores.genuine >= rate.threshold) == pytest.approx(rate.tar.value)
        assert rate.expected_errors == pytest.approx(25 * rate.fmr)
        assert not rate.supported
    for figure in (found.auc, found.eer, found.accuracy, found.calibration.cllr, found.calibration.brier):
        assert figure.low <= figure.value <= figure.high


def test_equal_seeds_give_equal_results() -> None:
    one, two = judged(pixel_encoder, Cosine()), judged(pixel_encoder, Cosine())
    assert one[0] == two[0]
    assert one[1].values.tolist() == two[1].values.tolist()
    assert one[2:] == two[2:]


def test_tasks_with_more_ways_than_people_are_left_out() -> None:
    settings = SETTINGS.model_copy(update={"n_way": (5, 30, 40, 41)})
    found, _, _, _ = judged(pixel_encoder, Cosine(), settings=settings)
    assert [t.n_way for t in found.oneshot] == [5, 30, 40]


def test_the_prior_moves_probabilities_but_not_decisions() -> None:
    rare = SETTINGS.model_copy(update={"prior": 0.01})
    one, _, _, _ = judged(pixel_encoder, Cosine())
    two, _, _, _ = judged(pixel_encoder, Cosine(), settings=rare)
    assert one.confusion == two.confusion
    assert one.calibration.cllr == two.calibration.cllr
    assert two.calibration.prior == 0.01
    assert two.calibration.brier.value < one.calibration.brier.value


def test_names_calibrate_only_where_they_may_be_used() -> None:
    dataset, part = people(subjects=30, seed=1)
    embeddings = embed(pixel_encoder, crops_of(dataset), part.samples)
    listed, points, _ = calibrate(embeddings, dataset, part, Cosine(), "pairs-only", SETTINGS, 0)
    named, same, _ = calibrate(embeddings, dataset, part, Cosine(), "identities", SETTINGS, 0)
    assert (listed.calibration.genuine_pairs, listed.calibration.impostor_pairs) == (25, 25)
    assert (named.calibration.genuine_pairs, named.calibration.impostor_pairs) == (90, 90 * 89 // 2 - 90)
    assert points == same
    assert {point.impostor_pairs for point in points} == {90 * 89 // 2 - 90}
    # Other listed pairs, and only the judge of the pairs-only setting changes.
    other = Part(part.samples, part.pairs[np.arange(10, 40)])
    assert calibrate(embeddings, dataset, other, Cosine(), "identities", SETTINGS, 0)[0] == named
    assert calibrate(embeddings, dataset, other, Cosine(), "pairs-only", SETTINGS, 0)[0] != listed


def test_where_only_a_group_s_own_photos_meet_nothing_rests_on_others() -> None:
    dataset, part = people(subjects=30, seed=1)
    embeddings = embed(pixel_encoder, crops_of(dataset), part.samples)
    groups = dataset.subject_codes % 3
    judge, points, _ = calibrate(embeddings, dataset, replace(part, groups=groups), Cosine(), "identities", SETTINGS, 0)
    impostor = 3 * (30 * 29 // 2 - 30)
    assert (judge.calibration.genuine_pairs, judge.calibration.impostor_pairs) == (90, impostor)
    assert {point.impostor_pairs for point in points} == {impostor}
    # The same as from a list of just these pairs.
    first, second = np.triu_indices(90, 1)
    met = groups[first] == groups[second]
    same = dataset.subject_codes[first] == dataset.subject_codes[second]
    listed = Part(part.samples, Pairs(first[met], second[met], same[met]))
    expected, _, _ = calibrate(embeddings, dataset, listed, Cosine(), "pairs-only", SETTINGS, 0)
    assert judge.threshold == pytest.approx(expected.threshold)
    assert judge.calibration.slope == pytest.approx(expected.calibration.slope)


def test_nobody_is_the_measure_of_all_others() -> None:
    dataset, _ = people(subjects=4, photos=50)
    rows = np.arange(len(dataset))
    embeddings = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    part = Part(rows, Pairs.from_rows([(0, 1, True), (0, 60, False)]))
    judge, points, _ = calibrate(embeddings, dataset, part, Cosine(), "identities", SETTINGS, 0)
    assert judge.calibration.genuine_pairs == 4 * 45
    assert points[0].impostor_pairs == 40 * 39 // 2 - 4 * 45


def test_memory_is_bounded_however_many_photos_there_are() -> None:
    dataset, _ = people(subjects=700, photos=2)
    rows = np.arange(len(dataset))
    embeddings = np.random.default_rng(0).normal(size=(1400, 2)).astype(np.float32)
    part = Part(rows, Pairs.from_rows([(0, 1, True), (0, 60, False)]))
    _, points, _ = calibrate(embeddings, dataset, part, Cosine(), "pairs-only", SETTINGS, 0)
    assert 490_000 < points[0].impostor_pairs < 499_500


def broken(crops: np.ndarray) -> Float32Array:
    return np.full((len(crops), 4), np.nan, np.float32)


def test_a_diverged_network_is_an_error_and_not_a_figure() -> None:
    with pytest.raises(EvaluationError, match="diverged"):
        judged(broken, Cosine())
    dataset, part = people(subjects=40)
    judge = judged(pixel_encoder, Cosine())[2]
    with pytest.raises(EvaluationError, match="not a finite number"):
        evaluate_part(broken(crops_of(dataset)), dataset, part, judge, SETTINGS, protocol="made", name="test", seed=0)


def test_a_list_of_one_kind_is_an_error() -> None:
    dataset, part = people(subjects=40)
    embeddings = embed(pixel_encoder, crops_of(dataset), part.samples)
    judge = judged(pixel_encoder, Cosine())[2]
    genuine = Part(part.samples, part.pairs[part.pairs.is_genuine])
    with pytest.raises(EvaluationError, match="genuine and impostor"):
        evaluate_part(embeddings, dataset, genuine, judge, SETTINGS, protocol="made", name="test", seed=0)


def written(path: Path) -> tuple[Dataset, Part, Scores, Judge]:
    dataset, part = people(subjects=40)
    judge = judged(pixel_encoder, Cosine())[2]
    scores = score_part(embed(pixel_encoder, crops_of(dataset), part.samples), dataset, part, Cosine())
    write_scores(path, dataset, part.pairs, scores, judge, prior=0.2)
    return dataset, part, scores, judge


def test_every_scored_pair_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run" / "scores-test.csv"
    dataset, part, scores, judge = written(path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(part.pairs) == 50
    for i, row in enumerate(rows):
        assert row["first"] == dataset.samples[part.pairs.first[i]].name
        assert row["second"] == dataset.samples[part.pairs.second[i]].name
        assert row["first_subject"] == dataset.samples[part.pairs.first[i]].subject_id
        assert row["second_subject"] == dataset.samples[part.pairs.second[i]].subject_id
        assert (row["is_genuine"] == "1") == (row["first_subject"] == row["second_subject"])
        assert float(row["score"]) == scores.values[i]  # to the last bit
        ratio = judge.calibration.log_likelihood_ratio(scores.values[i])
        assert float(row["log_likelihood_ratio"]) == ratio
        assert float(row["probability"]) == pytest.approx(1 / (1 + np.exp(-ratio) * 4))
        assert (row["is_match"] == "1") == (scores.values[i] >= judge.threshold)
    assert [path.name] == [p.name for p in path.parent.iterdir()]


def test_names_with_commas_and_quotes_survive(tmp_path: Path) -> None:
    dataset, part = people(subjects=2, photos=2, pairs=2)
    awkward = Dataset(
        "made",
        Path("nowhere"),
        tuple(type(s)(f'O"Brien, {s.name}', f'O"Brien, {s.subject_id}') for s in dataset.samples),
    )
    scores = Scores(np.arange(4.0), part.pairs.is_genuine, part.pairs.first, part.pairs.second)
    judge = judged(pixel_encoder, Cosine())[2]
    write_scores(tmp_path / "scores.csv", awkward, part.pairs, scores, judge, prior=0.5)
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        assert {row["first"] for row in csv.DictReader(file)} <= set(awkward.index)
