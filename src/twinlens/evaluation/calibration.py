"""From scores to likelihood ratios and probabilities that are true, and how true they are.

A calibration is fitted on validation pairs and judged on others. Throughout, genuine pairs together and impostor
pairs together are weighted to a *prior*, the probability of a match before looking, so that no figure depends on
how many of each a list happens to have.

References:
    N. Brümmer and J. du Preez (2006), Application-independent evaluation of speaker detection, Computer Speech
    and Language 20.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from twinlens.evaluation.figures import NOTHING_MATCHES, ReliabilityBin
from twinlens.evaluation.intervals import subject_weights
from twinlens.evaluation.metrics import check_scores
from twinlens.progress import track
from twinlens.types import BoolArray, Calibration, Float64Array, IntArray, Scores

# Embeddings are float32, so scores that differ by less than this share of their size are one and the same.
_RESOLUTION = 1e-9
# A slope (per standard deviation of the scores) below this says nothing about a match.
_NO_EVIDENCE = 1e-6
_BINS = 10


def prior_weights(is_genuine: BoolArray, prior: float, weights: Float64Array | None = None) -> Float64Array:
    """Weights that sum to 1, ``prior`` of it on genuine pairs, in proportion to ``weights`` within each kind.

    Args:
        is_genuine: bool ``(n,)``, with both values among the pairs that have weight.
        prior: In (0, 1).
        weights: float64 ``(n,)``, at least 0; all 1 if not given.
    """
    weights = np.ones(len(is_genuine)) if weights is None else weights
    genuine = float(weights @ is_genuine)
    impostor = float(weights.sum()) - genuine
    return np.where(is_genuine, prior / genuine, (1 - prior) / impostor) * weights


def fit_calibration(scores: Scores) -> Calibration:
    """The affine map from scores to log-likelihood ratios that makes these pairs most likely.

    It is a logistic regression with half of the weight on genuine pairs, so that its log-odds are
    log-likelihood ratios. The slope is at least 0: a higher score is never less evidence of a match. Scores
    that are constant, or that speak the wrong way, give slope and intercept 0: no evidence at all.

    With n pairs of the scarcer kind nothing can be known better than about n to 1. So the targets are not 1
    and 0 but 1 − ε and ε with ε = 1 / (n + 2), Platt's rule with one n for both kinds, so that it favours
    neither; separable scores then have a finite slope.

    Raises:
        EvaluationError: A score is not finite, or there are no genuine or no impostor pairs.

    References:
        J. Platt (1999), Probabilistic outputs for support vector machines, in Advances in large margin
        classifiers, MIT Press.
    """
    check_scores(scores)
    genuine = int(np.count_nonzero(scores.is_genuine))
    slope, intercept = _fit(scores)
    return Calibration(slope, intercept, genuine, len(scores) - genuine)


def with_covariance(calibration: Calibration, scores: Scores, resamples: int, seed: int) -> Calibration:
    """The calibration with how much its two parameters vary over resampled subjects.

    A resample's parameters are one Newton step from those of all: the optimum is near, and so a step is nearly all
    the way, where whole fits would take many times as long. Of a calibration that knows nothing, nothing is said.

    Args:
        calibration: Fitted on ``scores``.
        scores: Pairs with their subjects.
        resamples: How many times the subjects are drawn.
        seed: Equal seeds give equal results.
    """
    if calibration.slope == 0:
        return calibration
    terms, target = np.stack([scores.values, np.ones(len(scores))]), _target(scores)
    share = expit(calibration.log_likelihood_ratio(scores.values))
    steps = []
    for drawn in track(subject_weights(scores, resamples, seed), "Resampling subjects", resamples):
        weights = prior_weights(scores.is_genuine, 0.5, drawn)
        curvature = (terms * (weights * share * (1 - share))) @ terms.T
        step, *_ = np.linalg.lstsq(curvature, terms @ (weights * (target - share)))
        steps.append(step)
    (of_slope, of_both), (_, of_intercept) = np.cov(steps, rowvar=False).tolist()
    return replace(calibration, covariance=(of_slope, of_both, of_intercept))


def _target(scores: Scores) -> Float64Array:
    genuine = int(np.count_nonzero(scores.is_genuine))
    doubt = 1 / (min(genuine, len(scores) - genuine) + 2)
    return np.where(scores.is_genuine, 1 - doubt, doubt)


def _fit(scores: Scores) -> tuple[float, float]:
    values = scores.values
    if np.ptp(values) <= _RESOLUTION * np.abs(values).max():
        return 0.0, 0.0
    # Standardised, both parameters are of order 1 and the solver needs no scaling.
    centre, spread = float(values.mean()), float(values.std())
    terms = np.stack([(values - centre) / spread, np.ones(len(values))])
    weights = prior_weights(scores.is_genuine, 0.5)
    target = _target(scores)

    def loss(parameters: Float64Array) -> float:
        ratio = parameters @ terms
        return float(weights @ (np.logaddexp(0, ratio) - target * ratio))

    def gradient(parameters: Float64Array) -> Float64Array:
        return terms @ (weights * (expit(parameters @ terms) - target))

    def curvature(parameters: Float64Array) -> Float64Array:
        share = expit(parameters @ terms)
        return (terms * (weights * share * (1 - share))) @ terms.T

    found = minimize(
        loss,
        np.array([1.0, 0.0]),
        jac=gradient,
        hess=curvature,
        method="trust-exact",
        options={"gtol": 1e-9},
    )
    slope, intercept = (float(value) for value in found.x)
    # The loss is convex: if its minimum lies at a negative slope, that of slopes from 0 up lies at 0.
    if slope < _NO_EVIDENCE:
        return 0.0, 0.0
    return slope / spread, intercept - slope * centre / spread


def threshold_at_even_odds(calibration: Calibration) -> float:
    """The score whose log-likelihood ratio is 0: at and above it a match is at least as likely as not.

    It is the Bayes threshold for a prior of 0.5 and equal costs. Resting on two parameters that all scores
    share, it varies far less than the threshold with the highest accuracy on a few hundred pairs.

    A calibration with slope 0 has no such score. It knows nothing, so nothing may match, and the threshold is
    the largest finite float, :data:`~twinlens.evaluation.figures.NOTHING_MATCHES`.
    """
    if calibration.slope == 0:
        return NOTHING_MATCHES
    return -calibration.intercept / calibration.slope


def cllr(scores: Scores, calibration: Calibration, weights: Float64Array | None = None) -> float:
    """Cost of the log-likelihood ratio, in bits: 0 is perfect, 1 knows nothing, more than 1 misleads.

    Its prior is 0.5 by definition.

    References:
        Brümmer and du Preez (2006), section 3.
    """
    ratio = calibration.log_likelihood_ratio(scores.values)
    costs = np.logaddexp(0, np.where(scores.is_genuine, -ratio, ratio)) / np.log(2)
    return float(prior_weights(scores.is_genuine, 0.5, weights) @ costs)


def cllr_min(scores: Scores) -> float:
    """Cllr after the best monotone map fitted on these very pairs: what discrimination alone leaves, in bits.

    The map is the pool-adjacent-violators solution. Cllr − Cllr_min is what calibration costs.

    References:
        Brümmer and du Preez (2006), section 5.
    """
    check_scores(scores)
    weights = prior_weights(scores.is_genuine, 0.5)
    _, ranks = np.unique(scores.values, return_inverse=True)  # scikit-learn would merge close scores
    fitted = IsotonicRegression().fit_transform(ranks, scores.is_genuine, sample_weight=weights)
    likelihood = np.where(scores.is_genuine, fitted, 1 - fitted)
    return float(weights @ -np.log2(likelihood))


def brier(scores: Scores, calibration: Calibration, prior: float, weights: Float64Array | None = None) -> float:
    """Mean squared difference of the match probability and the truth (1 genuine, 0 impostor), in [0, 1].

    References:
        G. W. Brier (1950), Verification of forecasts expressed in terms of probability, Monthly Weather
        Review 78.
    """
    error = calibration.probability(scores.values, prior) - scores.is_genuine
    return float(prior_weights(scores.is_genuine, prior, weights) @ error**2)


def expected_calibration_error(
    scores: Scores, calibration: Calibration, prior: float, weights: Float64Array | None = None
) -> float:
    """Mean gap of match probability and share of matches over ten bins of equal weight, in [0, 1].

    Bins of equal weight are biased less than bins of equal width, but biased all the same: noise cannot make
    a gap negative, so even perfect probabilities score above 0, the more so the fewer pairs there are.

    References:
        M. P. Naeini, G. F. Cooper and M. Hauskrecht (2015), Obtaining well calibrated probabilities using
        Bayesian binning, AAAI.
        R. Roelofs, N. Cain, J. Shlens and M. C. Mozer (2022), Mitigating bias in calibration error
        estimation, AISTATS.
    """
    probability = calibration.probability(scores.values, prior)
    bins, _ = _bins(probability, prior_weights(scores.is_genuine, prior))
    gaps = prior_weights(scores.is_genuine, prior, weights) * (probability - scores.is_genuine)
    return float(np.abs(np.bincount(bins, weights=gaps)).sum())


def reliability(scores: Scores, calibration: Calibration, prior: float) -> tuple[ReliabilityBin, ...]:
    """The bins behind :func:`expected_calibration_error`, those without pairs left out.

    Means and shares are weighted to ``prior``; ``count`` is the plain number of pairs. The last bin includes 1.
    """
    probability = calibration.probability(scores.values, prior)
    weights = prior_weights(scores.is_genuine, prior)
    bins, edges = _bins(probability, weights)
    found = []
    for i in np.unique(bins):
        inside = bins == i
        found.append(
            ReliabilityBin(
                low=float(edges[i]),
                high=float(edges[i + 1]),
                count=int(np.count_nonzero(inside)),
                mean_probability=float(np.average(probability[inside], weights=weights[inside])),
                genuine_share=float(np.average(scores.is_genuine[inside], weights=weights[inside])),
            )
        )
    return tuple(found)


def _bins(probability: Float64Array, weights: Float64Array) -> tuple[IntArray, Float64Array]:
    """The bin of each pair, and the edges from 0 to 1; equal probabilities share a bin."""
    inner = np.quantile(probability, np.arange(1, _BINS) / _BINS, weights=weights, method="inverted_cdf")
    edges = np.unique(np.concatenate([[0.0], inner, [1.0]]))
    return np.searchsorted(edges[1:-1], probability, side="right"), edges
