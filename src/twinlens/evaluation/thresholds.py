"""Thresholds for wanted false match rates, from every pair of different people and not only the listed ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

import numpy as np

from twinlens.comparison import Comparison
from twinlens.errors import EvaluationError
from twinlens.evaluation.intervals import percentile_interval, subject_weights
from twinlens.evaluation.metrics import Ranking
from twinlens.progress import track
from twinlens.types import Float32Array, Float64Array, ImpostorTail, IntArray, OperatingPoint, Scores

# What every model is compared by, whatever it supports.
USUAL_FMRS = (0.1, 0.01, 0.001, 1e-4)
# Below so many expected errors a rate rests on too little (the "rule of 30").
SUPPORT = 30
# Share of the impostor scores whose mean excess gives the tail. More would be less of a tail, less fewer pairs.
_TAIL = 0.01
# Scores computed at a time: 1 MB of them, so that little of what lies below the diagonal is computed.
_BLOCK = 1 << 17


def is_supported(fmr: float, impostor_pairs: int) -> bool:
    """Whether a false match rate is backed by at least 30 expected errors.

    That puts the true rate within ±30 % of the observed one with 90 % confidence, if trials are independent.

    References:
        G. R. Doddington et al. (2000), The NIST speaker recognition evaluation, Speech Communication 31.
        ISO/IEC 19795-1:2021, the "rule of 30".
    """
    # 0.001 · 30000 is a hair above 30, and others are a hair below.
    return fmr * impostor_pairs >= SUPPORT * (1 - 1e-12)


def tabulated_fmrs(impostor_pairs: int) -> tuple[float, ...]:
    """The false match rates that so many impostor pairs are asked for, from high to low.

    They go down in steps of 1, 2 and 5 from 0.5 to the first that is not supported; the usual rates are always there.
    """
    found = set(USUAL_FMRS)
    for fmr in (float(f"{first}e-{digits}") for digits in count(1) for first in (5, 2, 1)):
        found.add(fmr)
        if not is_supported(fmr, impostor_pairs):
            break
    return tuple(sorted(found, reverse=True))


def usual_points(points: Iterable[OperatingPoint]) -> tuple[OperatingPoint, ...]:
    """The operating points for the rates that every model is compared by."""
    return tuple(point for point in points if point.fmr in USUAL_FMRS)


def impostor_tail(impostor: Float64Array, points: Sequence[OperatingPoint]) -> ImpostorTail | None:
    """Where false matches are rarer than any that were seen often enough: an exponential tail.

    It starts at the upper end of the interval of the rarest supported rate, and falls as the highest hundredth of the
    scores does on average. Fitting the form of the tail as well (a generalised Pareto distribution) finds a limit to
    the scores, which other people exceed: on people held out, such thresholds let through up to six times as many as
    they promise (docs/concepts.md has the figures).

    Args:
        impostor: float64 ``(n,)`` scores of pairs of different subjects.
        points: The operating points of these scores.

    Returns:
        None where the highest hundredth is less than 30 scores.

    References:
        J. Pickands (1975), Statistical inference using extreme order statistics, Annals of Statistics 3.
    """
    highest = int(_TAIL * len(impostor))
    if highest < SUPPORT:
        return None
    ranked = np.partition(impostor, len(impostor) - highest - 1)[len(impostor) - highest - 1 :]
    start = min((point for point in points if point.supported), key=lambda point: point.fmr)
    return ImpostorTail(start.fmr, start.threshold.high, float((ranked[1:] - ranked[0]).mean()))


def operating_points(
    impostor: Float64Array,
    first_subject: IntArray,
    second_subject: IntArray,
    level: float,
    resamples: int,
    seed: int,
    fmrs: Sequence[float] | None = None,
) -> tuple[OperatingPoint, ...]:
    """The threshold for each wanted false match rate, with its uncertainty and its evidence.

    A threshold is the smallest impostor score whose empirical FMR, the share of ``impostor`` at or above it,
    does not exceed the wanted one. If even the highest score's does, it lies just above that. Nothing is
    interpolated or extrapolated, so a threshold never promises more than was seen.

    Args:
        impostor: float64 ``(n,)`` scores of pairs of different subjects.
        first_subject: int64 ``(n,)``, the subject in the first photo of each.
        second_subject: int64 ``(n,)``, likewise of the second.
        level: Of the intervals, which are percentiles over resampled subjects.
        resamples: How many times the subjects are drawn. 200 give ends that are good to about a tenth of the
            interval's width, and take about 3 s for a million pairs.
        seed: Equal seeds give equal intervals.
        fmrs: The wanted rates, each in (0, 1); :func:`tabulated_fmrs` if not given.

    Raises:
        EvaluationError: There are no scores, or one is not finite.
    """
    if len(impostor) == 0 or not np.isfinite(impostor).all():
        raise EvaluationError("Thresholds for false match rates need impostor scores, all of them finite.")
    fmrs = tabulated_fmrs(len(impostor)) if fmrs is None else fmrs
    order = np.argsort(-impostor, kind="stable")
    scores = Scores(impostor[order], np.zeros(len(impostor), np.bool_), first_subject[order], second_subject[order])
    ranking = Ranking.of(scores.values)
    values = _thresholds(ranking, np.ones(len(scores)), fmrs)
    resampled = track(subject_weights(scores, resamples, seed), "Resampling subjects", resamples)
    replicates = np.array([_thresholds(ranking, weights, fmrs) for weights in resampled])
    return tuple(
        OperatingPoint(
            fmr=fmr,
            threshold=percentile_interval(float(value), replicate.tolist(), level),
            impostor_pairs=len(scores),
            expected_errors=fmr * len(scores),
            supported=is_supported(fmr, len(scores)),
        )
        for fmr, value, replicate in zip(fmrs, values, replicates.T, strict=True)
    )


def all_scores(embeddings: Float32Array, subject_codes: IntArray, comparison: Comparison) -> Scores:
    """Score every pair of distinct samples once.

    Args:
        embeddings: float32 ``(n, dim)``.
        subject_codes: int64 ``(n,)``, the subject of each.
        comparison: What scores them.

    Returns:
        The ``n (n − 1) / 2`` pairs ``(i, j)`` with ``i < j``, ordered by ``i``, then within blocks. Beyond them
        only a block of the score matrix is in memory.
    """
    n = len(embeddings)
    rows = max(1, _BLOCK // max(1, n))
    values, first, second = [], [], []
    starts = range(0, n, rows)
    for start in track(starts, "Comparing all photos", len(starts)):
        block = comparison.matrix(embeddings[start : start + rows], embeddings[start:])
        i, j = np.triu_indices(len(block), 1, n - start)
        values.append(block[i, j])
        first.append(subject_codes[start + i])
        second.append(subject_codes[start + j])
    a, b = np.concatenate(first), np.concatenate(second)
    return Scores(np.concatenate(values), a == b, a, b)


def _thresholds(ranking: Ranking, weights: Float64Array, fmrs: Sequence[float]) -> Float64Array:
    matched = ranking.matched(weights)
    laxest = np.searchsorted(matched / matched[-1], fmrs, side="right") - 1
    return ranking.thresholds[laxest]
