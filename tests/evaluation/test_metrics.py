"""Metrics against naive loops, scikit-learn and what must hold for all scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score, roc_curve

from tests.evaluation.made import any_scores, gaussian_scores, repeated, scores_of, weighted_scores
from twinlens.errors import EvaluationError
from twinlens.evaluation.metrics import (
    accuracy,
    auc,
    confusion,
    cross_entropy,
    curve,
    eer,
    error_rates,
    histogram,
    tar_at_fmr,
)
from twinlens.types import Scores

RATES = st.sampled_from([0.0, 0.001, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0])


def changed(scores: Scores, values: np.ndarray) -> Scores:
    return Scores(values, scores.is_genuine, scores.first_subject, scores.second_subject)


def naive_rates(scores: Scores, threshold: float) -> tuple[float, float]:
    matched = [s >= threshold for s in scores.values]
    fmr = [m for m, g in zip(matched, scores.is_genuine, strict=True) if not g]
    fnmr = [not m for m, g in zip(matched, scores.is_genuine, strict=True) if g]
    return sum(fmr) / len(fmr), sum(fnmr) / len(fnmr)


@given(any_scores)
def test_error_rates_are_those_of_a_naive_loop_at_each_threshold(scores: Scores) -> None:
    rates = error_rates(scores)
    assert rates.threshold[1:].tolist() == sorted(set(scores.values.tolist()), reverse=True)
    assert rates.threshold[0] > scores.values.max()
    for threshold, fmr, fnmr in zip(*rates, strict=True):
        assert (fmr, fnmr) == naive_rates(scores, threshold)


@given(weighted_scores())
def test_error_rates_are_those_of_scikit_learn(made: tuple[Scores, np.ndarray]) -> None:
    scores, weights = made
    fpr, tpr, thresholds = roc_curve(scores.is_genuine, scores.values, sample_weight=weights, drop_intermediate=False)
    rates = error_rates(scores, weights)
    present = np.isin(rates.threshold, thresholds)  # scikit-learn leaves out what has no weight
    present[0] = True
    np.testing.assert_allclose(rates.fmr[present], fpr, atol=1e-12)
    np.testing.assert_allclose(1 - rates.fnmr[present], tpr, atol=1e-12)


@given(any_scores)
def test_rates_run_from_strict_to_lax(scores: Scores) -> None:
    rates = error_rates(scores)
    assert (np.diff(rates.threshold) < 0).all()
    assert (np.diff(rates.fmr) >= 0).all()
    assert (np.diff(rates.fnmr) <= 0).all()
    assert (rates.fmr[0], rates.fmr[-1], rates.fnmr[0], rates.fnmr[-1]) == (0, 1, 1, 0)


@given(any_scores)
def test_auc_is_the_share_of_rightly_ordered_pairs_with_ties_counting_half(scores: Scores) -> None:
    wins = [(g > i) + (g == i) / 2 for g in scores.genuine for i in scores.impostor]
    assert auc(scores) == pytest.approx(np.mean(wins), abs=1e-12)
    assert auc(scores) == pytest.approx(roc_auc_score(scores.is_genuine, scores.values), abs=1e-12)


@given(weighted_scores(), RATES)
def test_a_weight_counts_a_pair_so_many_times(made: tuple[Scores, np.ndarray], fmr: float) -> None:
    scores, weights = made
    twice = repeated(scores, weights)
    threshold = float(np.median(scores.values))
    assert auc(scores, weights) == pytest.approx(auc(twice), abs=1e-12)
    assert eer(scores, weights) == pytest.approx(eer(twice), abs=1e-12)
    assert accuracy(scores, threshold, weights) == pytest.approx(accuracy(twice, threshold), abs=1e-12)
    assert tar_at_fmr(scores, fmr, weights) == pytest.approx(tar_at_fmr(twice, fmr), abs=1e-12)


@given(any_scores, st.randoms(use_true_random=False), RATES)
def test_the_order_of_the_pairs_does_not_matter(scores: Scores, random: object, fmr: float) -> None:
    order = list(range(len(scores)))
    random.shuffle(order)  # type: ignore[attr-defined]
    other = scores[np.array(order)]
    for one, two in zip(error_rates(scores), error_rates(other), strict=True):
        assert one.tolist() == two.tolist()
    assert (auc(scores), eer(scores)) == (auc(other), eer(other))
    assert tar_at_fmr(scores, fmr) == tar_at_fmr(other, fmr)
    assert curve(scores) == curve(other)
    assert histogram(scores) == histogram(other)


@given(any_scores, RATES)
def test_only_the_order_of_the_scores_matters(scores: Scores, fmr: float) -> None:
    ranks = np.unique(scores.values, return_inverse=True)[1]
    other = changed(scores, np.exp(ranks / 3) - 7)
    assert auc(other) == auc(scores)
    assert eer(other) == eer(scores)
    assert tar_at_fmr(other, fmr) == tar_at_fmr(scores, fmr)


@given(any_scores)
def test_a_flipped_sign_turns_the_figures_around(scores: Scores) -> None:
    flipped = changed(scores, -scores.values)
    assert auc(flipped) == pytest.approx(1 - auc(scores), abs=1e-12)
    assert eer(flipped) == pytest.approx(1 - eer(scores), abs=1e-12)


@pytest.mark.parametrize("value", [0.0, -3.7, 0.1 + 0.2, 1e300])
@pytest.mark.parametrize("counts", [(1, 1), (7, 3), (500, 500)])
def test_a_constant_score_tells_nothing(value: float, counts: tuple[int, int]) -> None:
    scores = scores_of([value] * counts[0], [value] * counts[1])
    assert auc(scores) == 0.5
    assert eer(scores) == 0.5
    assert tar_at_fmr(scores, 0.1) == 0
    assert tar_at_fmr(scores, 1.0) == 1


def test_a_perfect_and_an_inverted_score() -> None:
    perfect = scores_of([3, 4, 5], [0, 1, 2])
    assert (auc(perfect), eer(perfect), tar_at_fmr(perfect, 0.0)) == (1, 0, 1)
    inverted = changed(perfect, -perfect.values)
    assert (auc(inverted), eer(inverted), tar_at_fmr(inverted, 0.5)) == (0, 1, 0)


def test_eer_lies_on_the_line_between_two_points() -> None:
    # The DET has the points (0, 1), (0, 1/2), (1/3, 1/2), (2/3, 0), (1, 0): between the third and the
    # fourth, FMR rises by 1/3 while FNMR falls by 1/2, and they meet a fifth of the way along.
    scores = scores_of([5, 1], [4, 1, 0])
    assert eer(scores) == pytest.approx(1 / 3 + 1 / 3 * 1 / 5)


def test_eer_needs_no_line_where_a_point_has_equal_rates() -> None:
    assert eer(scores_of([4, 3, 2, 0], [5, 1, 1, -1])) == 0.25


@given(any_scores, RATES)
def test_tar_at_fmr_is_the_best_of_all_thresholds(scores: Scores, fmr: float) -> None:
    every = [*scores.values, np.inf]
    best = max(1 - b for a, b in (naive_rates(scores, t) for t in every) if a <= fmr)
    assert tar_at_fmr(scores, fmr) == best
    rates = error_rates(scores)
    threshold = rates.threshold[rates.at_fmr(fmr)]
    assert 1 - naive_rates(scores, threshold)[1] == best


@given(any_scores, st.floats(-4, 4))
def test_accuracy_and_confusion_are_those_of_a_naive_loop(scores: Scores, threshold: float) -> None:
    cells = {(g, m): 0 for g in (True, False) for m in (True, False)}
    for score, genuine in zip(scores.values, scores.is_genuine, strict=True):
        cells[bool(genuine), bool(score >= threshold)] += 1
    found = confusion(scores, threshold, 0.95)
    assert found.matched_genuine == cells[True, True]
    assert found.missed_genuine == cells[True, False]
    assert found.matched_impostor == cells[False, True]
    assert found.rejected_impostor == cells[False, False]
    assert (found.fmr.value, found.fnmr.value) == naive_rates(scores, threshold)
    right = (cells[True, True] + cells[False, False]) / len(scores)
    assert accuracy(scores, threshold) == pytest.approx(right)


@given(any_scores)
def test_the_histogram_has_every_score(scores: Scores) -> None:
    found = histogram(scores, 10)
    assert len(found.edges) == 11
    assert (sum(found.genuine), sum(found.impostor)) == (len(scores.genuine), len(scores.impostor))
    assert found.edges[0] <= scores.values.min()
    assert scores.values.max() <= found.edges[-1]


@given(any_scores)
def test_a_short_curve_loses_nothing(scores: Scores) -> None:
    full, kept = error_rates(scores), curve(scores)
    inside = np.isin(full.threshold, kept.threshold)
    assert full.threshold[inside].tolist() == list(kept.threshold)
    assert full.fmr[inside].tolist() == list(kept.fmr)
    assert full.fnmr[inside].tolist() == list(kept.fnmr)
    assert np.trapezoid(1 - np.array(kept.fnmr), kept.fmr) == pytest.approx(auc(scores), abs=1e-12)
    # Every point of the full curve lies on one of the straight lines between kept points.
    on_line = np.interp(full.fmr, kept.fmr, kept.fnmr)
    vertical = np.isin(full.fmr, kept.fmr)
    assert (vertical | np.isclose(on_line, full.fnmr)).all()


def test_a_long_curve_is_thinned_evenly_on_both_scales() -> None:
    scores = gaussian_scores(20_000, 2.5, seed=0)
    full, kept = error_rates(scores), curve(scores, 400)
    assert 200 < len(kept.fmr) <= 400
    assert (kept.fmr[0], kept.fnmr[0], kept.fmr[-1], kept.fnmr[-1]) == (0, 1, 1, 0)
    assert set(kept.threshold) <= set(full.threshold.tolist())
    assert np.trapezoid(1 - np.array(kept.fnmr), kept.fmr) == pytest.approx(auc(scores), abs=2e-4)
    # The strict end matters most where few impostors match: it has a point in every half decade.
    decades = np.histogram(kept.fmr, 10 ** np.arange(-4.3, 0.1, 0.5))[0]
    assert decades.min() >= 3


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e12])
def test_scores_that_differ_by_rounding_alone_have_a_histogram(value: float) -> None:
    values = np.array([value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf), value])
    found = histogram(Scores(values, np.array([True, False, True, False]), np.arange(4), np.arange(4)))
    assert sum(found.genuine) == sum(found.impostor) == 2
    assert list(found.edges) == sorted(set(found.edges))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("figure", [auc, eer, curve, histogram, error_rates])
def test_scores_that_are_no_numbers_are_refused(figure: object, value: float) -> None:
    with pytest.raises(EvaluationError, match="1 of 3 scores are not finite"):
        figure(scores_of([1, value], [0]))  # type: ignore[operator]


@pytest.mark.parametrize(("genuine", "impostor"), [([1.0], []), ([], [1.0])])
def test_both_kinds_of_pair_are_needed(genuine: list[float], impostor: list[float]) -> None:
    with pytest.raises(EvaluationError, match="need genuine and impostor pairs"):
        auc(scores_of(genuine, impostor))
    with pytest.raises(EvaluationError, match="weight 0"):
        auc(scores_of([1], [0]), np.array([len(genuine), len(impostor)], np.float64))


def test_cross_entropy_is_scikit_learns_log_loss_of_the_sigmoid() -> None:
    scores = gaussian_scores(50, 1.5, seed=0, impostor=70)
    probability = 1 / (1 + np.exp(-scores.values))
    assert cross_entropy(scores) == pytest.approx(log_loss(scores.is_genuine, probability), rel=1e-6)
