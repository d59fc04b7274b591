"""The decisions worth looking at: the most confident right and wrong ones, with both photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

import numpy as np

from twinlens.reporting.attention import Overlay
from twinlens.reporting.photos import Photos, data_uri
from twinlens.reporting.scores import ScoredPairs
from twinlens.reporting.wording import subject_names
from twinlens.types import BoolArray, IntArray

_SIDE = 168  # pixels; twice as sharp as shown, for dense screens and print
_THUMBNAIL = 72
# Decisions of each kind that a report shows.
EACH = 6


@dataclass(frozen=True)
class Photo:
    """One side of a shown decision.

    Attributes:
        name: The sample.
        subject: Who it is said to be.
        erratum: What is known to be wrong with that; empty for nearly all.
        uri: The picture as a ``data:`` address, or empty if it cannot be shown.
    """

    name: str
    subject: str
    erratum: str
    uri: str

    @property
    def label(self) -> str:
        """The name without its folder where the file's own name says who it is."""
        folder, _, file = self.name.rpartition("/")
        return file if file.startswith(folder) else self.name


@dataclass(frozen=True)
class ShownDecision:
    """One pair, what was decided and how sure that was."""

    first: Photo
    second: Photo
    score: float
    probability: float
    overlay: Overlay | None


@dataclass(frozen=True)
class Wall:
    """One of the four kinds of decisions.

    Attributes:
        title: What they are.
        note: What one sees in them.
        right: Whether these decisions are right.
        total: How many there are in all.
        decisions: The most confident of them, the surest first.
    """

    title: str
    note: str
    right: bool
    total: int
    decisions: tuple[ShownDecision, ...]


_KINDS = (
    ("Missed: the same {one}, taken for two", "What it should have recognised and did not.", True, False),
    ("Confused: two {many}, taken for one", "Where a likeness misleads it.", False, True),
    ("Recognised: the same {one}, matched", "What it finds easy.", True, True),
    ("Kept apart: two {many}, not matched", "What it tells apart without doubt.", False, False),
)


def walls(
    pairs: ScoredPairs,
    photos: Photos | None,
    errata: Mapping[str, str],
    each: int = EACH,
    overlays: Mapping[tuple[str, str], Overlay] = MappingProxyType({}),
    dataset: str = "",
) -> tuple[Wall, ...]:
    """The ``each`` most confident decisions of all four kinds, the wrong kinds first.

    Args:
        pairs: Scored pairs with their decisions.
        photos: Where pictures come from; ``None`` shows names only.
        errata: What is known to be wrong about single photos, by file name without folder and suffix.
        each: Decisions per kind.
        overlays: What drove decisions, by the names of both photos; may lack some.
        dataset: Where the photos are from, which says what their subjects are called.
    """
    one, many = subject_names(dataset)
    shown = []
    for title, note, genuine, matched in _KINDS:
        kind = _of_kind(pairs, genuine, matched)
        chosen = most_confident(pairs, kind, matched)[:each]
        decisions = tuple(_decision(pairs, int(i), photos, errata, overlays) for i in chosen)
        shown.append(Wall(title.format(one=one, many=many), note, genuine == matched, int(kind.sum()), decisions))
    return tuple(shown)


def highlighted(pairs: ScoredPairs, each: int = EACH) -> IntArray:
    """Indices of all pairs that :func:`walls` shows."""
    kinds = ((_of_kind(pairs, genuine, matched), matched) for _, _, genuine, matched in _KINDS)
    return np.concatenate([most_confident(pairs, kind, matched)[:each] for kind, matched in kinds])


def most_confident(pairs: ScoredPairs, kind: BoolArray, matched: bool) -> IntArray:
    """Indices of the pairs of one kind, the surest decision first; equal scores stay in the list's order."""
    found = np.flatnonzero(kind)
    scores = pairs.score[found]
    return found[np.argsort(-scores if matched else scores, kind="stable")]


def contact_sheet(pairs: ScoredPairs, photos: Photos, most: int = 60) -> tuple[Photo, ...]:
    """One photo each of at most ``most`` subjects, evenly taken from all that occur, sorted by name."""
    sides = zip(pairs.first + pairs.second, pairs.first_subject + pairs.second_subject, strict=True)
    subjects = {subject: name for name, subject in sorted(sides, reverse=True)}
    names = sorted(subjects)
    chosen = np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).round().astype(int))
    return tuple(
        Photo(subjects[names[i]], names[i], "", data_uri(photos(subjects[names[i]]), _THUMBNAIL)) for i in chosen
    )


def _of_kind(pairs: ScoredPairs, genuine: bool, matched: bool) -> BoolArray:
    return np.asarray((pairs.is_genuine == genuine) & (pairs.is_match == matched))


def photo(name: str, subject: str, photos: Photos | None, errata: Mapping[str, str]) -> Photo:
    """One side of a pair, with its picture if there are any."""
    picture = data_uri(photos(name), _SIDE) if photos else ""
    return Photo(name, subject, errata.get(PurePosixPath(name).stem, ""), picture)


def _decision(
    pairs: ScoredPairs,
    i: int,
    photos: Photos | None,
    errata: Mapping[str, str],
    overlays: Mapping[tuple[str, str], Overlay],
) -> ShownDecision:
    first = photo(pairs.first[i], pairs.first_subject[i], photos, errata)
    second = photo(pairs.second[i], pairs.second_subject[i], photos, errata)
    drove = overlays.get((pairs.first[i], pairs.second[i]))
    return ShownDecision(first, second, float(pairs.score[i]), float(pairs.probability[i]), drove)
