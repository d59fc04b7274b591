"""Calibration against known likelihood ratios, scikit-learn and naive loops."""

from __future__ import annotations

import itertools
import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from tests.evaluation.made import any_scores, gaussian_scores, repeated, scores_of, weighted_scores
from twinlens.errors import EvaluationError
from twinlens.evaluation.calibration import (
    brier,
    cllr,
    cllr_min,
    expected_calibration_error,
    fit_calibration,
    prior_weights,
    reliability,
    threshold_at_even_odds,
    with_covariance,
)
from twinlens.evaluation.intervals import subject_bootstrap, subject_weights
from twinlens.types import Calibration, Scores

NOTHING = Calibration(0.0, 0.0, 1, 1)
TRUE = Calibration(1.0, 0.0, 1, 1)
PRIORS = st.sampled_from([0.01, 0.3, 0.5, 0.9])


def changed(scores: Scores, values: np.ndarray) -> Scores:
    return Scores(values, scores.is_genuine, scores.first_subject, scores.second_subject)


def likelihood_ratios(pairs: int, seed: int, separation: float = 2.0, impostor: int | None = None) -> Scores:
    """Scores that are true log-likelihood ratios: those of two Gaussians ``separation`` apart."""
    scores = gaussian_scores(pairs, separation, seed, impostor)
    return changed(scores, separation * scores.values)


def test_true_likelihood_ratios_stay_as_they_are() -> None:
    found = fit_calibration(likelihood_ratios(20_000, seed=0))
    assert found.slope == pytest.approx(1, abs=0.03)
    assert found.intercept == pytest.approx(0, abs=0.03)
    assert (found.genuine_pairs, found.impostor_pairs) == (20_000, 20_000)


@pytest.mark.parametrize("impostor", [3000, 300])
def test_the_fit_is_that_of_scikit_learn_with_soft_targets(impostor: int) -> None:
    scores = gaussian_scores(3000, 1.5, seed=1, impostor=impostor)
    doubt = 1 / (impostor + 2)
    # A soft target is the same pair twice, once for each answer.
    share = np.where(scores.is_genuine, 1 - doubt, doubt)
    weights = prior_weights(scores.is_genuine, 0.5) * 1e6
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(
        np.tile(scores.values, 2)[:, None],
        np.repeat([1, 0], len(scores)),
        sample_weight=np.concatenate([weights * share, weights * (1 - share)]),
    )
    found = fit_calibration(scores)
    assert found.slope == pytest.approx(model.coef_[0, 0], rel=1e-4)
    assert found.intercept == pytest.approx(model.intercept_[0], abs=1e-4)


def test_more_impostors_of_the_same_kind_change_nothing() -> None:
    scores = gaussian_scores(200, 1.5, seed=2)
    many = repeated(scores, np.where(scores.is_genuine, 1.0, 7.0))
    one, two = fit_calibration(scores), fit_calibration(many)
    assert (two.slope, two.intercept) == pytest.approx((one.slope, one.intercept), abs=1e-5)
    assert two.impostor_pairs == 1400


@pytest.mark.parametrize(("scale", "shift"), [(1e-4, 0.0), (1e5, 3.0), (1.0, 1e6), (0.02, -7.0)])
def test_the_scale_of_the_scores_does_not_matter(scale: float, shift: float) -> None:
    scores = gaussian_scores(200, 1.5, seed=3)
    other = changed(scores, scores.values * scale + shift)
    np.testing.assert_allclose(
        fit_calibration(other).log_likelihood_ratio(other.values),
        fit_calibration(scores).log_likelihood_ratio(scores.values),
        rtol=1e-4,
        atol=1e-4,
    )


@given(any_scores)
def test_a_higher_score_is_never_less_evidence(scores: Scores) -> None:
    found = fit_calibration(scores)
    assert found.slope >= 0
    assert np.isfinite([found.slope, found.intercept, threshold_at_even_odds(found)]).all()
    # Nothing is known better than the scarcer kind allows; the extremes of a fit may go a little beyond.
    middle = np.median(np.abs(found.log_likelihood_ratio(scores.values)))
    assert middle <= 3 * math.log(len(scores) + 2)


