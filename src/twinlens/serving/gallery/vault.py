"""A gallery's store together with its key: everything that needs no model.

All changes go through one lock, because what is written has to be sealed under the secrets that are in force at that
moment, and ``rekey`` changes these.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import RLock

from twinlens.errors import GalleryError
from twinlens.serving.gallery.audit import ChainAuditor
from twinlens.serving.gallery.contract import AuditDraft, Changes, Header, Store
from twinlens.serving.gallery.keys import Key
from twinlens.serving.gallery.sealing import Seal, Secrets, derive_secrets, is_right
from twinlens.serving.gallery.subject import unknown
from twinlens.serving.gallery.template import Template, open_template

FORMAT = 1
# Changes that are read at a time.
_PORTION = 4096


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Opened:
    """A header with the secrets that go with it.

    Attributes:
        header: What holds for the gallery.
        secrets: Derived from key and salt.
        seal: Seals templates.
        auditor: Makes entries of the log.
    """

    header: Header
    secrets: Secrets
    seal: Seal
    auditor: ChainAuditor

    @classmethod
    def of(cls, header: Header, key: Key, name: str) -> Opened:
        """Open a header.

        Raises:
            GalleryError: The key is not that of the gallery, or the gallery is of a newer format.
        """
        if header.format != FORMAT:
            raise GalleryError(
                f"The gallery {name} has format {header.format}, and this version knows format {FORMAT}.",
                "Use a newer version of twinlens.",
            )
        secrets = derive_secrets(key, header.salt)
        if not is_right(secrets, header.key_check):
            raise GalleryError(
                f"The key does not fit the gallery {name}.",
                "Give the key it was made with, or was given last by rekey: in $TWINLENS_GALLERY_KEY, in the file that "
                "$TWINLENS_GALLERY_KEY_FILE names, or with --key-file.",
            )
        return cls(header, secrets, Seal(secrets.sealing), ChainAuditor(secrets.audit))


class _InForce:
    """The secrets that are in force, and who may change them."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.lock = RLock()


class Vault:
    """Opens what a store keeps; several threads may share it.

    Args:
        store: Keeps the records.
        in_force: Shared by all who act on the same store.
        name: What errors call the gallery.
        actor: Who is to be named in the log.

    Attributes:
        store: As given.
        name: As given.
        actor: As given.
    """

    def __init__(self, store: Store, in_force: _InForce, name: str, actor: str) -> None:
        self.store = store
        self.name = name
        self.actor = actor
        self._in_force = in_force

    @classmethod
    def open(cls, store: Store, key: Key, name: str, actor: str) -> Vault:
        """Open a store.

        Raises:
            GalleryError: The key does not fit.
        """
        return cls(store, _InForce(Opened.of(store.header(), key, name)), name, actor)

    def acting(self, actor: str) -> Vault:
        """The same, for another one to be named in the log."""
        return Vault(self.store, self._in_force, self.name, actor)

    @property
    def opened(self) -> Opened:
        """The secrets that are in force now."""
        return self._in_force.opened

    @contextmanager
    def writing(self) -> Iterator[Opened]:
        """The secrets that stay in force until the block ends."""
        with self._in_force.lock:
            yield self.opened

    def replace(self, opened: Opened) -> None:
        """Take new secrets for those in force; only within :meth:`writing`, after the store was given them."""
        self._in_force.opened = opened

    def draft(
        self, action: str, subject_id: str | None = None, detail: Mapping[str, object] | None = None
    ) -> AuditDraft:
        """What an entry of the log is to say; only within :meth:`writing`."""
        pseudonym = None if subject_id is None else self.opened.auditor.pseudonym(subject_id)
        return AuditDraft(self.actor, action, pseudonym, json.dumps(detail or {}))

    def log(self, action: str, subject_id: str | None = None, detail: Mapping[str, object] | None = None) -> None:
        """Put in the log what changes nothing."""
        with self.writing() as opened:
            self.store.log([self.draft(action, subject_id, detail)], opened.auditor)

    def changes(self, since: int) -> Iterator[tuple[Opened, Changes]]:
        """What happened since version ``since``, in portions, each with the secrets that open it.

        Raises:
            GalleryError: Somebody else has given the gallery another key or model.
        """
        while True:
            with self.writing() as opened:
                changes = self.store.changes(since, _PORTION)
                if since == 0 or changes.anew:
                    self.refuse_replaced()
            if changes.version == since:
                return
            yield opened, changes
            since = changes.version

    def refuse_replaced(self) -> None:
        """Refuse to go on under secrets that are gone.

        Raises:
            GalleryError: Somebody else has given the gallery another key or model.
        """
        if self.store.header() != self.opened.header:
            raise GalleryError(
                f"The gallery {self.name} was given another key or model meanwhile.", "Open it again, with these."
            )

    def templates(self, subject_id: str | None = None) -> Iterator[Template]:
        """All templates, or those of one subject, in the order they were enrolled.

        Raises:
            GalleryError: One of them was changed from outside.
        """
        opened = self.opened
        return (open_template(record, opened.seal) for record in self.store.records(subject_id))

    def remove(self, subject_id: str) -> int:
        """Remove a subject with all its templates; how many these were.

        Raises:
            UnknownSubjectError: There is no such subject.
        """
        with self.writing() as opened:
            ids = [record.template_id for record in self.store.records(subject_id)]
            if not ids:
                raise unknown(subject_id)
            return self.store.remove(ids, [self.draft("remove", subject_id, {"templates": ids})], opened.auditor)

    def expire(self, now: datetime) -> int:
        """Remove the templates whose time is over; how many these were."""
        with self.writing() as opened:
            subjects: dict[str, list[str]] = {}
            for record in self.store.expired(now):
                subjects.setdefault(record.subject_id, []).append(record.template_id)
            if not subjects:
                return 0
            drafts = [self.draft("expire", subject, {"templates": ids}) for subject, ids in subjects.items()]
            every = [template_id for ids in subjects.values() for template_id in ids]
            return self.store.remove(every, drafts, opened.auditor)
