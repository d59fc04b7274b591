"""A gallery's store together with its key: everything that needs no model.

All changes go through one lock, because what is written has to be sealed under the secrets that are in force at that
moment, and ``rekey`` changes these.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from queue import SimpleQueue
from threading import RLock
from types import MappingProxyType
from typing import TypeVar

from twinlens.errors import GalleryError
from twinlens.serving.gallery.contract import AuditDraft, Changes, Store
from twinlens.serving.gallery.keys import Key
from twinlens.serving.gallery.opened import Opened
from twinlens.serving.gallery.subject import unknown
from twinlens.serving.gallery.template import Template, open_template

Read = TypeVar("Read")

# Changes that are read at a time.
_PORTION = 4096
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(slots=True)
class _Event:
    """What the log is to say, and whether it has been written."""

    actor: str
    action: str
    subject_id: str | None
    detail: Mapping[str, object]
    is_written: bool = False
    error: Exception | None = None


class _InForce:
    """The secrets that are in force, who may change them, and what waits to be logged under them."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.lock = RLock()
        self.waiting: SimpleQueue[_Event] = SimpleQueue()


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

    def draft(self, action: str, subject_id: str | None = None, detail: Mapping[str, object] = _NOTHING) -> AuditDraft:
        """What an entry of the log is to say; only within :meth:`writing`."""
        return self._draft(_Event(self.actor, action, subject_id, detail))

    def log(self, action: str, subject_id: str | None = None, detail: Mapping[str, object] = _NOTHING) -> None:
        """Put in the log what changes nothing; threads that do so at the same time share one transaction."""
        event = _Event(self.actor, action, subject_id, detail)
        self._in_force.waiting.put(event)
        with self.writing():
            if not event.is_written and event.error is None:
                self._log_waiting()
        if event.error is not None:
            raise event.error

    def _log_waiting(self) -> None:
        events = []
        while not self._in_force.waiting.empty():  # nobody else takes any, as that needs the lock
            events.append(self._in_force.waiting.get())
        try:
            self.store.log([self._draft(event) for event in events], self.opened.auditor)
        except Exception as error:
            for event in events:
                event.error = error
        except BaseException:  # this thread was interrupted, and the others were not
            for event in events:
                self._in_force.waiting.put(event)
            raise
        else:
            for event in events:
                event.is_written = True

    def _draft(self, event: _Event) -> AuditDraft:
        subject = None if event.subject_id is None else self.opened.auditor.pseudonym(event.subject_id)
        return AuditDraft(event.actor, event.action, subject, json.dumps(dict(event.detail)))

    def changes(self, since: int) -> Iterator[tuple[Opened, Changes]]:
        """What happened since version ``since``, in portions, each with the secrets that open it.

        Raises:
            GalleryError: Somebody else has given the gallery another key or model.
        """
        while True:
            opened, changes = self.settled(partial(self._portion, since))
            if changes.version == since:
                return
            yield opened, changes
            since = changes.version

    def templates(self, subject_id: str | None = None) -> Iterator[Template]:
        """All templates, or those of one subject, in the order they were enrolled; best within :meth:`writing`.

        Raises:
            GalleryError: One of them was changed from outside.
        """
        opened = self.opened
        return (open_template(record, opened.seal) for record in self.store.records(subject_id))

    def live(self, subject_id: str) -> tuple[Opened, list[Template]]:
        """The templates of a subject that have not expired, and the secrets under which they are.

        Raises:
            GalleryError: One of them was changed from outside.
        """
        now = datetime.now(UTC)
        opened, templates = self.settled(lambda: (self.opened, list(self.templates(subject_id))))
        return opened, [template for template in templates if not template.is_expired(now)]

    def refuse_replaced(self) -> None:
        """Refuse to go on under secrets that are gone.

        Raises:
            GalleryError: Somebody else has given the gallery another key or model.
        """
        self.settled(lambda: self._refuse_other_header(self.opened))

    def _portion(self, since: int) -> tuple[Opened, Changes]:
        opened, changes = self.opened, self.store.changes(since, _PORTION)
        if since == 0 or changes.anew:
            self._refuse_other_header(opened)
        return opened, changes

    def _refuse_other_header(self, opened: Opened) -> None:
        if self.store.header() != opened.header:
            raise GalleryError(
                f"The gallery {self.name} was given another key or model meanwhile.", "Open it again, with these."
            )

    def settled(self, read: Callable[[], Read]) -> Read:
        """What is read without waiting for those who write; if they get in the way, after them."""
        try:
            return read()
        except GalleryError:
            with self.writing():
                return read()

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
