"""A comparison in words: what may be concluded, what may not, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from twinlens.evaluation.paired import Difference
from twinlens.reporting.compare.comparison import Finding, ModelTest, RecipeFigures, RunFigures
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.compare.terms import reasons
from twinlens.reporting.compare.testing import LEVEL, on_equal_terms
from twinlens.reporting.wording import count, decimal, decimal_span, listing, p_value, percent, points, points_span

_LUCK = (
    "That much lies between trainings of one recipe. No run of a recipe is better than another, and to pick one by its "
    "test figures would be to choose on the test."
)


def headline(recipes: Sequence[Recipe], findings: Sequence[Finding]) -> str:
    """What it comes to, in one sentence."""
    better = sum(finding.better for finding in findings)
    if len(recipes) == 1:
        return f"There is nothing to rank: {len(recipes[0].runs)} runs of one recipe, with {recipes[0].seeds}."
    if not findings:
        return "Nothing can be ranked here: no two of these recipes were tested on equal terms."
    if len(findings) == 1:
        return f"{sentence(findings[0])} {doubt(findings)}".strip()
    if better == 0:
        return f"None of these can be ranked: all {len(findings)} differences are within noise."
    return f"Of {len(findings)} differences {better} {'is' if better == 1 else 'are'} beyond noise."


def sentence(finding: Finding) -> str:
    """What one finding says, and before it what must be said of the data."""
    return f"{finding.caveat}: {_claim(finding)}" if finding.caveat else _claim(finding)


def doubt(findings: Sequence[Finding]) -> str:
    """What stands behind differences beyond noise, models or recipes; nothing if there are none."""
    alone = {finding.first_runs == finding.second_runs == 1 for finding in findings if finding.better}
    if alone == {True}:
        return "That ranks models, not recipes: with one run each nothing is known of what other seeds would do."
    if alone == {False}:
        return "What lies between runs of one recipe is part of the intervals."
    return "Where both recipes have one run, that ranks models, not recipes." if alone else ""


def standings(recipes: Sequence[RecipeFigures], findings: Sequence[Finding]) -> Iterator[str]:
    """For every recipe which ones it is better than, which it cannot be told from, and which are better."""
    tested = [(recipe.label, recipe.accuracy.mean) for recipe in recipes if recipe.accuracy]
    for label, accuracy in sorted(tested, key=lambda one: (-one[1], one[0])):
        better = [finding.second for finding in findings if finding.better and finding.first == label]
        worse = [finding.first for finding in findings if finding.better and finding.second == label]
        alike = [
            other
            for finding in findings
            for mine, other in ((finding.first, finding.second), (finding.second, finding.first))
            if not finding.better and mine == label
        ]
        told = (("better than", better), ("within noise of", alike), ("worse than", worse))
        places = "; ".join(f"{words} {listing(sorted(others))}" for words, others in told if others)
        if places:
            caveat = next(finding.caveat for finding in findings if label in (finding.first, finding.second))
            yield f"{f'{caveat}: ' if caveat else ''}{label} ({percent(accuracy)}) is {places}."


def _claim(finding: Finding) -> str:
    first, second = _with_runs(finding.first, finding.first_runs), _with_runs(finding.second, finding.second_runs)
    pairs = f"the same {count(finding.pairs)} test pairs"
    if not finding.better:
        return (
            f"{first} and {second} cannot be ranked: on {pairs} they differ by {_accuracy(finding.accuracy)} and "
            f"{_auc(finding.auc)}, which is within noise (p {_p(finding.corrected)})."
        )
    return (
        f"{first} is better than {second}: on {pairs} it is ahead by {_accuracy(finding.accuracy)} and "
        f"{_auc(finding.auc)} (p {_p(finding.corrected)})."
    )


def seed_sentences(recipes: Sequence[RecipeFigures], tests: Sequence[ModelTest]) -> list[str]:
    """What lies between the runs of every tested recipe with several, and at the end what that means."""
    told = []
    for recipe in recipes:
        accuracy, auc = recipe.accuracy, recipe.auc
        if accuracy is None or auc is None or accuracy.deviation is None or auc.deviation is None:
            continue
        told.append(
            f"{recipe.label}, {accuracy.runs} runs with {recipe.seeds}: accuracy {percent(accuracy.mean)} on average, "
            f"from {percent(accuracy.lowest)} to {percent(accuracy.highest)}, standard deviation "
            f"{points(accuracy.deviation)} points; AUC {decimal(auc.mean)}, standard deviation "
            f"{decimal(auc.deviation)}.{_apart(recipe, tests)}"
        )
    return [*told, _LUCK] if told else []


def _apart(recipe: RecipeFigures, tests: Sequence[ModelTest]) -> str:
    """Runs of a recipe between which the tests see more than noise, and what to think of it."""
    found = [t for t in tests if t.same_recipe and t.first in recipe.runs and t.corrected < 1 - LEVEL]
    if not found:
        return ""
    pairs = listing([f"{test.first} and {test.second}" for test in found])
    return f" As models, {pairs} do differ on these pairs; it is luck that made them so."


def refusals(recipes: Sequence[Recipe]) -> Iterator[str]:
    """What cannot be held against each other, and why."""
    for one, other in combinations(on_equal_terms(recipes), 2):
        assert one[0].terms is not None
        assert other[0].terms is not None
        sides = " cannot be compared with ".join(listing([recipe.label for recipe in side]) for side in (one, other))
        yield f"{sides}: {'; '.join(reasons(one[0].terms, other[0].terms))}."
    for recipe in recipes:
        if recipe.terms is None:
            folds = [label for label, run in recipe.runs.items() if run.result.view2]
            unseen = [label for label in recipe.runs if label not in folds]
            if folds:
                yield f"{listing(folds)} cannot be compared: tested on View 2 only, which is not compared."
            if unseen:
                yield (
                    f"{listing(unseen)} cannot be compared: not tested. Look at the test pairs, once, with twinlens "
                    "evaluate."
                )


def caveats(runs: Sequence[RunFigures]) -> list[str]:
    """Every warning once, with the runs it belongs to."""
    who: dict[str, list[str]] = {}
    for run in runs:
        for caveat in run.caveats:
            who.setdefault(caveat, []).append(run.label)
    return [f"{listing(labels)}: {caveat}" for caveat, labels in who.items()]


def _with_runs(label: str, runs: int) -> str:
    return label if runs == 1 else f"{label} ({runs} runs)"


def _accuracy(difference: Difference) -> str:
    return f"{points(difference.interval.value)} points of accuracy ({points_span(difference.interval)})"


def _auc(difference: Difference) -> str:
    return f"{decimal(difference.interval.value)} of AUC ({decimal_span(difference.interval)})"


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"
