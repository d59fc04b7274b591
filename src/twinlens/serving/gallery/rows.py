"""All templates of a gallery in memory, and who among them is most similar to a probe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from twinlens.comparison import Comparison
from twinlens.serving.gallery.quick import blocks, inverse_lengths, quick_scores
from twinlens.types import Float32Array, Float64Array, IntArray

Array = TypeVar("Array", IntArray, Float32Array, Float64Array)


class Ranked(NamedTuple):
    """A subject that a probe is like.

    Attributes:
        subject_id: Who.
        score: Of the probe with the most similar of the subject's templates.
        templates: How many of them were compared.
    """

    subject_id: str
    score: float
    templates: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """The subjects most similar to a probe.

    Attributes:
        best: The highest score first; of equal scores the name that comes first.
        subjects: How many subjects were compared.
        templates: How many templates of them.
    """

    best: tuple[Ranked, ...]
    subjects: int
    templates: int


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The templates at one moment, n of them.

    Attributes:
        names: Of the subjects, by code; at least as many as there are codes.
        codes: int64 ``(n,)``, the subject of each template.
        embeddings: float32 ``(n, dim)``.
        inverses: float32 ``(n,)``, of :func:`~twinlens.serving.gallery.quick.inverse_lengths`.
        expires: float64 ``(n,)``, seconds since 1970; infinite for what stays.
    """

    names: Sequence[str]
    codes: IntArray
    embeddings: Float32Array
    inverses: Float32Array
    expires: Float64Array

    def rank(self, probe: Float32Array, comparison: Comparison, most: int, now: float) -> Ranking:
        """The subjects whose best template has the highest score.

        Every template gets a quick score, and those that may be among the best, however it was rounded, the exact one.

        Args:
            probe: float32 ``(dim,)``.
            comparison: Scores it.
            most: How many subjects, at most.
            now: Seconds since 1970; what has expired by then is left out.
        """
        quick, error = quick_scores(probe, self.embeddings, self.inverses, comparison)
        live = self.expires > now
        quick[~live] = -np.inf
        best = np.full(len(self.names), -np.inf)
        np.maximum.at(best, self.codes, quick)
        templates = np.bincount(self.codes[live], minlength=len(self.names))
        subjects = int(np.count_nonzero(templates))
        if subjects == 0:
            return Ranking((), 0, 0)
        count = min(most, subjects)
        least = np.partition(best, -count)[-count]
        near = np.flatnonzero(live & (quick >= least - 2 * error))
        scores = np.concatenate([comparison.matrix(probe[None], block)[0] for block in blocks(self.embeddings[near])])
        found = _best_of_each(self.codes[near], scores)
        named = (Ranked(self.names[code], score, int(templates[code])) for code, score in found)
        ranked = sorted(named, key=lambda one: (-one.score, one.subject_id))
        return Ranking(tuple(ranked[:count]), subjects, int(templates.sum()))


class Table:
    """Templates in memory that come and go, with room to spare so that adding one copies nothing.

    Not for several threads at once; the :class:`Rows` that it gives are, as nothing in them changes.

    Args:
        dim: Dimension of embeddings.
    """

    def __init__(self, dim: int) -> None:
        self._names: list[str] = []
        self._codes_by_name: dict[str, int] = {}
        self._ids: list[str] = []
        self._codes = np.empty(0, np.int64)
        self._embeddings = np.empty((0, dim), np.float32)
        self._inverses = np.empty(0, np.float32)
        self._expires = np.empty(0)

    def add(self, ids: Sequence[str], names: Sequence[str], embeddings: Float32Array, expires: Sequence[float]) -> None:
        """Add templates: their ids, subjects, embeddings ``(m, dim)``, and when they expire."""
        start, end = len(self._ids), len(self._ids) + len(ids)
        if end > len(self._codes):
            self._reserve(2 * end)
        self._codes[start:end] = [self._code(name) for name in names]
        self._embeddings[start:end] = embeddings
        self._inverses[start:end] = inverse_lengths(embeddings)
        self._expires[start:end] = expires
        self._ids.extend(ids)

    def remove(self, ids: frozenset[str]) -> None:
        """Remove templates; ids that are not there do not matter."""
        if not ids:
            return
        keep = np.array([template_id not in ids for template_id in self._ids], np.bool_)
        rows = self.rows()
        self._codes, self._embeddings = rows.codes[keep], rows.embeddings[keep]
        self._inverses, self._expires = rows.inverses[keep], rows.expires[keep]
        self._ids = [template_id for template_id in self._ids if template_id not in ids]

    def rows(self) -> Rows:
        """What is there now."""
        n = len(self._ids)
        return Rows(self._names, self._codes[:n], self._embeddings[:n], self._inverses[:n], self._expires[:n])

    def _code(self, name: str) -> int:
        code = self._codes_by_name.setdefault(name, len(self._names))
        if code == len(self._names):
            self._names.append(name)
        return code

    def _reserve(self, capacity: int) -> None:
        self._codes = _longer(self._codes, capacity)
        self._embeddings = _longer(self._embeddings, capacity)
        self._inverses = _longer(self._inverses, capacity)
        self._expires = _longer(self._expires, capacity)


def _longer(array: Array, capacity: int) -> Array:
    longer = np.empty((capacity, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


def _best_of_each(codes: IntArray, scores: Float64Array) -> Iterator[tuple[int, float]]:
    """Each code once, with the highest of its scores."""
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(codes[order], return_index=True)
    chosen = order[first]
    return zip(codes[chosen].tolist(), scores[chosen].tolist(), strict=True)
