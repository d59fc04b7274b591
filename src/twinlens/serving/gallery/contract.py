"""What a gallery's storage must do, whoever does it.

A store keeps records and knows nothing of faces, keys or models: :class:`~twinlens.serving.gallery.gallery.Gallery`
seals each template into a record before a store sees it. SQLite and PostgreSQL keep this contract, and one suite of
tests holds both to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from twinlens.types import Float32Array

# What the first entry of a log has for the digest of the one before.
NOTHING_BEFORE = "0" * 64


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One template as a store keeps it.

    Attributes:
        template_id: 32 hex digits, drawn by whoever enrols; adding one a second time is an error.
        subject_id: Whose it is.
        vector: float32 ``(dim,)``, the direction of the embedding under the gallery's secret rotation. Only a store
            that searches by itself keeps it, in the open; the others give it back as ``None``.
        sealed: Everything else, and the rotated embedding whole: encrypted, and bound to ``template_id`` and
            ``subject_id``.
        enrolled_at: When, in UTC.
        expires_at: When it has to go, in UTC; never if ``None``.
    """

    template_id: str
    subject_id: str
    vector: Float32Array | None
    sealed: bytes
    enrolled_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Header:
    """What holds for a whole gallery; written when it is made, and changed by ``rekey`` and ``reenrol`` alone.

    Attributes:
        format: Version of the layout.
        model: Name of the model whose embeddings it holds.
        fingerprint: Of that model's bundle; probes of any other are refused.
        dim: Dimension of the embeddings.
        salt: 32 hex digits that, with the key, make the secrets of this gallery and no other.
        key_check: Tells the right key from a wrong one without telling anything of it.
        created_at: When, in UTC.
    """

    format: int
    model: str
    fingerprint: str
    dim: int
    salt: str
    key_check: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the log of who did what: appended with the change it tells of, in one transaction.

    Attributes:
        number: From 1, without gaps.
        at: When, in UTC.
        actor: Who: a user's name, or the name of an API key.
        action: ``enrol``, ``remove``, ``identify``, ``verify``, ``rekey``, ``expire``, ``export``, ...
        subject: Keyed pseudonym of the subject, if the action is about one; no name stays behind when a subject goes.
        detail: Figures and counts as JSON; never a photo, an embedding or a score of a named subject.
        previous: ``digest`` of the entry before; 64 zeros for the first.
        digest: HMAC-SHA-256 under the gallery's key over all of the above.
    """

    number: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    detail: str
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """What an entry is to say; the store sets number and ``previous`` in its transaction and has it sealed.

    Attributes:
        actor: As in :class:`AuditEntry`.
        action: As in :class:`AuditEntry`.
        subject: As in :class:`AuditEntry`.
        detail: As in :class:`AuditEntry`.
    """

    actor: str
    action: str
    subject: str | None = None
    detail: str = "{}"


class Auditor(Protocol):
    """Makes an entry of a draft: knows the key, which a store does not."""

    def __call__(self, draft: AuditDraft, number: int, previous: str) -> AuditEntry:
        """The entry, dated now."""
        ...


@dataclass(frozen=True, slots=True)
class Changes:
    """Some of what happened to a store since a version; whoever keeps a copy asks again until nothing happened.

    Attributes:
        version: Up to which this tells everything; hand it to the next call.
        removed: ``template_id`` of records removed since; to be taken out of the copy before ``added`` goes in, as a
            record may be removed and added again.
        added: Records added since that are still there, in the order they were enrolled.
        anew: Whether the copy has to be emptied first: all records were put in place of others (``replace``) since, or
            the store is an older one than that was copied.
    """

    version: int
    removed: tuple[str, ...]
    added: tuple[Record, ...]
    anew: bool


class Store(Protocol):
    """Keeps records and the audit log. What has returned is durable: it survives a killed process and a power cut.

    Each change is one transaction with its audit entries: all of it is there or nothing. Several processes and threads
    may use one store at once. Whatever goes wrong on the way is a :class:`~twinlens.errors.GalleryError`.

    Whoever holds a store holds secrets that go with its header. So each change is refused if another process has put a
    new header in place since this object was made, lest a template be added under a key that is gone.
    """

    def header(self) -> Header:
        """What holds for the gallery."""
        ...

    def add(self, records: Sequence[Record], drafts: Sequence[AuditDraft], auditor: Auditor) -> None:
        """Add records, all or none. Refused, if ``template_id`` is taken."""
        ...

    def remove(self, template_ids: Sequence[str], drafts: Sequence[AuditDraft], auditor: Auditor) -> int:
        """Remove records; the number that were there. No byte of them stays that the store can reach.

        What it cannot reach, each store says of itself. If the last of it fails, an error or a warning in the log says
        so: the records are gone by then, and their bytes go with the next removal.
        """
        ...

    def replace(
        self, header: Header, records: Iterable[Record], drafts: Sequence[AuditDraft], auditor: Auditor, version: int
    ) -> None:
        """Put a new header and new records in place of all old ones, which are removed as by :meth:`remove`.

        Refused if the store's version is not ``version`` any more, which is that of what ``records`` were made of.
        They may be made one by one of what :meth:`records` of this store yields.
        """
        ...

    def log(self, drafts: Sequence[AuditDraft], auditor: Auditor) -> None:
        """Append to the log what changes no record, such as an identification."""
        ...

    def records(self, subject_id: str | None = None) -> Iterator[Record]:
        """All records, or those of one subject, in the order they were enrolled.

        Read in portions, and nobody is kept from writing in between; a ``replace`` meanwhile is an error.
        """
        ...

    def subjects(self) -> dict[str, int]:
        """How many templates each subject has."""
        ...

    def expired(self, now: datetime) -> tuple[Record, ...]:
        """The records whose time is over."""
        ...

    def version(self) -> int:
        """A number that grows with each change of records or header; 0 before the first."""
        ...

    def changes(self, since: int, most: int) -> Changes:
        """At most ``most`` of the things that happened since version ``since``, the earliest first; 0 is the start."""
        ...

    def audit(self, since: int = 0) -> Iterator[AuditEntry]:
        """The entries with a number above ``since``, in order."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


@runtime_checkable
class SearchingStore(Store, Protocol):
    """A store that finds near records by itself, so that nobody needs all of them in memory."""

    def lacking(self) -> int:
        """How many records it has no vector of, because an older version kept another one; the index misses them."""
        ...

    def nearest(self, vector: Float32Array, count: int) -> tuple[Record, ...]:
        """About the ``count`` records nearest to a rotated probe ``(dim,)``, by cosine; the index may miss some.

        What has expired is among them.
        """
        ...
