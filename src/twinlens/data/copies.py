"""How many photos are in a dataset's parts twice, within a part and across parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from twinlens.data.dataset import Dataset, Part
from twinlens.data.description import Duplicate, PartName
from twinlens.data.digests import content_digests
from twinlens.data.duplicates import PairStream, exact_duplicates, near_duplicates
from twinlens.data.store import Store
from twinlens.types import BoolArray, IntArray

_EXAMPLES = 50


@dataclass(frozen=True)
class Copies:
    """Counts and examples of duplicates.

    Attributes:
        parts: Names of the parts.
        exact_table: int64 ``(parts, parts)``, pairs of equal files with one in each; symmetric.
        near_table: The same for other files that show the same picture.
        examples: Across parts first, then those under two names.
    """

    parts: tuple[PartName, ...]
    exact_table: IntArray
    near_table: IntArray
    examples: tuple[Duplicate, ...]

    def exact(self, first: PartName, second: PartName) -> int:
        """Pairs of equal files, one in each part."""
        return int(self.exact_table[self.parts.index(first), self.parts.index(second)])

    def near(self, first: PartName, second: PartName) -> int:
        """Pairs of other files that show the same picture, one in each part."""
        return int(self.near_table[self.parts.index(first), self.parts.index(second)])


def find_copies(store: Store, samples: IntArray, parts: Mapping[PartName, Part]) -> Copies:
    """Look for duplicates among the samples of all parts."""
    dataset = store.dataset
    content = np.unique(content_digests(dataset), return_inverse=True)[1].astype(np.int64)
    inside = np.zeros((len(parts), len(dataset)), np.bool_)
    for row, part in zip(inside, parts.values(), strict=True):
        row[part.samples] = True
    exact = _tally(exact_duplicates(content, samples), inside, dataset)
    unequal = (_unequal(first, second, content) for first, second in near_duplicates(store.crops, samples))
    near = _tally(unequal, inside, dataset)
    found = [(*row, True) for row in exact.examples] + [(*row, False) for row in near.examples]
    names = np.array(list(parts))
    return Copies(
        parts=tuple(parts),
        exact_table=exact.table,
        near_table=near.table,
        examples=tuple(
            Duplicate(
                first=dataset.samples[first].name,
                second=dataset.samples[second].name,
                exact=is_exact,
                same_subject=dataset.samples[first].subject_id == dataset.samples[second].subject_id,
                first_part=",".join(names[inside[:, first]]),
                second_part=",".join(names[inside[:, second]]),
            )
            for _, first, second, is_exact in sorted(found)[:_EXAMPLES]
        ),
    )


@dataclass
class _Tally:
    table: IntArray
    examples: list[tuple[int, int, int]] = field(default_factory=list)  # rank, first, second


def _tally(pairs: PairStream, inside: BoolArray, dataset: Dataset) -> _Tally:
    """Count pairs by part, and keep the worst few; the pairs themselves may be too many to keep."""
    tally = _Tally(np.zeros((len(inside), len(inside)), np.int64))
    for first, second in pairs:
        one, other = inside[:, first], inside[:, second]
        straight = one[:, None] & other[None]
        tally.table += (straight | straight.transpose(1, 0, 2)).sum(axis=2)
        within = (one & other).any(axis=0)
        same_subject = dataset.subject_codes[first] == dataset.subject_codes[second]
        rank = 2 * within + same_subject
        worst = np.argsort(rank, kind="stable")[:_EXAMPLES]
        tally.examples += zip(rank[worst].tolist(), first[worst].tolist(), second[worst].tolist(), strict=True)
    return tally


def _unequal(first: IntArray, second: IntArray, content: IntArray) -> tuple[IntArray, IntArray]:
    other = content[first] != content[second]
    return first[other], second[other]
