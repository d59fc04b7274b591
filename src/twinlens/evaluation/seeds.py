"""What another seed changes: several runs of one recipe, and two recipes beyond the luck of their seeds.

Two trainings that differ in nothing but the seed give two models, and these differ on the same pairs by more than
nothing. A paired test may well find that difference real, and it is: of the two models. Of the recipe it says nothing.
So seeds of one recipe are never ranked, and a difference of two recipes has to exceed what their seeds make as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinlens.evaluation.paired import Difference, Replicated, Resampled, normal_difference


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several runs of one recipe.

    Attributes:
        runs: How many.
        mean: Their mean.
        deviation: Their sample standard deviation (ddof 1); ``None`` for a single run.
        lowest: The lowest.
        highest: The highest.
    """

    runs: int
    mean: float
    deviation: float | None
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class RecipeTest:
    """How the first of two recipes differs from the second, on average over seeds.

    Attributes:
        accuracy: Difference of the mean accuracies.
        auc: Difference of the mean areas under the ROC.
        p_value: The larger of the two, or 1 if they point in different directions.
    """

    accuracy: Difference
    auc: Difference
    p_value: float


def spread(values: Sequence[float]) -> Spread:
    """Mean and spread of at least one value."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Spread(len(values), float(np.mean(values)), deviation, min(values), max(values))


def recipe_test(first: Sequence[Resampled], second: Sequence[Resampled], level: float) -> RecipeTest:
    """Test the means of two recipes, one of which at least has several seeds, all resampled together.

    Two sources of noise are added: other test people, from the bootstrap of the difference of the means, and other
    seeds, from the deviation within the recipes, which is taken to be the same in both, as one of them may have a
    single seed. Noise of single pairs is in both sources, which errs on the safe side.

    Args:
        first: The runs of one recipe.
        second: The runs of the other.
        level: Of the intervals, in (0, 1).

    References:
        X. Bouthillier et al. (2021), Accounting for variance in machine learning benchmarks, MLSys: why seeds count.
        F. E. Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics
        Bulletin 2.
    """
    accuracy = _difference([run.accuracy for run in first], [run.accuracy for run in second], level)
    auc = _difference([run.auc for run in first], [run.auc for run in second], level)
    opposed = accuracy.interval.value * auc.interval.value < 0
    return RecipeTest(accuracy, auc, 1.0 if opposed else max(accuracy.p_value, auc.p_value))


def _difference(first: Sequence[Replicated], second: Sequence[Replicated], level: float) -> Difference:
    known = len(first) + len(second) - 2
    if known == 0:
        raise ValueError("what a seed changes cannot be known from one run each")
    values, other_values = ([run.value for run in side] for side in (first, second))
    people = float(
        np.var(
            np.mean([run.replicates for run in first], axis=0) - np.mean([run.replicates for run in second], axis=0),
            ddof=1,
        )
    )
    squares = sum(len(side) * float(np.var(side)) for side in (values, other_values))
    seeds = squares / known * (1 / len(first) + 1 / len(second))
    variance = people + seeds
    freedom = known * (variance / seeds) ** 2 if seeds > 0 else math.inf
    return normal_difference(float(np.mean(values) - np.mean(other_values)), variance, level, freedom)