@pytest.mark.parametrize(
    "scores",
    [
        scores_of([0.3] * 5, [0.3] * 9),
        scores_of([0.0] * 5, [0.0] * 5),
        scores_of([1 + 1e-12, 1.0], [1.0, 1 - 1e-12]),  # rounding, not evidence
        scores_of([1, 2, 3], [4, 5, 6]),
        scores_of([1, 3], [1, 3]),
    ],
    ids=["constant", "zero", "rounding", "wrong way", "the same"],
)
def test_scores_that_say_nothing_or_the_opposite_are_no_evidence(scores: Scores) -> None:
    found = fit_calibration(scores)
    assert (found.slope, found.intercept) == (0, 0)
    assert found.log_likelihood_ratio(scores.values).tolist() == [0] * len(scores)
    assert found.probability(scores.values, 0.01) == pytest.approx(0.01)
    threshold = threshold_at_even_odds(found)
    assert not (scores.values >= threshold).any()
    assert json.loads(json.dumps(threshold, allow_nan=False)) == threshold == sys.float_info.max


def test_separable_scores_are_sure_within_reason() -> None:
    for pairs in (2, 20, 2000):
        scores = scores_of([1.0] * pairs, [0.0] * pairs)
        ratios = fit_calibration(scores).log_likelihood_ratio(np.array([0.0, 1.0]))
        assert ratios == pytest.approx([-math.log(pairs + 1), math.log(pairs + 1)], rel=1e-4)


def test_the_even_odds_are_where_both_are_as_likely() -> None:
    calibration = Calibration(2.0, -1.0, 1, 1)
    threshold = threshold_at_even_odds(calibration)
    assert threshold == 0.5
    assert calibration.probability(threshold, 0.5) == 0.5


def test_likelihood_ratios_vary_about_as_with_whole_fits_to_resampled_subjects() -> None:
    scores, at = likelihood_ratios(150, seed=3), np.array([-3.0, 0.0, 1.0, 3.0])
    calibration = fit_calibration(scores)
    drawn = [fit_calibration(repeated(scores, weights)) for weights in subject_weights(scores, 150, seed=0)]
    expected = np.std([each.log_likelihood_ratio(at) for each in drawn], axis=0)
    found = with_covariance(calibration, scores, 150, seed=0)
    assert found.covariance is not None
    of_slope, of_both, of_intercept = found.covariance
    np.testing.assert_allclose(np.sqrt(at**2 * of_slope + 2 * at * of_both + of_intercept), expected, rtol=0.2)
    assert (found.slope, found.intercept) == (calibration.slope, calibration.intercept)


def test_intervals_of_the_probability_hold_the_true_one_and_err_on_the_wide_side() -> None:
    at = (-3.0, 0.0, 2.0)
    held = np.zeros(len(at))
    for seed in range(60):
        scores = likelihood_ratios(150, seed)
        calibration = with_covariance(fit_calibration(scores), scores, 100, seed)
        for i, score in enumerate(at):
            interval = calibration.probability_interval(score, 0.2)
            assert interval is not None
            held[i] += interval.low <= TRUE.probability(score, 0.2) <= interval.high
    assert (held >= 55).all()


def test_the_interval_of_a_probability_is_normal_in_log_odds() -> None:
    calibration = Calibration(2.0, -1.0, 1, 1, (0.09, -0.02, 0.04))
    interval = calibration.probability_interval(0.7, 0.3, level=0.9)
    assert interval is not None
    deviation = math.sqrt(0.7**2 * 0.09 - 2 * 0.7 * 0.02 + 0.04)
    middle = 2 * 0.7 - 1 + math.log(0.3 / 0.7)
    assert interval.value == pytest.approx(float(calibration.probability(0.7, 0.3)))
    for end, sign in ((interval.low, -1), (interval.high, 1)):
        assert logit(end) == pytest.approx(middle + sign * 1.6448536 * deviation)
    assert Calibration(2.0, -1.0, 1, 1).probability_interval(0.7, 0.3) is None


def test_more_people_are_surer_and_equal_seeds_agree() -> None:
    few, many = (likelihood_ratios(pairs, seed=2) for pairs in (50, 800))
    found = [with_covariance(fit_calibration(scores), scores, 60, seed=1) for scores in (few, many, many)]
    assert found[1] == found[2]
    widths = [i.high - i.low for i in (each.probability_interval(1.0, 0.5) for each in found) if i is not None]
    assert widths[0] > 2.5 * widths[1]


