"""How recipes differ from the one that they are variations of, on the same test pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twinlens.evaluation.intervals import percentile_interval
from twinlens.evaluation.paired import Difference, Resampled, holm, paired_test, resample_together
from twinlens.evaluation.seeds import recipe_test
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.compare.testing import LEVEL, RESAMPLES
from twinlens.types import Interval

BASELINE = "koch2015-lfw"
# Fixed, so that the page made again says the same.
_SEED = 0


@dataclass(frozen=True)
class Versus:
    """A recipe minus the baseline.

    Attributes:
        accuracy: Of the mean accuracies, in which there is what other seeds would change where there are several.
        auc: Likewise.
        p_value: The largest of all tests', corrected for the number of those held against the same baseline (Holm).
        alone: Whether there is one run of each, so that two models are compared and not two recipes.
    """

    accuracy: Difference
    auc: Difference
    p_value: float
    alone: bool

    @property
    def beyond_noise(self) -> bool:
        """Whether one of the two is better."""
        return self.p_value < 1 - LEVEL


@dataclass(frozen=True)
class Outcome:
    """What the test pairs say of recipes on equal terms.

    Attributes:
        accuracy: By the recipe's label, the mean over its seeds, with an interval over the test people.
        versus: By the recipe's label, for all but the baseline; empty where it is not among them.
    """

    accuracy: Mapping[str, Interval]
    versus: Mapping[str, Versus]


def judge(recipes: Sequence[Recipe], baseline: str) -> Outcome:
    """Judge tested recipes on equal terms.

    Args:
        recipes: At least one.
        baseline: Label of the recipe that the others are held against.
    """
    runs = [run.judged for recipe in recipes for run in recipe.runs.values()]
    resampled = iter(resample_together(runs, RESAMPLES, _SEED))
    found = {recipe.label: [next(resampled) for _ in recipe.runs] for recipe in recipes}
    return Outcome(
        accuracy={recipe.label: _accuracy(recipe, found[recipe.label]) for recipe in recipes},
        versus=against(found.pop(baseline), found) if baseline in found else {},
    )


def against(base: Sequence[Resampled], others: Mapping[str, Sequence[Resampled]]) -> dict[str, Versus]:
    """How some models differ from a base, all resampled together, by their labels; a sequence has one for each seed."""
    tests = {label: _test(models, base) for label, models in others.items()}
    corrected = holm([test.p_value for test in tests.values()])
    return {
        label: Versus(test.accuracy, test.auc, p_value, test.alone)
        for (label, test), p_value in zip(tests.items(), corrected, strict=True)
    }


def _test(models: Sequence[Resampled], base: Sequence[Resampled]) -> Versus:
    if len(models) == len(base) == 1:
        alone = paired_test(models[0], base[0], LEVEL)
        return Versus(alone.accuracy, alone.auc, alone.p_value, alone=True)
    test = recipe_test(models, base, LEVEL)
    return Versus(test.accuracy, test.auc, test.p_value, alone=False)


def _accuracy(recipe: Recipe, models: Sequence[Resampled]) -> Interval:
    if len(models) == 1:  # has its interval already
        (run,) = recipe.runs.values()
        assert run.result.test is not None
        return run.result.test.accuracy
    value = float(np.mean([model.accuracy.value for model in models]))
    replicates = np.mean([model.accuracy.replicates for model in models], axis=0)
    return percentile_interval(value, replicates.tolist(), LEVEL)
