"""Who is most similar to a probe: by all templates in memory, or by those that the store itself finds near."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Literal, Protocol

import numpy as np

from twinlens.errors import GalleryError
from twinlens.progress import track
from twinlens.serving.gallery.contract import Record, SearchingStore, Store
from twinlens.serving.gallery.opened import Opened
from twinlens.serving.gallery.rotation import direction
from twinlens.serving.gallery.rows import Ranked, Ranking, Rows, Table
from twinlens.serving.gallery.space import Space, Spaces
from twinlens.serving.gallery.template import open_embedding
from twinlens.serving.gallery.vault import Vault
from twinlens.types import Float32Array

SearchKind = Literal["auto", "exact", "index"]

# Near records that are asked for, for each subject that is to be named: a subject may have several, and the index goes
# by the cosine of directions, which tell less than whole embeddings.
_NEAR = 20
_LEAST_NEAR = 100
_ATTEMPTS = 5
# Templates up to which ``auto`` compares with all of them, though the store has an index: so many take a few seconds to
# read, once, and are then searched much faster than by the index, which misses some of them (docs/storage.md).
_MOST_EXACT = 100_000


class Search(Protocol):
    """Finds the subjects most similar to a probe; several threads may share it."""

    kind: Literal["exact", "index"]

    def rank(self, embedding: Float32Array, most: int) -> Ranking:
        """The ``most`` subjects whose best template is most similar to ``embedding``.

        Args:
            embedding: float32 ``(dim,)``, as the model made it.
            most: How many, at most.

        Raises:
            GalleryError: Somebody else has given the gallery another key or model, or changed a template.
        """
        ...


class ExactSearch:
    """Compares with every template. They are in memory, and what other processes change is read before each search."""

    kind: Literal["exact", "index"] = "exact"

    def __init__(self, vault: Vault, spaces: Spaces) -> None:
        self._vault = vault
        self._spaces = spaces
        self._lock = Lock()
        self._version = 0
        self._opened = vault.opened
        self._table = Table(vault.opened.header.dim)

    def rank(self, embedding: Float32Array, most: int) -> Ranking:
        """As :meth:`Search.rank`."""
        space, rows = self._in_step()
        probe = space.rotation.apply(embedding[None])[0]
        return rows.rank(probe, space.comparison, most, datetime.now(UTC).timestamp())

    def _in_step(self) -> tuple[Space, Rows]:
        with self._lock:
            for opened, changes in track(self._vault.changes(self._version), "Opening templates", None):
                if changes.anew:
                    self._table = Table(opened.header.dim)
                self._table.remove(frozenset(changes.removed))
                self._add(changes.added, opened)
                self._opened, self._version = opened, changes.version
            return self._spaces.of(self._opened), self._table.rows()

    def _add(self, records: Sequence[Record], opened: Opened) -> None:
        if records:
            embeddings = np.stack([open_embedding(record, opened.seal) for record in records])
            ids, names = [record.template_id for record in records], [record.subject_id for record in records]
            self._table.add(ids, names, embeddings, [_seconds(record.expires_at) for record in records])


class IndexSearch:
    """Lets the store find what is near, and compares with all templates of the best subjects among that.

    What the store keeps in the open only proposes; what is sealed decides.
    """

    kind: Literal["exact", "index"] = "index"

    def __init__(self, vault: Vault, store: SearchingStore, spaces: Spaces) -> None:
        self._vault = vault
        self._store = store
        self._spaces = spaces
        self._lock = Lock()
        self._version = 0
        self._opened = vault.opened
        self._subjects: set[str] = set()
        self._templates = 0

    def rank(self, embedding: Float32Array, most: int) -> Ranking:
        """As :meth:`Search.rank`; the index may miss some."""
        while True:
            opened, subjects, templates = self._size()
            best = self._best(embedding, most)
            if self._vault.opened is opened:  # else the gallery was given another key on the way
                return Ranking(best, subjects, templates)

    def _best(self, embedding: Float32Array, most: int) -> tuple[Ranked, ...]:
        near = self._vault.settled(lambda: self._near(embedding, max(_LEAST_NEAR, _NEAR * most)))
        ranked = [self._ranked(name, embedding) for name in list(dict.fromkeys(near))[:most]]
        return tuple(sorted(filter(None, ranked), key=lambda one: (-one.score, one.subject_id)))

    def _near(self, embedding: Float32Array, count: int) -> list[str]:
        """The subjects of records that the store finds near, those with the most similar sealed templates first."""
        opened, now = self._vault.opened, datetime.now(UTC)
        space = self._spaces.of(opened)
        probe = space.rotation.apply(embedding[None])
        near = self._store.nearest(direction(probe, space.kind)[0], count)
        live = [one for one in near if one.expires_at is None or one.expires_at > now]
        if not live:
            return []
        templates = np.stack([open_embedding(one, opened.seal) for one in live])
        scores = space.comparison.matrix(probe, templates)[0]
        return [live[index].subject_id for index in np.argsort(-scores, kind="stable")]

    def _ranked(self, subject_id: str, embedding: Float32Array) -> Ranked | None:
        """A subject with its score by its sealed templates; none if they have gone meanwhile."""
        opened, live = self._vault.live(subject_id)
        if not live:
            return None
        space = self._spaces.of(opened)
        templates = np.stack([template.embedding for template in live])
        score = float(space.comparison.matrix(space.rotation.apply(embedding[None]), templates).max())
        return Ranked(subject_id, score, len(live))

    def _size(self) -> tuple[Opened, int, int]:
        """The secrets in force, and how many subjects and templates there are."""
        with self._lock:
            if self._version == 0:
                self._vault.refuse_replaced()  # later, changes tell of that
                self._count()
            miscounted = False
            for opened, changes in self._vault.changes(self._version):
                self._opened, self._version = opened, changes.version
                miscounted = miscounted or changes.anew or bool(changes.removed)
                self._subjects.update(record.subject_id for record in changes.added)
                self._templates += len(changes.added)
            if miscounted:
                self._count()
            return self._opened, len(self._subjects), self._templates

    def _count(self) -> None:
        """Count anew, at a moment when nobody writes; after some attempts at one when somebody does."""
        for _ in range(_ATTEMPTS):
            self._version, counts = self._store.version(), self._store.subjects()
            self._subjects, self._templates = set(counts), sum(counts.values())
            if self._store.version() == self._version:
                break


def make_search(vault: Vault, spaces: Spaces, kind: SearchKind) -> Search:
    """The search that is asked for; ``auto`` is by the store's index if it has one and holds very many templates now.

    Raises:
        GalleryError: The store has no index, or one that misses what an older version enrolled.
    """
    store = vault.store
    if isinstance(store, SearchingStore) and (kind == "index" or (kind == "auto" and _is_large(store))):
        _refuse_lacking(vault.name, store)
        return IndexSearch(vault, store, spaces)
    if kind == "index":
        raise GalleryError(f"The gallery {vault.name} has no index to search.", "Search it exactly.")
    return ExactSearch(vault, spaces)


def _refuse_lacking(name: str, store: SearchingStore) -> None:
    if lacking := store.lacking():
        raise GalleryError(
            f"The index of the gallery {name} lacks {lacking} templates: an older version kept for it what could be "
            "linked to photos without the key, which has been deleted.",
            "Give the gallery another key, which makes the index anew: twinlens gallery rekey. Or search it exactly.",
        )


def _is_large(store: Store) -> bool:
    return sum(store.subjects().values()) > _MOST_EXACT


def _seconds(expires_at: datetime | None) -> float:
    return float("inf") if expires_at is None else expires_at.timestamp()