@pytest.mark.parametrize("scores", [scores_of([0.3] * 5, [0.3] * 9), scores_of([1, 2, 3], [4, 5, 6])])
def test_of_a_calibration_that_knows_nothing_nothing_is_said(scores: Scores) -> None:
    assert with_covariance(fit_calibration(scores), scores, 20, 0).covariance is None


@given(any_scores)
def test_whatever_the_scores_the_covariance_is_one(scores: Scores) -> None:
    found = with_covariance(fit_calibration(scores), scores, 10, 0).covariance
    if found is not None:
        of_slope, of_both, of_intercept = found
        assert of_slope >= 0
        assert of_intercept >= 0
        assert of_both**2 <= of_slope * of_intercept * (1 + 1e-6) + 1e-300


def test_the_even_odds_vary_less_than_the_most_accurate_threshold() -> None:
    smooth, picked = [], []
    for seed in range(60):
        scores = gaussian_scores(110, 1.2, seed)
        smooth.append(threshold_at_even_odds(fit_calibration(scores)))
        right = [((scores.values >= t) == scores.is_genuine).mean() for t in scores.values]
        picked.append(scores.values[int(np.argmax(right))])
    assert abs(np.mean(smooth)) < 0.05  # the best threshold is 0
    assert np.std(smooth) < np.std(picked) / 3


@given(weighted_scores(), PRIORS)
def test_the_figures_are_those_of_naive_loops(made: tuple[Scores, np.ndarray], prior: float) -> None:
    scores, weights = made
    scores = changed(scores, np.clip(scores.values, -20, 20))
    calibration = Calibration(0.7, -0.2, 1, 1)
    share = {kind: weights[scores.is_genuine == kind].sum() for kind in (True, False)}
    bits = squared = 0.0
    for score, genuine, weight in zip(scores.values, scores.is_genuine, weights, strict=True):
        ratio = 0.7 * score - 0.2
        sign = 1 if genuine else -1
        bits += 0.5 * weight / share[bool(genuine)] * math.log2(1 + math.exp(-sign * ratio))
        probability = expit(ratio + logit(prior))
        mass = prior if genuine else 1 - prior
        squared += mass * weight / share[bool(genuine)] * (probability - genuine) ** 2
    assert cllr(scores, calibration, weights) == pytest.approx(bits)
    assert brier(scores, calibration, prior, weights) == pytest.approx(squared, abs=1e-12)
    twice = repeated(scores, weights)
    assert cllr(twice, calibration) == pytest.approx(bits)
    assert brier(twice, calibration, prior) == pytest.approx(squared, abs=1e-12)


def test_the_brier_score_is_that_of_scikit_learn() -> None:
    scores = likelihood_ratios(100, seed=4, impostor=300)
    expected = brier_score_loss(
        scores.is_genuine, TRUE.probability(scores.values, 0.2), sample_weight=prior_weights(scores.is_genuine, 0.2)
    )
    assert brier(scores, TRUE, 0.2) == pytest.approx(expected)


def test_knowing_nothing_costs_one_bit() -> None:
    scores = gaussian_scores(50, 1.0, seed=5, impostor=20)
    assert cllr(scores, NOTHING) == pytest.approx(1)
    assert brier(scores, NOTHING, 0.5) == pytest.approx(0.25)
    assert brier(scores, NOTHING, 0.1) == pytest.approx(0.09)
    assert expected_calibration_error(scores, NOTHING, 0.1) == pytest.approx(0, abs=1e-12)
    assert len(reliability(scores, NOTHING, 0.1)) == 1


def test_misleading_costs_more_than_knowing_nothing() -> None:
    wrong = likelihood_ratios(500, seed=6)
    assert cllr(changed(wrong, -wrong.values), TRUE) > 1.5
    assert cllr(changed(wrong, 10 * wrong.values), TRUE) > cllr(wrong, TRUE)


def naive_pav(scores: Scores) -> float:
    """Cllr after pooling adjacent violators, by hand; one block a distinct score to begin with."""
    weights = prior_weights(scores.is_genuine, 0.5)
    blocks = []
    for value in sorted(set(scores.values.tolist())):
        at = scores.values == value
        blocks.append([weights[at & scores.is_genuine].sum(), weights[at & ~scores.is_genuine].sum()])
        while len(blocks) > 1 and _share(blocks[-2]) >= _share(blocks[-1]):
            last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + last[0], blocks[-1][1] + last[1]]
    return float(-sum(part * math.log2(part / sum(block)) for block in blocks for part in block if part > 0))


