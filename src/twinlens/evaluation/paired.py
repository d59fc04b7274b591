"""Two models on the same pairs: does one judge better, or is it noise?

Both models have judged every pair, so what makes a pair hard or a person lucky holds for both and largely falls out
of the difference. Whether what is left belongs to single pairs or to people, nobody can say beforehand:

- *The pair as the unit* (:func:`mcnemar`): exact however few pairs the models disagree on, and right if they differ
  from pair to pair alone. Where one of them is better at certain people, pairs that share a person are not independent,
  and the test is too sure.
- *The subject as the unit* (the bootstrap of :mod:`~twinlens.evaluation.intervals`): right if models differ from person
  to person. It counts noise of single impostor pairs three times, so where most people are in one pair only it is too
  unsure, and it needs enough people for a difference to vary about normally.

So a difference is believed if it survives both: in accuracy with either unit, and in AUC, in the same direction.
Asking for all of them at once needs no correction for their number.

References:
    Q. McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages,
    Psychometrika 12.
    T. G. Dietterich (1998), Approximate statistical tests for comparing supervised classification learning algorithms,
    Neural Computation 10.
    R. L. Berger (1982), Multiparameter hypothesis testing and acceptance sampling, Technometrics 24: all tests at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, t

from twinlens.errors import EvaluationError
from twinlens.evaluation import metrics
from twinlens.evaluation.intervals import subject_weights
from twinlens.progress import track
from twinlens.types import BoolArray, Float64Array, Interval, Scores

METHOD = "subject bootstrap, normal"


@dataclass(frozen=True, slots=True)
class Judged:
    """What one model made of a list of pairs.

    Attributes:
        scores: Of every pair.
        threshold: Match iff score ≥ this; fixed before these pairs were looked at.
    """

    scores: Scores
    threshold: float

    @property
    def right(self) -> BoolArray:
        """Which pairs were decided rightly, bool ``(n,)``."""
        return np.equal(self.scores.values >= self.threshold, self.scores.is_genuine)


@dataclass(frozen=True, slots=True)
class Replicated:
    """A figure of the pairs as they are, and of every resample of their subjects, float64 ``(resamples,)``."""

    value: float
    replicates: Float64Array


@dataclass(frozen=True, slots=True)
class Resampled:
    """A model with its figures; those of two models can be subtracted if they were resampled together."""

    judged: Judged
    accuracy: Replicated
    auc: Replicated


@dataclass(frozen=True, slots=True)
class McNemar:
    """The pairs on which two models disagree, and how often chance alone would divide them that unevenly.

    Attributes:
        only_first: Pairs that only the first model decided rightly.
        only_second: Pairs that only the second did.
        p_value: Two-sided and exact, in (0, 1].
    """

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of the first model minus that of the second.

    Attributes:
        interval: The difference and how sure it is.
        p_value: Of a difference at least as large if there were none, two-sided; 1 where there is none at all.
    """

    interval: Interval
    p_value: float


@dataclass(frozen=True, slots=True)
class PairedTest:
    """How the first of two models differs from the second on the same pairs.

    Attributes:
        pairs: How many.
        decisions: Accuracy, with the pair as the unit.
        accuracy: Accuracy, with the subject as the unit.
        auc: Area under the ROC, with the subject as the unit.
        p_value: The largest of the three, or 1 if accuracy and AUC point in different directions.
    """

    pairs: int
    decisions: McNemar
    accuracy: Difference
    auc: Difference
    p_value: float


def mcnemar(first_right: BoolArray, second_right: BoolArray) -> McNemar:
    """McNemar's exact test: are the pairs that only one of two models got right divided evenly between them?

    Args:
        first_right: bool ``(n,)``, which pairs the first model decided rightly.
        second_right: bool ``(n,)``, likewise for the second.
    """
    only_first = int(np.count_nonzero(first_right & ~second_right))
    only_second = int(np.count_nonzero(second_right & ~first_right))
    divided = only_first + only_second
    p_value = float(binomtest(only_first, divided).pvalue) if divided else 1.0
    return McNemar(only_first, only_second, min(1.0, p_value))  # which rounding may exceed


