"""The test pairs on which two models differ most.

Scores of two models have different scales, so they are compared as match probabilities with even odds before looking:
each model's own calibration makes them, and 80 % means the same for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from twinlens.reporting.compare.comparison import ModelTest
from twinlens.reporting.compare.contenders import Contender
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.gallery import Photo, photo
from twinlens.reporting.photos import Photos
from twinlens.reporting.scores import ScoredPairs

_EACH = 6
# Comparisons shown, lest the page become an album; any other is one command away.
_MOST = 4


@dataclass(frozen=True)
class View:
    """What one model made of a pair: its match probability at even odds, and whether its decision was right."""

    model: str
    probability: float
    right: bool


@dataclass(frozen=True)
class Disagreement:
    """One pair and what both models made of it."""

    first: Photo
    second: Photo
    is_genuine: bool
    views: tuple[View, View]


@dataclass(frozen=True)
class Wall:
    """The pairs on which one model is further on the right side than the other.

    Attributes:
        nearer: The model that is nearer to the truth on these.
        other: The other one.
        only_right: On how many pairs in all only the former decides rightly.
        pairs: Those with the largest difference, the largest first.
    """

    nearer: str
    other: str
    only_right: int
    pairs: tuple[Disagreement, ...]


@dataclass(frozen=True)
class Album:
    """Where pictures and known errors of a run's photos come from; ``None`` shows names only."""

    photos: Photos | None
    errata: Mapping[str, str]


def disagreements(
    tests: Sequence[ModelTest], recipes: Sequence[Recipe], albums: Mapping[str, Album]
) -> list[tuple[Wall, Wall]]:
    """What each of two models is better at, for the most accurate models of different recipes.

    Args:
        tests: Of two runs each.
        recipes: All of those runs.
        albums: Of every run, by its label.
    """
    runs = {label: run for recipe in recipes for label, run in recipe.runs.items()}
    found = []
    for test in _worth_seeing(tests, recipes):
        both = (test.first, test.second)
        there = _wall(both, runs, albums[test.first])
        back = _wall(both[::-1], runs, albums[test.first])
        found.append((there, back))
    return found


def _worth_seeing(tests: Sequence[ModelTest], recipes: Sequence[Recipe]) -> list[ModelTest]:
    """One test of every two recipes, the most accurate first; then, if there is room, runs of one recipe."""
    home = {label: recipe.label for recipe in recipes for label in recipe.runs}
    right = {label: run.judged.right.mean() for recipe in recipes for label, run in recipe.runs.items() if run.pairs}
    ordered = sorted(tests, key=lambda test: (test.same_recipe, -right[test.first] - right[test.second]))
    firsts: dict[frozenset[str], ModelTest] = {}
    for test in ordered:
        firsts.setdefault(frozenset((home[test.first], home[test.second])), test)
    return list(firsts.values())[:_MOST]


def _wall(labels: tuple[str, ...], runs: Mapping[str, Contender], album: Album) -> Wall:
    nearer, other = (runs[label] for label in labels)
    pairs = nearer.pairs
    assert pairs is not None
    assert other.pairs is not None
    probabilities = [expit(side.log_likelihood_ratio) for side in (pairs, other.pairs)]
    lead = np.where(pairs.is_genuine, 1, -1) * (probabilities[0] - probabilities[1])
    order = np.argsort(-lead, kind="stable")[:_EACH]
    rights = [run.judged.right for run in (nearer, other)]
    shown = []
    for i in order[lead[order] > 0].tolist():
        first, second = (
            View(label, float(probability[i]), bool(right[i]))
            for label, probability, right in zip(labels, probabilities, rights, strict=True)
        )
        shown.append(_disagreement(pairs, i, (first, second), album))
    return Wall(labels[0], labels[1], int(np.count_nonzero(rights[0] & ~rights[1])), tuple(shown))


def _disagreement(pairs: ScoredPairs, i: int, views: tuple[View, View], album: Album) -> Disagreement:
    first = photo(pairs.first[i], pairs.first_subject[i], album.photos, album.errata)
    second = photo(pairs.second[i], pairs.second_subject[i], album.photos, album.errata)
    return Disagreement(first, second, bool(pairs.is_genuine[i]), views)
