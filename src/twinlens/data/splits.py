"""Cutting pairs and people into two sides, and drawing pairs from people.

People are joined by the pairs that name them, so a cut between two *connected components* loses no pair at all,
where a cut between random people with share f loses about 2f(1 - f) of the impostor pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from twinlens.data.components import subject_components
from twinlens.errors import DataError
from twinlens.types import BoolArray, IntArray, Pairs

# A validation side this much smaller than asked for is good enough; cutting a component costs pairs.
_SHORTFALL = 0.1
# Candidates drawn for every distinct pair that is wanted.
_SURPLUS = 4


@dataclass(frozen=True, slots=True)
class PairSplit:
    """Pairs cut into two sides.

    Attributes:
        train: Pairs to learn from.
        validation: Pairs to choose on.
        dropped: Pairs that straddle the cut and are on neither side.
        leaks: Whether a subject is on both sides.
    """

    train: Pairs
    validation: Pairs
    dropped: int
    leaks: bool


def split_pairs(
    pairs: Pairs, subject_codes: IntArray, share: float, kind: Literal["subjects", "pairs"], seed: int
) -> PairSplit:
    """Keep about ``share`` of the pairs for validation, with the same balance of genuine and impostor pairs.

    Args:
        pairs: What to split.
        subject_codes: int64, the subject of every sample of the dataset.
        share: Wanted share of validation pairs, in (0, 1).
        kind: ``subjects`` keeps every subject on one side: whole components go to validation, and only one
            that is too large for that is cut. That drops the pairs across the cut, impostors above all, so that
            the balance shifts. ``pairs`` draws pairs at random, as most published projects do, and shares subjects.
        seed: Equal seeds give equal splits.

    Raises:
        DataError: One of the sides has no genuine or no impostor pair.
    """
    rng = np.random.default_rng(seed)
    if kind == "subjects":
        chosen = _validation_subjects(pairs, subject_codes, share, rng)
        first, second = chosen[subject_codes[pairs.first]], chosen[subject_codes[pairs.second]]
        train, validation = pairs[~first & ~second], pairs[first & second]
    else:
        mask = _stratified(pairs.is_genuine, share, rng)
        train, validation = pairs[~mask], pairs[mask]
    for side, name in ((train, "training"), (validation, "validation")):
        _need_both_kinds(side, name)
    dropped = len(pairs) - len(train) - len(validation)
    return PairSplit(train, validation, dropped, leaking_share(train, validation, subject_codes) > 0)


def leaking_share(train: Pairs, validation: Pairs, subject_codes: IntArray) -> float:
    """Share of the validation pairs in which a subject of the training pairs occurs, in [0, 1]."""
    seen = np.unique(subject_codes[train.samples])
    first = np.isin(subject_codes[validation.first], seen)
    second = np.isin(subject_codes[validation.second], seen)
    return float((first | second).mean()) if len(validation) else 0.0


def split_subjects(subject_codes: IntArray, share: float, seed: int) -> tuple[IntArray, IntArray]:
    """Cut subjects at random into those that train and the ``share`` of them that validates.

    Subjects with one sample and with several are cut apart, because only the latter give genuine pairs.

    Args:
        subject_codes: int64 ``(n,)``, the subject of each sample that is to be split.
        share: Wanted share of validation subjects, in (0, 1).
        seed: Equal seeds give equal splits.

    Returns:
        The subject codes of the two sides, sorted. Each has at least two subjects with several samples if
        there are four of them.
    """
    rng = np.random.default_rng(seed)
    subjects, counts = np.unique(subject_codes, return_counts=True)
    several, single = subjects[counts > 1], subjects[counts == 1]
    least = min(2, len(several) // 2)
    validation = np.concatenate([_draw(several, share, least, rng), _draw(single, share, 0, rng)])
    return np.setdiff1d(subjects, validation), np.sort(validation)


def draw_pairs(samples: IntArray, subject_codes: IntArray, n: int, seed: int) -> Pairs:
    """Draw ``n`` pairs with replacement: ``n // 2`` genuine ones first, then impostors.

    A genuine pair is a uniformly drawn subject with at least two samples and two distinct samples of it; an
    impostor pair is two distinct subjects, uniformly drawn, and a sample of each. So subjects with many photos
    weigh no more than others.

    Args:
        samples: int64 ``(m,)``, the samples to draw from.
        subject_codes: int64, the subject of every sample of the dataset.
        n: Number of pairs.
        seed: Equal seeds give equal pairs.

    Raises:
        DataError: There are not two subjects, or none has two samples.
    """
    rng = np.random.default_rng(seed)
    ordered = samples[np.argsort(subject_codes[samples], kind="stable")]
    subjects, start, count = np.unique(subject_codes[ordered], return_index=True, return_counts=True)
    several = np.flatnonzero(count > 1)
    if len(subjects) < 2 or not len(several):
        raise DataError(
            f"Pairs need two subjects, and two photos of at least one of them; here are {len(samples)} photos "
            f"of {len(subjects)} subjects, and {len(several)} of these have two or more.",
            "Add photos, or give this part of the data a larger share.",
        )
    one = rng.choice(several, n // 2)
    a, b = _two_distinct(count[one], rng)
    left, right = _two_distinct(np.full(n - n // 2, len(subjects)), rng)
    c, d = rng.integers(count[left]), rng.integers(count[right])
    return Pairs(
        ordered[np.concatenate([start[one] + a, start[left] + c])],
        ordered[np.concatenate([start[one] + b, start[right] + d])],
        np.arange(n) < n // 2,
    )


def draw_distinct_pairs(samples: IntArray, subject_codes: IntArray, n: int, seed: int) -> Pairs:
    """The same without repetitions, because a pair that is scored twice is not more evidence.

    Fewer than ``n`` come back where the samples hardly give more; each half has its own limit.
    """
    drawn = draw_pairs(samples, subject_codes, _SURPLUS * n, seed)
    low, high = np.minimum(drawn.first, drawn.second), np.maximum(drawn.first, drawn.second)
    _, earliest = np.unique(np.stack([low, high]), axis=1, return_index=True)
    distinct = drawn[np.sort(earliest)]
    genuine, impostor = np.flatnonzero(distinct.is_genuine), np.flatnonzero(~distinct.is_genuine)
    return distinct[np.concatenate([genuine[: n // 2], impostor[: n - n // 2]])]


def _validation_subjects(pairs: Pairs, subject_codes: IntArray, share: float, rng: np.random.Generator) -> BoolArray:
    """Whether each subject code goes to validation."""
    graph, component = subject_components(pairs, subject_codes)
    of_pair = component[subject_codes[pairs.first]]
    n = int(component.max(initial=-1)) + 1
    sizes = np.stack(
        [np.bincount(of_pair[mask], minlength=n) for mask in (pairs.is_genuine, ~pairs.is_genuine)], axis=1
    )
    totals = sizes.sum(axis=0)
    target = np.clip(np.rint(share * totals), 1, None).clip(max=totals).astype(np.int64)
    whole = _whole_components(sizes, target, rng)
    chosen = np.isin(component, whole)
    missing = int((target - sizes[whole].sum(axis=0)).sum())
    if missing > _SHORTFALL * target.sum():
        rest = np.setdiff1d(of_pair, whole)
        giant = rest[np.argmax(sizes[rest].sum(axis=1))]
        start = int(rng.choice(np.flatnonzero(component == giant)))
        chosen[_grown(graph, start, missing, pairs, subject_codes)] = True
    return chosen


def _whole_components(sizes: IntArray, target: IntArray, rng: np.random.Generator) -> IntArray:
    """Components in random order, as long as both kinds of pairs fit, and one more if that is no worse."""
    room, taken, rest = target.copy(), [], []
    for component in rng.permutation(np.flatnonzero(sizes.sum(axis=1))):
        if (sizes[component] <= room).all():
            taken.append(component)
            room -= sizes[component]
        else:
            rest.append(component)
    after = [np.abs(room - sizes[component]).sum() for component in rest]
    if after and min(after) <= room.sum():
        taken.append(rest[int(np.argmin(after))])
    return np.array(taken, np.int64)


def _grown(graph: csr_array, start: int, wanted: int, pairs: Pairs, subject_codes: IntArray) -> IntArray:
    """Subjects around ``start``, nearest first, until about ``wanted`` pairs of both kinds lie among them.

    Neighbours share pairs, so growing outwards drops fewer of them than taking people at random.
    """
    order = breadth_first_order(graph, start, directed=False, return_predecessors=False)
    n = len(order)
    rank = np.full(graph.shape[0], n, np.int64)
    rank[order] = np.arange(n)
    outer = np.maximum(rank[subject_codes[pairs.first]], rank[subject_codes[pairs.second]])
    genuine, impostor = (
        np.cumsum(np.bincount(outer[mask], minlength=n)[:n]) for mask in (pairs.is_genuine, ~pairs.is_genuine)
    )
    error = np.abs(genuine + impostor - wanted)
    error[(genuine == 0) | (impostor == 0)] = len(pairs)
    return order[: int(np.argmin(error)) + 1].astype(np.int64)


def _stratified(is_genuine: BoolArray, share: float, rng: np.random.Generator) -> BoolArray:
    mask = np.zeros(len(is_genuine), np.bool_)
    for kind in (is_genuine, ~is_genuine):
        mask[_draw(np.flatnonzero(kind), share, 1, rng)] = True
    return mask


def _draw(values: IntArray, share: float, least: int, rng: np.random.Generator) -> IntArray:
    """A ``share`` of the values, drawn without replacement; ``least`` are drawn and as many left."""
    count = min(max(least, round(share * len(values))), len(values) - least)
    return rng.permutation(values)[:count]


def _two_distinct(limit: IntArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Two different numbers below each limit, uniformly."""
    first = rng.integers(limit)
    second = rng.integers(limit - 1)
    return first, second + (second >= first)


def _need_both_kinds(side: Pairs, name: str) -> None:
    genuine = int(side.is_genuine.sum())
    if genuine in (0, len(side)):
        raise DataError(
            f"The split leaves {genuine} genuine and {len(side) - genuine} impostor pairs for {name}, "
            "and both kinds are needed.",
            "List more pairs, choose another share, or use pairs that do not all hang together by one person.",
        )
