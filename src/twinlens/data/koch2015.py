"""Omniglot cut as Koch et al. (2015) cut it: by alphabets and by drawers.

The paper (section 4) trains on 30 alphabets and 12 of their 20 drawers, validates on 10 other alphabets and 4 other
drawers, and tests on "the last 10 alphabets and 4 drawers", those of Lake's one-shot tasks. It speaks of a release
with 40 background and 10 evaluation alphabets. Today's has 30 and 20, and the official runs show ten of the 20:

- The 30 background alphabets train, the ten of the official runs test, the ten others validate.
- The official runs show drawers 1 to 8 of their alphabets (``tests/data/test_omniglot.py``). So 9 to 20
  train, which are twelve, 5 to 8 validate and 1 to 4 test. Which the paper took is not known.

Drawers are numbered within an alphabet. Who drew several alphabets has a number in each, and nothing tells which.

References:
    G. Koch, R. Zemel and R. Salakhutdinov (2015), Siamese neural networks for one-shot image recognition, ICML deep
    learning workshop, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twinlens.config import Config
from twinlens.config.data import OmniglotData
from twinlens.data.alphabet_tasks import WAYS, by_alphabet, drawings, run_of_one_query
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.omniglot import alphabet_codes, drawer_numbers, is_background, is_in_runs
from twinlens.data.splits import draw_pairs
from twinlens.errors import DataError
from twinlens.types import BoolArray, Episode, IntArray, Pairs

_DRAWERS = {"train": range(9, 21), "validation": range(5, 9), "test": range(1, 5)}
_ALPHABETS = {"train": 30, "validation": 10, "test": 10}
_TEST_SEED = 0
# The paper stops by 320 tasks "which mimic the target task"; that has 20 ways.
_TASKS = 320


def koch2015_partition(config: Config, data: OmniglotData, dataset: Dataset) -> Partition:
    """Training pairs, validation pairs and tasks, and test pairs, with no alphabet and no drawer in two parts.

    Every training alphabet has equally many pairs, half of them genuine, drawn with replacement. Validation and test
    take every genuine pair once, as long as that is no more than their share of ``data.test_pairs``, and as many
    impostor pairs. The paper has 10,000 validation pairs, of which many must be repetitions: ten alphabets and four
    drawers give 1,662 different genuine ones.

    Raises:
        DataError: An alphabet is missing.
    """
    alphabets, drawers = alphabet_codes(dataset), drawer_numbers(dataset)
    train, validation, test = (
        _side(name, mask, alphabets, drawers) for name, mask in zip(_ALPHABETS, _masks(dataset), strict=True)
    )
    return Partition(
        protocol="omniglot-koch2015",
        dataset=dataset,
        train=_part(train, alphabets, _training_pairs(train, alphabets, dataset, data.setting.pairs, config.seed)),
        validation=_part(validation, alphabets, _judged(validation, alphabets, dataset, data.test_pairs, config.seed)),
        test=_part(test, alphabets, _judged(test, alphabets, dataset, data.test_pairs, _TEST_SEED)),
        dropped_pairs=0,
        leaks=False,
        tasks=tuple(_oneshot_tasks(validation, alphabets, drawers, dataset, config.seed)),
    )


def _masks(dataset: Dataset) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Whether each sample's alphabet trains, validates and tests."""
    background, shown = is_background(dataset), is_in_runs(dataset)
    return background, ~background & ~shown, shown


def _side(name: str, mask: BoolArray, alphabets: IntArray, drawers: IntArray) -> IntArray:
    samples = np.flatnonzero(mask & np.isin(drawers, _DRAWERS[name]))
    found = len(np.unique(alphabets[samples]))
    if found != _ALPHABETS[name]:
        raise DataError(
            f"The {name} part of Koch et al. (2015) has {_ALPHABETS[name]} alphabets, and {found} of them are here.",
            "Get all of it: twinlens data fetch omniglot",
        )
    return samples


def _part(samples: IntArray, alphabets: IntArray, pairs: Pairs) -> Part:
    return Part(samples, pairs, alphabets[samples])


def _training_pairs(samples: IntArray, alphabets: IntArray, dataset: Dataset, n: int, seed: int) -> Pairs:
    groups = by_alphabet(samples, alphabets)
    seeds = np.random.SeedSequence(seed).generate_state(len(groups))
    share = n // len(groups)
    return Pairs.joined(
        [draw_pairs(group, dataset.subject_codes, share, int(own)) for group, own in zip(groups, seeds, strict=True)]
    )


def _judged(samples: IntArray, alphabets: IntArray, dataset: Dataset, n: int, seed: int) -> Pairs:
    rng = np.random.default_rng(seed)
    groups = by_alphabet(samples, alphabets)
    return Pairs.joined([_balanced(group, dataset.subject_codes, n // len(groups), rng) for group in groups])


def _balanced(samples: IntArray, subject_codes: IntArray, most: int, rng: np.random.Generator) -> Pairs:
    """At most ``most`` different pairs of the samples, as many genuine as impostor ones."""
    first, second = (samples[side] for side in np.triu_indices(len(samples), k=1))
    is_genuine = subject_codes[first] == subject_codes[second]
    kinds = [np.flatnonzero(kind) for kind in (is_genuine, ~is_genuine)]
    n = min(most // 2, *map(len, kinds))
    chosen = np.concatenate([rng.choice(kind, n, replace=False) for kind in kinds])
    return Pairs(first[chosen], second[chosen], is_genuine[chosen])


def _oneshot_tasks(
    samples: IntArray, alphabets: IntArray, drawers: IntArray, dataset: Dataset, seed: int
) -> Iterator[Episode]:
    """Tasks like those of the official runs, equally many of each alphabet.

    Raises:
        DataError: An alphabet has too few characters for one.
    """
    rng = np.random.default_rng(seed)
    groups = by_alphabet(samples, alphabets)
    for group in groups:
        drawn = drawings(group, drawers, dataset)
        if len(drawn) < WAYS or drawn.shape[1] < 2:
            alphabet = dataset.samples[group[0]].subject_id.partition("/")[0]
            raise DataError(
                f"{alphabet} has {len(drawn)} characters that drawers have drawn completely, and {WAYS} are needed.",
                "Get all of it: twinlens data fetch omniglot",
            )
        for _ in range(_TASKS // len(groups)):
            yield run_of_one_query(drawn, rng)
