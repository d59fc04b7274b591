"""The chapters of the results page on LFW View 1: recipes on equal terms, and what each of them shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twinlens.evaluation.figures import Evaluation
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.compare.testing import on_equal_terms
from twinlens.reporting.results.figures import accuracy_figure, training_figure
from twinlens.reporting.results.findings import findings
from twinlens.reporting.results.recipe_file import RecipeFile, commands, read_recipe_file
from twinlens.reporting.results.rows import anchor, recipe_table
from twinlens.reporting.results.table import natural
from twinlens.reporting.results.versus import BASELINE, Outcome, Versus, judge
from twinlens.reporting.wording import listing
from twinlens.types import Interval


@dataclass(frozen=True)
class Told:
    """One recipe with what is said about it.

    Attributes:
        label: Heading.
        file: What its file says, if twinlens comes with it.
        paragraphs: What its figures show.
        commands: What makes each of its runs again.
        folders: Names of the folders of its published results.
        figure: SVG.
    """

    label: str
    file: RecipeFile | None
    paragraphs: tuple[str, ...]
    commands: tuple[str, ...]
    folders: tuple[str, ...]
    figure: str

    @property
    def figure_name(self) -> str:
        """The figure's file."""
        return f"{anchor(self.label)}.svg"


@dataclass(frozen=True)
class Chapter:
    """Recipes on equal terms.

    Attributes:
        title: The terms in words.
        tested_on: Number of test pairs and protocol.
        comparisons: How many recipes are held against the baseline; 0 where that is not among them.
        summary: Which of them are better, which worse, and of which that is not known.
        table: Markdown.
        recipes: The baseline first.
        figure: SVG.
    """

    title: str
    tested_on: str
    comparisons: int
    summary: tuple[str, ...]
    table: str
    recipes: tuple[Told, ...]
    figure: str

    @property
    def figure_name(self) -> str:
        """The figure's file."""
        return f"accuracy-{anchor(self.title)}.svg"


def chapters(recipes: Sequence[Recipe]) -> list[Chapter]:
    """One for all recipes that may be held against each other; that with the baseline comes first."""
    grouped = [sorted(equal, key=_order) for equal in on_equal_terms(recipes)]
    return [_chapter(equal) for equal in sorted(grouped, key=lambda equal: _order(equal[0]))]


def _order(recipe: Recipe) -> tuple[bool, object]:
    return recipe.label != BASELINE, natural(recipe.label)


def _chapter(recipes: Sequence[Recipe]) -> Chapter:
    terms = recipes[0].terms
    assert terms is not None
    outcome = judge(recipes, BASELINE)
    return Chapter(
        title=f"{terms.setting}, {terms.outside_data}",
        tested_on=terms.tested_on,
        comparisons=len(outcome.versus),
        summary=tuple(_summary(outcome)),
        table=recipe_table(recipes, outcome, BASELINE),
        recipes=tuple(_tell(recipe, outcome, _baseline_test(recipes)) for recipe in recipes),
        figure=accuracy_figure(recipes, outcome.accuracy),
    )


def _summary(outcome: Outcome) -> Iterator[str]:
    better = [label for label, one in outcome.versus.items() if one.beyond_noise and one.accuracy.interval.value > 0]
    worse = [label for label, one in outcome.versus.items() if one.beyond_noise and label not in better]
    unknown = [label for label, one in outcome.versus.items() if not one.beyond_noise]
    for what, labels in (("Better beyond noise", better), ("Worse beyond noise", worse)):
        if labels:
            yield f"{what}: {listing([_linked(label) + _doubt(outcome.versus[label]) for label in labels])}."
    if unknown:
        yield f"Within noise, so that neither is shown to be better: {listing([_linked(label) for label in unknown])}."


def _linked(label: str) -> str:
    return f"[{label}](#{anchor(label)})"


def _doubt(versus: Versus) -> str:
    return " (one run of each)" if versus.alone else ""


def _tell(recipe: Recipe, outcome: Outcome, baseline: Evaluation | None) -> Told:
    behind = None if recipe.label == BASELINE else baseline
    return tell(recipe, outcome.accuracy[recipe.label], outcome.versus.get(recipe.label), behind)


def tell(recipe: Recipe, accuracy: Interval, versus: Versus | None = None, behind: Evaluation | None = None) -> Told:
    """What is said about a tested recipe.

    Args:
        recipe: With all its runs.
        accuracy: On the test pairs; the mean over seeds where there are several.
        versus: How it differs from the baseline, if it can be held against it.
        behind: The baseline's test, to be drawn behind that of the recipe.
    """
    runs = [run.result for run in recipe.runs.values()]
    return Told(
        label=recipe.label,
        file=read_recipe_file(runs[0].name),
        paragraphs=findings(recipe, accuracy, versus, BASELINE),
        commands=tuple(line for run in recipe.runs.values() for line in commands(run.result, run.folder)),
        folders=tuple(run.folder.name for run in recipe.runs.values()),
        figure=training_figure(recipe.label, runs, behind),
    )


def _baseline_test(recipes: Sequence[Recipe]) -> Evaluation | None:
    for recipe in recipes:
        if recipe.label == BASELINE:
            return next(iter(recipe.runs.values())).result.test
    return None
