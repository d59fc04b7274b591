"""How each run is drawn: a colour for its recipe, a dash for its place among the recipe's runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twinlens.reporting.compare.recipes import Recipe

# The palette of M. Okabe and K. Ito (2008) that style.py takes its colours from, without the yellow.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1B2430")
# Lengths that Plotly and SVG both read.
_DASHES = ("solid", "8px,4px", "2px,3px", "9px,3px,2px,3px", "14px,5px", "14px,4px,2px,4px")

Lines = dict[str, dict[str, Any]]


def lines(recipes: Sequence[Recipe]) -> Lines:
    """Plotly's line of every run, by the run's label; more recipes than colours begin with another dash."""
    found: Lines = {}
    for i, recipe in enumerate(recipes):
        first_dash, colour = divmod(i, len(_COLOURS))
        for j, label in enumerate(recipe.runs):
            dash = _DASHES[(first_dash + j) % len(_DASHES)]
            found[label] = {"color": _COLOURS[colour], "dash": dash, "width": 2.2}
    return found
