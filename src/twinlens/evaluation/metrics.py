"""Error rates of scored pairs and the figures made of them.

Conventions, the same everywhere:

- A pair matches iff its score ≥ threshold, so pairs of one score match together.
- Thresholds run from strict to lax. The strictest lies just above every score and matches nothing; the others
  are the distinct scores. Hence the FMR rises from 0 to 1 and the FNMR falls from 1 to 0.
- ``weights`` count each pair so many times, float64 ``(n,)`` and at least 0; without them each counts once.
  That is how a bootstrap computes these very figures on its resamples.
- Scores that are not finite, or that lack genuine or impostor pairs, raise :class:`EvaluationError`.

References:
    ISO/IEC 19795-1:2021, Biometric performance testing and reporting.
    T. Fawcett (2006), An introduction to ROC analysis, Pattern Recognition Letters 27.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from twinlens.errors import EvaluationError
from twinlens.evaluation.figures import Confusion, Curve, Histogram
from twinlens.evaluation.intervals import clopper_pearson
from twinlens.types import Float64Array, IntArray, Scores


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores sorted once, so that the weight matched at every threshold is one cumulative sum.

    Attributes:
        thresholds: float64 ``(k,)``, strict to lax.
        order: int64 ``(n,)``, positions of the scores from high to low.
        ends: int64 ``(k - 1,)``, where each run of equal scores ends in that order.
    """

    thresholds: Float64Array
    order: IntArray
    ends: IntArray

    @classmethod
    def of(cls, values: Float64Array) -> Ranking:
        """Rank finite ``values``, float64 ``(n,)`` with n ≥ 1."""
        order = np.argsort(-values, kind="stable")
        ranked = values[order]
        ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        above = np.nextafter(ranked[0], np.inf)
        return cls(np.concatenate([[above], ranked[ends]]), order, ends)

    def matched(self, weights: Float64Array) -> Float64Array:
        """Weight of the pairs that match at each threshold; ``weights`` ``(n,)`` gives ``(k,)``."""
        return np.concatenate([[0.0], np.cumsum(weights[self.order])[self.ends]])


class ErrorRates(NamedTuple):
    """False match and false non-match rate at each threshold, float64 ``(k,)`` each, strict to lax."""

    threshold: Float64Array
    fmr: Float64Array
    fnmr: Float64Array

    def at_fmr(self, fmr: float) -> int:
        """Position of the laxest threshold whose FMR does not exceed ``fmr``."""
        return int(np.searchsorted(self.fmr, fmr, side="right")) - 1


def check_scores(scores: Scores) -> None:
    """Make sure that error rates can be computed.

    Raises:
        EvaluationError: A score is not finite, or there are no genuine or no impostor pairs.
    """
    broken = int(np.count_nonzero(~np.isfinite(scores.values)))
    if broken:
        raise EvaluationError(
            f"{broken} of {len(scores)} scores are not finite numbers.",
            "The network has diverged; train it again with a smaller learning rate.",
        )
    genuine = int(np.count_nonzero(scores.is_genuine))
    if genuine == 0 or genuine == len(scores):
        raise EvaluationError(
            f"Error rates need genuine and impostor pairs; here are {genuine} and {len(scores) - genuine}.",
            "Use a list of pairs, or a share of the data, that has both.",
        )


def error_rates(scores: Scores, weights: Float64Array | None = None) -> ErrorRates:
    """FMR and FNMR at every distinct threshold.

    Raises:
        EvaluationError: See the module, or all genuine or all impostor pairs have weight 0.
    """
    check_scores(scores)
    ranking = Ranking.of(scores.values)
    weights = np.ones(len(scores)) if weights is None else weights
    genuine = ranking.matched(weights * scores.is_genuine)
    impostor = ranking.matched(weights * ~scores.is_genuine)
    if genuine[-1] <= 0 or impostor[-1] <= 0:
        raise EvaluationError("All genuine or all impostor pairs have weight 0.")
    return ErrorRates(ranking.thresholds, impostor / impostor[-1], (genuine[-1] - genuine) / genuine[-1])


def auc(scores: Scores, weights: Float64Array | None = None) -> float:
    """Area under the ROC curve: how often a genuine pair outscores an impostor pair, ties counting half.

    In [0, 1]; a constant score gives exactly 0.5.

    References:
        J. A. Hanley and B. J. McNeil (1982), The meaning and use of the area under a receiver operating
        characteristic (ROC) curve, Radiology 143.
    """
    rates = error_rates(scores, weights)
    return float(np.trapezoid(1 - rates.fnmr, rates.fmr))


def eer(scores: Scores, weights: Float64Array | None = None) -> float:
    """Equal error rate: where FMR = FNMR on the straight line between the two neighbouring points of the DET.

    The two points are the laxest with FMR < FNMR and the next. In [0, 1]; a constant score, whose line goes
    from (0, 1) to (1, 0), gives exactly 0.5.
    """
    _, fmr, fnmr = error_rates(scores, weights)
    excess = fmr - fnmr
    after = int(np.searchsorted(excess, 0, side="left"))
    before = after - 1
    step = -excess[before] / (excess[after] - excess[before])
    return float(fmr[before] + step * (fmr[after] - fmr[before]))


