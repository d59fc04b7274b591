"""All tests of a comparison: runs against runs, and recipes against recipes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from twinlens.evaluation.paired import PairedTest, Resampled, holm, paired_test, resample_together
from twinlens.evaluation.seeds import RecipeTest, recipe_test
from twinlens.reporting.compare.comparison import Finding, ModelTest
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.compare.terms import Terms

LEVEL = 0.95
# Standard errors are then known to 1.6 %.
RESAMPLES = 2000
# Fixed, so that a comparison made again says the same.
_SEED = 0


@dataclass(frozen=True)
class Outcome:
    """What two runs and what two recipes differ by, both in an order that does not depend on that of the runs."""

    models: tuple[ModelTest, ...]
    findings: tuple[Finding, ...]


def run_tests(recipes: Sequence[Recipe]) -> Outcome:
    """Test every two runs and every two recipes that were tested on equal terms."""
    models: list[tuple[str, str, bool, PairedTest]] = []
    findings: list[Finding] = []
    for comparable in on_equal_terms(recipes):
        labels = [label for recipe in comparable for label in recipe.runs]
        home = {label: recipe.label for recipe in comparable for label in recipe.runs}
        if len(labels) < 2:
            continue
        judged = [run.judged for recipe in comparable for run in recipe.runs.values()]
        resampled = dict(zip(labels, resample_together(judged, RESAMPLES, _SEED), strict=True))
        for pair in combinations(labels, 2):
            first, second = _better_first(pair, resampled)
            test = paired_test(resampled[first], resampled[second], LEVEL)
            models.append((first, second, home[first] == home[second], test))
        findings += [_finding(one, other, resampled) for one, other in combinations(comparable, 2)]
    return Outcome(_corrected_models(models), _corrected_findings(findings))


def on_equal_terms(recipes: Sequence[Recipe]) -> list[list[Recipe]]:
    """The tested recipes by their terms, in the order in which these come first."""
    found: dict[Terms, list[Recipe]] = {}
    for recipe in recipes:
        if recipe.terms is not None:
            found.setdefault(recipe.terms, []).append(recipe)
    return list(found.values())


def _finding(one: Recipe, other: Recipe, resampled: dict[str, Resampled]) -> Finding:
    sides = {recipe.label: [resampled[label] for label in recipe.runs] for recipe in (one, other)}
    first, second = sorted(sides, key=lambda label: (*_means(sides[label]), label))
    test: PairedTest | RecipeTest
    if len(sides[first]) == len(sides[second]) == 1:
        test = paired_test(sides[first][0], sides[second][0], LEVEL)
    else:
        test = recipe_test(sides[first], sides[second], LEVEL)
    return Finding(
        first=first,
        second=second,
        caveat=_caveat(one),
        pairs=len(sides[first][0].judged.scores),
        first_runs=len(sides[first]),
        second_runs=len(sides[second]),
        accuracy=test.accuracy,
        auc=test.auc,
        p_value=test.p_value,
        corrected=test.p_value,
        better=False,
    )


def _caveat(recipe: Recipe) -> str:
    """What holds for both of two recipes on equal terms, as these are part of the terms."""
    provenance = next(iter(recipe.runs.values())).result.provenance
    if provenance.synthetic:
        return "Not a result (synthetic faces)"
    return "Leaking (epoch and threshold were chosen on a validation that flatters)" if provenance.leaks else ""


def _means(runs: Sequence[Resampled]) -> tuple[float, float]:
    """Minus the mean accuracy and AUC, so that the better comes first."""
    return -sum(run.accuracy.value for run in runs) / len(runs), -sum(run.auc.value for run in runs) / len(runs)


def _better_first(labels: tuple[str, str], resampled: dict[str, Resampled]) -> tuple[str, str]:
    first, second = sorted(labels, key=lambda label: (*_means([resampled[label]]), label))
    return first, second


def _corrected_models(found: list[tuple[str, str, bool, PairedTest]]) -> tuple[ModelTest, ...]:
    corrected = holm([test.p_value for *_, test in found])
    tests = [
        ModelTest(first=first, second=second, same_recipe=same, test=test, corrected=p_value)
        for (first, second, same, test), p_value in zip(found, corrected, strict=True)
    ]
    return tuple(sorted(tests, key=lambda test: (test.corrected, test.test.p_value, test.first, test.second)))


def _corrected_findings(found: list[Finding]) -> tuple[Finding, ...]:
    corrected = holm([finding.p_value for finding in found])
    findings = [
        finding.model_copy(update={"corrected": p_value, "better": p_value < 1 - LEVEL})
        for finding, p_value in zip(found, corrected, strict=True)
    ]
    return tuple(sorted(findings, key=lambda one: (one.corrected, one.p_value, one.first, one.second)))
