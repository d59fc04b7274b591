"""One-shot tasks like those of Omniglot's official runs: characters of one alphabet, by two of its drawers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twinlens.data.dataset import Dataset
from twinlens.data.omniglot import alphabet_codes, drawer_numbers
from twinlens.types import Episode, IntArray

WAYS = 20


def by_alphabet(samples: IntArray, alphabets: IntArray) -> list[IntArray]:
    """The samples of each alphabet.

    Args:
        samples: int64 ``(n,)``.
        alphabets: int64, the alphabet of every sample of the dataset.
    """
    return [samples[alphabets[samples] == alphabet] for alphabet in np.unique(alphabets[samples])]


def drawings(samples: IntArray, drawers: IntArray, dataset: Dataset) -> IntArray:
    """The samples of one alphabet as int64 ``(characters, drawers)``, without characters that somebody did not draw.

    Args:
        samples: int64 ``(n,)``.
        drawers: int64, who drew each sample of the dataset.
        dataset: Omniglot.
    """
    codes = dataset.subject_codes[samples]
    ordered = samples[np.lexsort((drawers[samples], codes))]
    present = np.unique(drawers[samples])
    characters, sizes = np.unique(codes, return_counts=True)
    whole = np.isin(dataset.subject_codes[ordered], characters[sizes == len(present)])
    return ordered[whole].reshape(-1, len(present))


def whole_run(drawn: IntArray, rng: np.random.Generator) -> Episode:
    """20 characters by one drawer as support, and the same ones by another drawer as queries.

    Args:
        drawn: int64 ``(characters, drawers)`` with at least 20 characters and two drawers.
        rng: Draws all.
    """
    characters = rng.choice(len(drawn), WAYS, replace=False)
    query, support = rng.choice(drawn.shape[1], 2, replace=False)
    return Episode(drawn[characters, query], np.arange(WAYS), drawn[characters, support][:, None])


def run_of_one_query(drawn: IntArray, rng: np.random.Generator) -> Episode:
    """As :func:`whole_run`, with one of the queries alone."""
    run = whole_run(drawn, rng)
    place = int(rng.integers(WAYS))
    return Episode(run.query[place : place + 1], run.query_class[place : place + 1], run.support)


def whole_runs(samples: IntArray, dataset: Dataset, each: int, seed: int) -> Iterator[Episode]:
    """Several runs of each alphabet.

    An alphabet with fewer than 20 characters that all of its drawers have drawn has none.

    Args:
        samples: int64 ``(n,)``, of any alphabets.
        dataset: Omniglot.
        each: Runs of each alphabet.
        seed: Equal seeds give equal runs.
    """
    rng = np.random.default_rng(seed)
    drawers = drawer_numbers(dataset)
    for group in by_alphabet(samples, alphabet_codes(dataset)):
        drawn = drawings(group, drawers, dataset)
        if len(drawn) < WAYS or drawn.shape[1] < 2:
            continue
        for _ in range(each):
            yield whole_run(drawn, rng)
