"""The page of a comparison: one HTML file that opens offline and prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twinlens.reporting.compare.comparison import FEW_FINDINGS, Comparison
from twinlens.reporting.compare.curves import tradeoff_charts, training_charts
from twinlens.reporting.compare.disagreements import Album, disagreements
from twinlens.reporting.compare.lines import lines
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.compare.spans import difference_charts, figure_charts
from twinlens.reporting.page import make_page
from twinlens.reporting.wording import percent


def make_comparison_page(comparison: Comparison, recipes: Sequence[Recipe], albums: Mapping[str, Album]) -> str:
    """Write the page.

    Args:
        comparison: What is said.
        recipes: The runs it is said of.
        albums: Where the photos of every run come from, by its label.

    Returns:
        A whole HTML document without any reference to anything outside of it.
    """
    results = {label: run.result for recipe in recipes for label, run in recipe.runs.items()}
    tested = {label: result.test for label, result in results.items() if result.test}
    drawn = lines(recipes)
    context: dict[str, Any] = {
        "comparison": comparison,
        "synthetic": all(result.provenance.synthetic for result in results.values()),
        "few": len(comparison.findings) <= FEW_FINDINGS,
        "levels": _levels(comparison),
        "lines": drawn,
        "figure_charts": figure_charts(comparison.runs, drawn) if tested else [],
        "difference_charts": difference_charts(comparison.findings),
        "training_charts": training_charts(results, drawn),
        "tradeoff_charts": tradeoff_charts(tested, drawn) if tested else [],
        "disagreements": disagreements(comparison.tests, recipes, albums),
        "has_photos": any(album.photos for album in albums.values()),
    }
    return make_page("compare.html.j2", context)


def _levels(comparison: Comparison) -> str:
    """The level of the runs' own intervals, as far as they have one in common."""
    levels = {run.level for run in comparison.runs}
    return f"{percent(levels.pop(), 0)} interval" if len(levels) == 1 else "interval"