def _share(block: list[float]) -> float:
    return block[0] / sum(block)


@given(any_scores)
def test_cllr_min_is_that_of_pooling_by_hand(scores: Scores) -> None:
    assert cllr_min(scores) == pytest.approx(naive_pav(scores), abs=1e-9)


@given(any_scores, st.floats(0, 5), st.floats(-5, 5))
def test_no_monotone_map_beats_cllr_min(scores: Scores, slope: float, intercept: float) -> None:
    scores = changed(scores, np.clip(scores.values, -50, 50))
    assert -1e-9 <= cllr_min(scores) <= 1 + 1e-9
    assert cllr_min(scores) <= cllr(scores, Calibration(slope, intercept, 1, 1)) + 1e-9


def test_cllr_min_of_separable_constant_and_inverted_scores() -> None:
    assert cllr_min(scores_of([2, 3], [0, 1])) == pytest.approx(0)
    assert cllr_min(scores_of([1, 1], [1, 1, 1])) == pytest.approx(1)
    assert cllr_min(scores_of([0, 1], [2, 3])) == pytest.approx(1)


def naive_error(scores: Scores, calibration: Calibration, prior: float) -> float:
    weights = prior_weights(scores.is_genuine, prior)
    probability = calibration.probability(scores.values, prior)
    total = 0.0
    for found in reliability(scores, calibration, prior):
        last = found.high == 1
        inside = [i for i, p in enumerate(probability) if found.low <= p < found.high or (last and p == 1)]
        mass = sum(weights[i] for i in inside)
        mean = sum(weights[i] * probability[i] for i in inside) / mass
        share = sum(weights[i] * scores.is_genuine[i] for i in inside) / mass
        assert len(inside) == found.count
        assert (mean, share) == (pytest.approx(found.mean_probability), pytest.approx(found.genuine_share))
        total += mass * abs(mean - share)
    return total


@given(any_scores, PRIORS)
def test_the_calibration_error_is_that_of_its_bins(scores: Scores, prior: float) -> None:
    calibration = Calibration(0.9, 0.3, 1, 1)
    found = reliability(scores, calibration, prior)
    assert sum(part.count for part in found) == len(scores)
    assert len(found) <= 10
    for one, two in itertools.pairwise(found):
        assert one.high <= two.low
    expected = naive_error(scores, calibration, prior)
    assert expected_calibration_error(scores, calibration, prior) == pytest.approx(expected, abs=1e-9)


def test_bins_have_equal_weight() -> None:
    scores = likelihood_ratios(500, seed=7)
    counts = [part.count for part in reliability(scores, TRUE, 0.5)]
    assert len(counts) == 10
    assert max(counts) - min(counts) <= 2


def test_true_probabilities_have_a_small_error_and_boastful_ones_a_large_one() -> None:
    scores = likelihood_ratios(20_000, seed=8, separation=1.0)
    for prior in (0.5, 0.1):
        assert expected_calibration_error(scores, TRUE, prior) < 0.01
    assert expected_calibration_error(scores, Calibration(5.0, 0.0, 1, 1), 0.5) > 0.15
    assert expected_calibration_error(scores, Calibration(1.0, 2.0, 1, 1), 0.5) > 0.2


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(EvaluationError, match="not finite"):
        fit_calibration(scores_of([math.nan], [0]))
    with pytest.raises(EvaluationError, match="genuine and impostor"):
        fit_calibration(scores_of([1], []))


def test_the_interval_of_the_calibration_error_holds_the_zero_of_true_probabilities() -> None:
    def figure(scores: Scores, weights: np.ndarray) -> float:
        return expected_calibration_error(scores, TRUE, 0.5, weights)

    held = {"reflected": 0, "percentile": 0}
    for seed in range(20):
        scores = likelihood_ratios(500, seed, separation=1.2)
        for kind in held:
            names = ("error",) if kind == "reflected" else ()
            found = subject_bootstrap(scores, {"error": figure}, 100, 0.95, seed, names)["error"]
            held[kind] += found.low < 0.002
    assert held["reflected"] >= 18
    assert held["percentile"] <= 2
