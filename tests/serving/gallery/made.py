"""Records, a header and a log, made up; and which store they go into."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from twinlens.serving.gallery.contract import AuditDraft, AuditEntry, Changes, Header, Record, Store
from twinlens.serving.gallery.opening import create_store, open_store

DIM = 8
HEADER = Header(1, "made-up", "f" * 64, DIM, "ab" * 16, "check", datetime(2026, 1, 2, 3, 4, 5, 678901, UTC))
NOW = datetime(2026, 5, 6, 7, 8, 9, 123456, UTC)


class Place:
    """Where one gallery is, and whoever has it open.

    Attributes:
        address: As users give it.
        searches: Whether the store there keeps vectors.
    """

    def __init__(self, address: str | Path) -> None:
        self.address = address
        self.searches = not isinstance(address, Path)
        self._opened: list[Store] = []

    def create(self, header: Header = HEADER) -> Store:
        """Make the gallery."""
        self._opened.append(create_store(self.address, header))
        return self._opened[-1]

    def open(self) -> Store:
        """Open it once more, as another process would."""
        self._opened.append(open_store(self.address))
        return self._opened[-1]

    def close(self) -> None:
        """Close whatever was opened."""
        for store in self._opened:
            store.close()


def draft(action: str = "enrol", detail: str = "{}") -> tuple[AuditDraft]:
    """What the log is to say."""
    return (AuditDraft("tester", action, None, detail),)


def record(
    subject_id: str = "Ann", *, template_id: str | None = None, size: int = 300, expires_at: datetime | None = None
) -> Record:
    """One whose bytes and vector follow from its ``template_id``, so that each tells by itself whether it is whole."""
    template_id = template_id or uuid.uuid4().hex
    unsure = Record(template_id, subject_id, None, b"", NOW, expires_at)
    return replace(unsure, vector=vector_of(template_id), sealed=sealed_for(template_id, subject_id, size))


def sealed_for(template_id: str, subject_id: str, size: int) -> bytes:
    """``size`` bytes, at random and yet always the same."""
    return hashlib.shake_256(f"{template_id} {subject_id}".encode()).digest(size)


def vector_of(template_id: str, dim: int = DIM) -> np.ndarray:
    """A direction, float32 ``(dim,)``: at random and yet always the same."""
    seed = int.from_bytes(hashlib.sha256(template_id.encode()).digest())
    vector = np.random.default_rng(seed).standard_normal(dim)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def is_whole(record: Record) -> bool:
    """Whether a record is as :func:`record` made it."""
    return record.sealed == sealed_for(record.template_id, record.subject_id, len(record.sealed)) and (
        record.vector is None or np.array_equal(record.vector, vector_of(record.template_id))
    )


def same(first: Iterable[Record], second: Iterable[Record]) -> bool:
    """Whether records are equal and in the same order, vectors aside."""
    values = [[astuple(replace(record, vector=None)) for record in records] for records in (first, second)]
    return values[0] == values[1]


def chain(draft: AuditDraft, number: int, previous: str) -> AuditEntry:
    """Seal an entry of the log with a digest over all that it says."""
    at = datetime.now(UTC)
    said = repr((number, at.isoformat(), *astuple(draft), previous))
    return AuditEntry(number, at, *astuple(draft), previous, hashlib.sha256(said.encode()).hexdigest())


def unbroken(entries: Sequence[AuditEntry]) -> bool:
    """Whether the log is whole: numbered without gaps, chained, and nothing of it changed."""
    previous = "0" * 64
    for number, entry in enumerate(entries, 1):
        said = repr((number, entry.at.isoformat(), *astuple(entry)[2:6], previous))
        if (entry.number, entry.previous, entry.digest) != (
            number,
            previous,
            hashlib.sha256(said.encode()).hexdigest(),
        ):
            return False
        previous = entry.digest
    return True


class Copy:
    """A copy of a store's records that follows it by its changes."""

    def __init__(self, store: Store, most: int) -> None:
        self.store = store
        self._most = most
        self.version = 0
        self.records: dict[str, Record] = {}

    def follow(self) -> list[Changes]:
        """Catch up; what there was to take in."""
        taken = []
        while True:
            changes = self.store.changes(self.version, self._most)
            assert len(changes.added) + len(changes.removed) <= self._most
            if changes.anew:
                self.records.clear()
            for template_id in changes.removed:
                self.records.pop(template_id, None)
            self.records |= {record.template_id: record for record in changes.added}
            if changes.version == self.version:
                return taken
            self.version = changes.version
            taken.append(changes)
