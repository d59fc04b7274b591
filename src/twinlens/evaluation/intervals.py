"""How sure a figure is: intervals from resampled subjects, exact binomial intervals, standard errors.

Pairs are not independent: every pair of one subject shares that subject's luck. So subjects are resampled, not
pairs (the *vertex* bootstrap: subjects are vertices, pairs are edges). In a resample that draws subject ``s``
``c[s]`` times, a genuine pair of ``s`` counts ``c[s]`` times and an impostor pair of ``a`` and ``b`` counts
``c[a] · c[b]`` times.

No bootstrap is exact for such data (McCullagh 2000). This one errs on the wide side: noise that belongs to one
impostor pair alone counts three times. Where most subjects are in a single impostor pair, as in LFW's lists, the
interval of an FMR is up to √3 times as wide as it need be, and those of accuracy and AUC about 1.4 times; where
each is in many, as among all cross-subject pairs, they are about right.

References:
    T. A. B. Snijders and S. P. Borgatti (1999), Non-parametric standard errors and tests for network
    statistics, Connections 22(2).
    P. McCullagh (2000), Resampling and exchangeable arrays, Bernoulli 6(2).
    A. B. Owen (2007), The pigeonhole bootstrap, Annals of Applied Statistics 1(2).
    R. Fogliato, P. Patil and P. Perona (2024), Confidence intervals for error rates in 1:1 matching tasks:
    critical statistical analysis and recommendations, International Journal of Computer Vision 132.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from statistics import mean as exact_mean

import numpy as np
from scipy.stats import binomtest

from twinlens.errors import EvaluationError
from twinlens.progress import track
from twinlens.types import Float64Array, IntArray, Interval, Scores

METHOD = "subject bootstrap"

# A figure of scored pairs that count so many times; the weights are float64 ``(n,)``.
Statistic = Callable[[Scores, Float64Array], float]


def subject_bootstrap(
    scores: Scores,
    statistics: Mapping[str, Statistic],
    resamples: int,
    level: float,
    seed: int,
    reflected: Collection[str] = (),
) -> dict[str, Interval]:
    """Figures of ``scores`` with bootstrap intervals over subjects, all from the same resamples.

    Args:
        scores: Scored pairs with their subjects.
        statistics: Figures by name.
        resamples: How many times the subjects are drawn.
        level: Share of resamples between the two ends, in (0, 1).
        seed: Equal seeds give equal intervals.
        reflected: Names of figures that resampling pushes up, such as the calibration error; see
            :func:`reflected_interval`. The others get :func:`percentile_interval`.
    """
    # Sorting what is sorted is nearly free, and every statistic that ranks the scores does it again.
    ranked = scores[np.argsort(-scores.values, kind="stable")]
    once = np.ones(len(ranked))
    replicates: dict[str, list[float]] = {name: [] for name in statistics}
    resampled = subject_weights(ranked, resamples, seed)
    for weights in track(resampled, "Resampling subjects", resamples):
        for name, statistic in statistics.items():
            replicates[name].append(statistic(ranked, weights))
    return {
        name: (reflected_interval if name in reflected else percentile_interval)(
            statistic(ranked, once), replicates[name], level
        )
        for name, statistic in statistics.items()
    }


def subject_weights(scores: Scores, resamples: int, seed: int) -> Iterator[Float64Array]:
    """How often each pair counts in each resample of the subjects.

    A resample in which a kind of pair that ``scores`` has (genuine, impostor) would be left without weight
    says nothing about it and is drawn again.

    Yields:
        ``resamples`` times float64 ``(n,)``.
    """
    subjects, codes = np.unique(np.concatenate([scores.first_subject, scores.second_subject]), return_inverse=True)
    first, second = np.split(codes, 2)
    rng = np.random.default_rng(seed)
    kinds = [kind for kind in (scores.is_genuine, ~scores.is_genuine) if kind.any()]
    found = 0
    while found < resamples:
        counts = _draw(len(subjects), rng)
        weights = np.where(scores.is_genuine, counts[first], counts[first] * counts[second])
        if all(weights[kind].any() for kind in kinds):
            found += 1
            yield weights


def bootstrap_mean(values: Float64Array, subject_codes: IntArray, resamples: int, level: float, seed: int) -> Interval:
    """The mean of ``values`` ``(n,)`` with a percentile interval over the subjects they belong to ``(n,)``."""
    _, codes, sizes = np.unique(subject_codes, return_inverse=True, return_counts=True)
    sums = np.bincount(codes, weights=values)
    rng = np.random.default_rng(seed)
    drawn = (_draw(len(sums), rng) for _ in range(resamples))
    replicates = [float(counts @ sums / (counts @ sizes)) for counts in drawn]
    # Rounding would make the mean of equal values another value, and chance not quite chance.
    return percentile_interval(exact_mean(values.tolist()), replicates, level)


def percentile_interval(value: float, replicates: Sequence[float], level: float) -> Interval:
    """The middle ``level`` of the replicates, widened to the value itself where that lies outside."""
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, min(float(low), value), max(float(high), value), METHOD)


def reflected_interval(value: float, replicates: Sequence[float], level: float) -> Interval:
    """The same turned about the value (the *basic* bootstrap), for figures that cannot be below 0.

    Resampling adds noise to a figure such as the calibration error just as sampling did, so the replicates
    lie as far above the value as the value lies above the truth.

    References:
        A. C. Davison and D. V. Hinkley (1997), Bootstrap methods and their application, section 5.2.
    """
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, max(0.0, min(2 * value - float(high), value)), max(2 * value - float(low), value), METHOD)


def clopper_pearson(errors: int, trials: int, level: float) -> Interval:
    """The exact binomial interval of ``errors / trials``.

    It takes the trials for independent. Pairs that share subjects are not, so it is the least uncertainty an
    error rate has, not all of it.

    Raises:
        EvaluationError: There are no trials.

    References:
        C. J. Clopper and E. S. Pearson (1934), The use of confidence or fiducial limits illustrated in the
        case of the binomial, Biometrika 26.
    """
    if trials < 1:
        raise EvaluationError("An error rate needs at least one pair.")
    found = binomtest(errors, trials).proportion_ci(level, "exact")
    return Interval(errors / trials, float(found.low), float(found.high), "Clopper-Pearson")


def mean_and_standard_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and sample standard deviation (ddof 1) over √n, as LFW asks for over its ten folds.

    Raises:
        EvaluationError: There are fewer than two values.
    """
    if len(values) < 2:
        raise EvaluationError(f"A standard error needs at least two values, not {len(values)}.")
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))


def _draw(subjects: int, rng: np.random.Generator) -> Float64Array:
    """How often each of ``subjects`` comes up in as many draws with replacement; float64 ``(subjects,)``."""
    return rng.multinomial(subjects, np.full(subjects, 1 / subjects)).astype(np.float64)