def resample_together(models: Sequence[Judged], resamples: int, seed: int) -> list[Resampled]:
    """Accuracy and AUC of several models, on the same resamples of the subjects.

    Args:
        models: On the same pairs in the same order.
        resamples: How many times the subjects are drawn.
        seed: Equal seeds give equal resamples.

    Raises:
        EvaluationError: The pairs are not the same, a score is not finite, or a kind of pair is missing.
    """
    refuse_other_pairs(models)
    # Sorting what is sorted is nearly free, and the AUC does it again for every resample.
    orders = [np.argsort(-model.scores.values, kind="stable") for model in models]
    ranked = [Judged(model.scores[order], model.threshold) for model, order in zip(models, orders, strict=True)]
    replicates = np.empty((resamples, len(models), 2))
    drawn = subject_weights(models[0].scores, resamples, seed)
    for i, weights in enumerate(track(drawn, "Resampling subjects", resamples)):
        replicates[i] = [_figures(model, weights[order]) for model, order in zip(ranked, orders, strict=True)]
    found = []
    for place, model in enumerate(models):
        accuracy, auc = _figures(model, np.ones(len(model.scores)))
        found.append(
            Resampled(
                model,
                Replicated(accuracy, replicates[:, place, 0]),
                Replicated(auc, replicates[:, place, 1]),
            )
        )
    return found


def refuse_other_pairs(models: Sequence[Judged]) -> None:
    """Make sure that all models have judged the same pairs in the same order, as far as scores can tell.

    Raises:
        EvaluationError: They have not.
    """
    one = models[0].scores
    for model in models[1:]:
        for name in ("is_genuine", "first_subject", "second_subject"):
            if not np.array_equal(getattr(model.scores, name), getattr(one, name)):
                raise EvaluationError("Models can only be compared on the same pairs in the same order.")


def paired_test(first: Resampled, second: Resampled, level: float) -> PairedTest:
    """Test two models that were resampled together; swapping them turns the signs and nothing else.

    Args:
        first: One model.
        second: The other, from the same call of :func:`resample_together`.
        level: Of the intervals, in (0, 1).
    """
    decisions = mcnemar(first.judged.right, second.judged.right)
    accuracy = _difference(first.accuracy, second.accuracy, level)
    auc = _difference(first.auc, second.auc, level)
    opposed = accuracy.interval.value * auc.interval.value < 0
    p_value = 1.0 if opposed else max(decisions.p_value, accuracy.p_value, auc.p_value)
    return PairedTest(len(first.judged.scores), decisions, accuracy, auc, p_value)


def normal_difference(value: float, variance: float, level: float, freedom: float = math.inf) -> Difference:
    """A difference that varies about its true value nearly normally, with its interval and p-value.

    Unlike percentiles of the replicates, the p-value can be as small as a correction for many comparisons needs, and
    it agrees with the interval.

    Args:
        value: The difference.
        variance: Of it, at least 0.
        level: Of the interval, in (0, 1).
        freedom: Degrees of freedom that the variance is known with.
    """
    error = math.sqrt(variance)
    half = float(t.ppf((1 + level) / 2, freedom)) * error
    p_value = 2 * float(t.sf(abs(value) / error, freedom)) if error > 0 else float(value == 0)
    return Difference(Interval(value, value - half, value + half, METHOD), p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, in the order given.

    Calling those below α real is wrong about any of them with a probability of at most α, however they depend on each
    other.

    References:
        S. Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
    """
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, (len(p_values) - rank) * p_values[place])
        corrected[place] = min(1.0, largest)
    return corrected


def _figures(model: Judged, weights: Float64Array) -> tuple[float, float]:
    scores = model.scores
    return metrics.accuracy(scores, model.threshold, weights), metrics.auc(scores, weights)


def _difference(first: Replicated, second: Replicated, level: float) -> Difference:
    variance = float(np.var(first.replicates - second.replicates, ddof=1))
    return normal_difference(first.value - second.value, variance, level)
