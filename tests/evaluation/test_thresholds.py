"""Thresholds for false match rates against naive loops, and scores of all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.made import any_scores
from twinlens.comparison import Comparison, Cosine, WeightedL1
from twinlens.errors import EvaluationError
from twinlens.evaluation import thresholds
from twinlens.evaluation.thresholds import (
    USUAL_FMRS,
    all_scores,
    impostor_tail,
    is_supported,
    operating_points,
    tabulated_fmrs,
    usual_points,
)
from twinlens.types import ImpostorTail, OperatingPoint, Scores


def impostors(subjects: int, seed: int) -> Scores:
    """One score for every two subjects, made of the luck of both and noise."""
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(subjects, 1)
    luck = rng.normal(0, 0.5, subjects)
    values = luck[first] + luck[second] + rng.normal(size=len(first))
    return Scores(values, np.zeros(len(first), np.bool_), first, second)


def points_of(scores: Scores, fmrs: tuple[float, ...], resamples: int = 100) -> tuple[OperatingPoint, ...]:
    return operating_points(scores.values, scores.first_subject, scores.second_subject, 0.95, resamples, 0, fmrs)


@given(any_scores, st.sampled_from([0.05, 0.1, 0.25, 1 / 3, 0.5, 0.9]))
def test_a_threshold_is_the_smallest_score_that_keeps_the_rate(scores: Scores, fmr: float) -> None:
    impostor = scores[~scores.is_genuine]
    (point,) = points_of(impostor, (fmr,), resamples=5)
    kept = [v for v in set(impostor.values.tolist()) if np.mean(impostor.values >= v) <= fmr]
    if kept:
        assert point.threshold.value == min(kept)
    else:
        assert point.threshold.value == np.nextafter(impostor.values.max(), np.inf)
    assert point.threshold.low <= point.threshold.value <= point.threshold.high


def test_counts_that_divide_evenly_are_not_lost_to_rounding() -> None:
    scores = Scores(np.arange(1000.0), np.zeros(1000, np.bool_), np.arange(1000), np.arange(1, 1001))
    found = points_of(scores, (0.1, 0.01, 0.001, 1e-4, 0.07, 0.29), resamples=2)
    assert [point.threshold.value for point in found] == [900, 990, 999, np.nextafter(999, 1e9), 930, 710]


def test_tied_scores_match_together_or_not_at_all() -> None:
    values = np.array([3.0, 2, 2, 2, 1, 0, 0, 0, 0, 0])
    scores = Scores(values, np.zeros(10, np.bool_), np.arange(10), np.arange(1, 11))
    found = points_of(scores, (0.1, 0.3, 0.4, 0.5), resamples=2)
    assert [point.threshold.value for point in found] == [3, 3, 2, 1]


def test_a_rate_is_supported_by_thirty_expected_errors() -> None:
    assert is_supported(0.001, 30_000)
    assert is_supported(0.1, 300)
    assert is_supported(1e-4, 300_000)
    assert not is_supported(0.001, 29_999)
    found = points_of(impostors(40, seed=0), (0.1, 0.01))  # 780 pairs
    assert [point.supported for point in found] == [True, False]
    assert [point.impostor_pairs for point in found] == [780, 780]
    assert [point.expected_errors for point in found] == [pytest.approx(78), pytest.approx(7.8)]


def test_intervals_hold_the_threshold_of_everybody() -> None:
    truth = 1.2815515655446004 * np.sqrt(1.5)  # a tenth of all impostor scores, N(0, 1.5), lies above
    held = 0
    for seed in range(40):
        scores = impostors(60, seed)
        (point,) = points_of(scores, (0.1,), resamples=100)
        held += point.threshold.low <= truth <= point.threshold.high
    assert held >= 34


def test_fewer_people_are_less_certain() -> None:
    few, many = (points_of(impostors(n, seed=1), (0.1,))[0].threshold for n in (15, 120))
    assert few.high - few.low > 2 * (many.high - many.low)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (10, (0.5, 0.1, 0.01, 0.001, 1e-4)),
        (1000, (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 1e-4)),
        (136_678, (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4)),
    ],
)
def test_rates_are_tabulated_down_to_the_first_that_is_not_supported(pairs: int, expected: tuple[float, ...]) -> None:
    assert tabulated_fmrs(pairs) == expected


@given(st.integers(1, 10**9))
def test_the_table_has_the_usual_rates_and_at_most_a_few_unsupported_ones(pairs: int) -> None:
    rates = tabulated_fmrs(pairs)
    assert set(USUAL_FMRS) <= set(rates)
    assert list(rates) == sorted(set(rates), reverse=True)
    unsupported = [fmr for fmr in rates if not is_supported(fmr, pairs) and fmr not in USUAL_FMRS]
    assert len(unsupported) <= 1


def test_without_rates_all_that_are_tabulated_are_given_and_the_usual_are_picked_out() -> None:
    scores = impostors(40, seed=0)
    points = operating_points(scores.values, scores.first_subject, scores.second_subject, 0.95, 5, 0)
    assert [point.fmr for point in points] == list(tabulated_fmrs(len(scores)))
    assert [point.fmr for point in usual_points(points)] == list(USUAL_FMRS)


def tail_of(values: np.ndarray) -> ImpostorTail | None:
    codes = np.arange(len(values))
    return impostor_tail(values, operating_points(values, codes, codes + 1, 0.95, 40, 0))


def test_the_tail_of_exponential_scores_has_their_scale() -> None:
    tail = tail_of(np.random.default_rng(0).exponential(0.3, 100_000))
    assert tail is not None
    assert tail.fmr == 5e-4
    assert tail.scale == pytest.approx(0.3, rel=0.1)
    assert tail.threshold_for(5e-6) == pytest.approx(tail.threshold + 2 * np.log(10) * tail.scale)


@pytest.mark.parametrize("draw", ["normal", "uniform", "exponential"])
def test_beyond_what_was_seen_the_tail_promises_more_false_matches_than_there_are(draw: str) -> None:
    kept = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        tail = tail_of(getattr(rng, draw)(size=20_000))
        assert tail is not None
        threshold = tail.threshold_for(tail.fmr / 10)
        kept.append((getattr(rng, draw)(size=400_000) >= threshold).mean() <= tail.fmr / 10)
    assert np.mean(kept) >= 0.85


def test_the_scale_is_the_mean_excess_of_the_highest_hundredth() -> None:
    values = np.random.default_rng(1).normal(size=5000)
    tail = tail_of(values)
    ranked = np.sort(values)[::-1]
    assert tail is not None
    assert tail.scale == pytest.approx((ranked[:50] - ranked[50]).mean())


def test_of_few_scores_nothing_is_said_beyond_them() -> None:
    assert tail_of(np.random.default_rng(0).normal(size=2999)) is None
    assert tail_of(np.random.default_rng(0).normal(size=3000)) is not None
    constant = tail_of(np.zeros(4000))
    assert constant is not None
    assert constant.scale == 0


def test_equal_seeds_give_equal_points() -> None:
    scores = impostors(30, seed=2)
    assert points_of(scores, (0.1, 0.01)) == points_of(scores, (0.1, 0.01))


@pytest.mark.parametrize("values", [[], [0.0, np.nan], [np.inf]])
def test_scores_that_are_missing_or_no_numbers_are_refused(values: list[float]) -> None:
    codes = np.arange(len(values))
    with pytest.raises(EvaluationError, match="impostor scores"):
        operating_points(np.array(values), codes, codes + 1, 0.95, 10, 0)


@pytest.mark.parametrize(
    "comparison", [Cosine(), WeightedL1(weights=(0.5, -0.2, 0.0, 1.5), bias=0.3)], ids=["cosine", "weighted L1"]
)
@pytest.mark.parametrize("block", [1, 40, 1 << 17])
def test_all_pairs_are_scored_once(comparison: Comparison, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thresholds, "_BLOCK", block)
    rng = np.random.default_rng(0)
    embeddings, codes = rng.normal(size=(17, 4)).astype(np.float32), rng.integers(5, size=17) + 100
    naive = []
    for i in range(17):
        for j in range(i + 1, 17):
            score = comparison.pairs(embeddings[[i]], embeddings[[j]])[0]
            naive.append((score, codes[i] == codes[j], codes[i], codes[j]))
    found = all_scores(embeddings, codes, comparison)
    for column, expected in zip(
        (found.values, found.is_genuine, found.first_subject, found.second_subject),
        zip(*naive, strict=True),
        strict=True,
    ):
        np.testing.assert_allclose(column.astype(float), np.array(expected, float), atol=1e-9)
