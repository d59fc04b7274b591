"""N-way k-shot tasks: which of N classes, known from k samples each, is a query of?

A class scores the mean of the query's scores with its support. Ties are shared: a query whose true class ties
with t − 1 others for the highest score counts 1/t, so a network that answers a constant scores exactly 1/N.

References:
    G. Koch, R. Zemel and R. Salakhutdinov (2015), Siamese neural networks for one-shot image recognition.
    B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum (2015), Human-level concept learning through probabilistic
    program induction, Science 350.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinlens.comparison import Comparison
from twinlens.errors import DataError, EvaluationError
from twinlens.evaluation.figures import OneShot
from twinlens.evaluation.intervals import bootstrap_mean
from twinlens.evaluation.scoring import score_rows
from twinlens.types import Episode, Float32Array, Float64Array, IntArray


def largest_n_way(subject_codes: IntArray, k_shot: int) -> int:
    """The most classes that a k-shot task over samples of these subjects can have; 0 if there is no query.

    A class needs ``k_shot`` samples, and the query's one more.
    """
    _, sizes = np.unique(subject_codes, return_counts=True)
    return int(np.count_nonzero(sizes >= k_shot)) if (sizes > k_shot).any() else 0


def random_episodes(
    samples: IntArray, subject_codes: IntArray, n_way: int, k_shot: int, tasks: int, seed: int
) -> tuple[Episode, ...]:
    """Draw tasks of one query each.

    The query is a random sample of a random subject with more than ``k_shot`` samples; its class is supported
    by ``k_shot`` others of that subject, and each other class by ``k_shot`` samples of another random subject.
    Subjects weigh the same however many samples they have.

    Args:
        samples: int64 ``(n,)`` distinct sample indices to draw from.
        subject_codes: int64 ``(n,)``, the subject of each of them.
        n_way: Classes per task, at least 2.
        k_shot: Support samples per class, at least 1.
        tasks: How many tasks.
        seed: Equal seeds give equal tasks.

    Raises:
        DataError: There are too few subjects, or too few samples of them; see :func:`largest_n_way`.
    """
    most = largest_n_way(subject_codes, k_shot)
    if most < max(n_way, 2):
        raise DataError(
            f"{n_way}-way {k_shot}-shot tasks need {n_way} subjects with {k_shot} photos and one of them with "
            f"{k_shot + 1}; these allow {most} ways.",
            "Ask for fewer ways, or give this part more subjects.",
        )
    ordered = samples[np.argsort(subject_codes, kind="stable")]
    _, sizes = np.unique(subject_codes, return_counts=True)
    by_subject = np.split(ordered, np.cumsum(sizes)[:-1])
    rng = np.random.default_rng(seed)
    return tuple(_draw(by_subject, sizes, n_way, k_shot, rng) for _ in range(tasks))


def oneshot_accuracy(
    episodes: Sequence[Episode],
    embeddings: Float32Array,
    subject_codes: IntArray,
    comparison: Comparison,
    *,
    name: str = "",
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> OneShot:
    """Accuracy over the queries of ``episodes``, with a bootstrap interval over the queries' subjects.

    Args:
        episodes: Tasks of one shape (ways and shots; the number of queries may differ).
        embeddings: float32 ``(n, dim)``; the tasks' sample indices are its rows.
        subject_codes: int64 ``(n,)``, the subject of each row.
        comparison: What scores a query with a support sample.
        name: Of the result; made of ways and shots if empty.
        level: Of the interval.
        resamples: How many times the subjects are drawn.
        seed: Equal seeds give equal intervals.

    Raises:
        EvaluationError: There are no tasks, their shapes differ, or a score is not finite.
    """
    credit = oneshot_credit(episodes, embeddings, comparison)
    n_way, k_shot = episodes[0].support.shape
    queries = np.concatenate([episode.query for episode in episodes])
    return OneShot(
        name=name or f"{n_way}-way {k_shot}-shot",
        n_way=n_way,
        k_shot=k_shot,
        tasks=len(queries),
        accuracy=bootstrap_mean(credit, subject_codes[queries], resamples, level, seed),
        chance=1 / n_way,
    )


def oneshot_credit(episodes: Sequence[Episode], embeddings: Float32Array, comparison: Comparison) -> Float64Array:
    """What each query of ``episodes`` counts: 1 if right, 1/t if t classes tie for right, 0 if wrong.

    Arguments and errors are those of :func:`oneshot_accuracy`; float64 ``(queries,)``.
    """
    shapes = {episode.support.shape for episode in episodes}
    if len(shapes) != 1:
        raise EvaluationError(f"One-shot tasks must be of one shape, but these are of {len(shapes)}.")
    n_way, k_shot = shapes.pop()
    queries = np.concatenate([episode.query for episode in episodes])
    truth = np.concatenate([episode.query_class for episode in episodes])
    support = np.repeat(
        np.stack([episode.support for episode in episodes]),
        [len(episode.query) for episode in episodes],
        axis=0,
    )
    scores = score_rows(embeddings, np.repeat(queries, n_way * k_shot), support.reshape(-1), comparison).reshape(
        len(queries), n_way, k_shot
    )
    by_class = scores.mean(axis=2)
    best = by_class == by_class.max(axis=1, keepdims=True)
    return np.asarray(best[np.arange(len(queries)), truth] / best.sum(axis=1), np.float64)


def _draw(by_subject: list[IntArray], sizes: IntArray, n_way: int, k_shot: int, rng: np.random.Generator) -> Episode:
    target = rng.choice(np.flatnonzero(sizes > k_shot))
    others = np.setdiff1d(np.flatnonzero(sizes >= k_shot), target)
    place = int(rng.integers(n_way))
    classes = np.insert(rng.choice(others, n_way - 1, replace=False), place, target)
    shuffled = [rng.permutation(by_subject[position]) for position in classes]
    return Episode(
        query=shuffled[place][k_shot : k_shot + 1],
        query_class=np.array([place], np.int64),
        support=np.stack([row[:k_shot] for row in shuffled]),
    )