def accuracy(scores: Scores, threshold: float, weights: Float64Array | None = None) -> float:
    """Share of pairs decided rightly: genuine with score ≥ threshold, impostor with score below it."""
    check_scores(scores)
    return float(np.average((scores.values >= threshold) == scores.is_genuine, weights=weights))


def cross_entropy(scores: Scores) -> float:
    """Mean cross-entropy in nats of scores that are logits of "same subject"; ln 2 for a constant 0."""
    check_scores(scores)
    return float(np.logaddexp(0, np.where(scores.is_genuine, -scores.values, scores.values)).mean())


def tar_at_fmr(scores: Scores, fmr: float, weights: Float64Array | None = None) -> float:
    """True accept rate: the largest 1 − FNMR of any threshold whose empirical FMR does not exceed ``fmr``.

    Nothing is interpolated. With fewer than ``1 / fmr`` impostor pairs none of them may match, and the figure
    says how many genuine pairs outscore every impostor pair.
    """
    rates = error_rates(scores, weights)
    return float(1 - rates.fnmr[rates.at_fmr(fmr)])


def confusion(scores: Scores, threshold: float, level: float) -> Confusion:
    """Counts of the four kinds of decision; FMR and FNMR with Clopper-Pearson intervals at ``level``."""
    check_scores(scores)
    genuine = int(np.count_nonzero(scores.is_genuine))
    impostor = len(scores) - genuine
    matched_genuine = int(np.count_nonzero(scores.genuine >= threshold))
    matched_impostor = int(np.count_nonzero(scores.impostor >= threshold))
    return Confusion(
        matched_genuine=matched_genuine,
        missed_genuine=genuine - matched_genuine,
        matched_impostor=matched_impostor,
        rejected_impostor=impostor - matched_impostor,
        fmr=clopper_pearson(matched_impostor, impostor, level),
        fnmr=clopper_pearson(genuine - matched_genuine, genuine, level),
    )


def histogram(scores: Scores, bins: int = 40) -> Histogram:
    """Counts of genuine and impostor scores in ``bins`` equally wide bins that span all scores."""
    check_scores(scores)
    low, high = scores.values.min(), scores.values.max()
    largest = max(abs(low), abs(high))
    # Between scores that differ by rounding alone there is no room for bins.
    around = max(1.0, largest) / 2 if high - low <= bins * np.spacing(largest) else 0.0
    edges = np.linspace(low - around, high + around, bins + 1)
    genuine, _ = np.histogram(scores.genuine, edges)
    impostor, _ = np.histogram(scores.impostor, edges)
    return Histogram(edges=tuple(edges.tolist()), genuine=tuple(genuine.tolist()), impostor=tuple(impostor.tolist()))


def curve(scores: Scores, points: int = 400) -> Curve:
    """The ROC or DET curve, without the points that its drawing does not need.

    Points within a horizontal or vertical run go first, which loses nothing. If more than ``points`` corners
    are left, half of ``points`` are picked evenly along the ROC's axes and half along the DET's (normal
    deviates), which is where the few strictest and laxest thresholds have room. Both ends stay.

    References:
        A. Martin et al. (1997), The DET curve in assessment of detection task performance, Eurospeech.
    """
    rates = error_rates(scores)
    kept = _corners(rates)
    fmr, fnmr = rates.fmr[kept], rates.fnmr[kept]
    if len(kept) > points:
        least = 0.5 / len(scores)  # rates of 0 and 1 have no finite normal deviate
        deviates = [ndtri(np.clip(rate, least, 1 - least)) for rate in (fmr, fnmr)]
        chosen = [_evenly(fmr - fnmr, points // 2), _evenly(deviates[0] - deviates[1], points // 2)]
        kept = kept[np.unique(np.concatenate(chosen))]
    return Curve(
        threshold=tuple(rates.threshold[kept].tolist()),
        fmr=tuple(rates.fmr[kept].tolist()),
        fnmr=tuple(rates.fnmr[kept].tolist()),
    )


def _corners(rates: ErrorRates) -> IntArray:
    """Positions of the ends and of all points where a step along one axis meets a step along another."""
    straight = np.zeros(len(rates.fmr), np.bool_)
    for rate in (rates.fmr, rates.fnmr):
        straight[1:-1] |= (rate[:-2] == rate[1:-1]) & (rate[1:-1] == rate[2:])
    return np.flatnonzero(~straight)


def _evenly(along: Float64Array, count: int) -> IntArray:
    """Positions of ``count`` entries, first and last among them, evenly spread along a rising scale."""
    wanted = np.linspace(along[0], along[-1], count)
    found = np.searchsorted(along, wanted).astype(np.int64)
    found[0], found[-1] = 0, len(along) - 1
    return found
