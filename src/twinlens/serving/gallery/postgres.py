"""A gallery on a PostgreSQL server with pgvector, for many machines at once.

One gallery is one schema. Changes wait for each other at the row that holds the header, because each is numbered and
the log is a chain. What is searched, the directions of rotated embeddings, lies open on the server; the rest is sealed.

Removing deletes, so that no query and no dump finds what was removed; then it vacuums, and writes the table of names
anew into another file. That needs the table for itself. While somebody holds it for long, as ``pg_dump`` does, it is
left to the next removal, and a warning is logged. What the server keeps to itself is out of reach from here: freed
parts of a page hold encrypted and rotated bytes until something else is written there, and its write-ahead log and base
backups remember until they are recycled. ``rekey`` puts everything into new files, under another key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from twinlens.errors import GalleryError
from twinlens.serving.gallery import postgres_tables as tables
from twinlens.serving.gallery.contract import AuditDraft, AuditEntry, Auditor, Changes, Header, Record
from twinlens.serving.gallery.postgres_address import PostgresAddress
from twinlens.serving.gallery.postgres_server import PostgresServer, connected, is_there, made
from twinlens.serving.gallery.postgres_tables import Session
from twinlens.types import Float32Array

Result = TypeVar("Result")

# Records, or entries of the log, that are in memory at a time.
_PORTION = 256


class PostgresStore:
    """Keeps records and the log in a schema; a :class:`~twinlens.serving.gallery.contract.SearchingStore`.

    Args:
        server: Connected.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._rebuilt = server.read(tables.state)[1]

    @classmethod
    def create(cls, address: str, header: Header) -> PostgresStore:
        """Make a gallery with nobody in it; whole or not at all.

        Args:
            address: ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``; ``?schema=NAME`` for another than ``twinlens``.
            header: What holds for it.

        Raises:
            GalleryError: There is one already, or the server cannot be reached, refuses, or has no pgvector.
        """
        with made(PostgresAddress.parse(address)) as session:
            tables.write_header(session, header, 0, 0)
            tables.create_index(session, header.dim)
        return cls.open(address)

    @classmethod
    def open(cls, address: str) -> PostgresStore:
        """Open a gallery, and bring it to the present layout if an older version made it.

        Raises:
            GalleryError: The server cannot be reached or refuses, there is no gallery, or a newer version made it.
        """
        return cls(PostgresServer(PostgresAddress.parse(address)))

    @staticmethod
    def exists(address: str) -> bool:
        """Whether there is a gallery at an address.

        Raises:
            GalleryError: The server cannot be reached or refuses.
        """
        parsed = PostgresAddress.parse(address)
        with connected(parsed) as session:
            return is_there(session, parsed)

    def header(self) -> Header:
        """What holds for the gallery."""
        return self._server.read(tables.read_header)

    def add(self, records: Sequence[Record], drafts: Sequence[AuditDraft], auditor: Auditor) -> None:
        """Add records, all or none. Refused, if ``template_id`` is taken."""

        def work(session: Session) -> None:
            version, _ = self._locked(session)
            tables.set_version(session, tables.insert(session, records, version))
            tables.append(session, drafts, auditor)

        self._server.write(work)

    def remove(self, template_ids: Sequence[str], drafts: Sequence[AuditDraft], auditor: Auditor) -> int:
        """Remove records; the number that were there. Where freed space cannot be given back yet, a warning is logged.

        Takes longer the more templates there are, as the table of names is written anew.
        """

        def work(session: Session) -> int:
            before, _ = self._locked(session)
            after = tables.delete(session, template_ids, before)
            tables.set_version(session, after)
            tables.append(session, drafts, auditor)
            return after - before

        removed = self._server.write(work)
        self._server.vacuum()
        return removed

    def replace(
        self, header: Header, records: Iterable[Record], drafts: Sequence[AuditDraft], auditor: Auditor, version: int
    ) -> None:
        """Put a new header and new records in place of all old ones, in other files.

        Refused if the store's version is not ``version`` any more, which is that of what ``records`` were made of.
        They may be made one by one of what :meth:`records` of this store yields.
        """
        rebuilt = version + 1

        def work(session: Session) -> None:
            if self._locked(session)[0] != version:
                raise GalleryError(f"The gallery {self._server.address.shown} changed meanwhile.", "Try again.")
            last = tables.replace_all(session, records, rebuilt, header.dim)
            tables.write_header(session, header, last, rebuilt)
            tables.append(session, drafts, auditor)

        self._server.write(work, again=False)
        self._rebuilt = rebuilt

    def log(self, drafts: Sequence[AuditDraft], auditor: Auditor) -> None:
        """Append to the log what changes no record, such as an identification."""

        def work(session: Session) -> None:
            self._locked(session)
            tables.append(session, drafts, auditor)

        self._server.write(work)

    def records(self, subject_id: str | None = None) -> Iterator[Record]:
        """All records that are there as it begins, or those of one subject, in the order they were enrolled.

        Read in portions, and nobody is kept from writing in between; a ``replace`` meanwhile is an error.
        """
        last, rebuilt = self._server.read(tables.state)
        whose, values = ("", ()) if subject_id is None else (" AND subject_id = %s", (subject_id,))
        condition = f"version BETWEEN %s AND %s{whose} ORDER BY version LIMIT {_PORTION}"

        def work(session: Session) -> dict[int, Record]:
            if tables.state(session)[1] != rebuilt:
                shown = self._server.address.shown
                raise GalleryError(f"All templates of {shown} were replaced meanwhile.", "Try again.")
            return tables.read_records(session, condition, (first, last, *values))

        first = 1
        while portion := self._server.read(work):
            yield from portion.values()
            first = max(portion) + 1

    def subjects(self) -> dict[str, int]:
        """How many templates each subject has."""
        select = "SELECT subject_id, count(*) FROM template GROUP BY 1 ORDER BY 1"
        return dict(self._server.read(lambda session: session.execute(select).fetchall()))

    def expired(self, now: datetime) -> tuple[Record, ...]:
        """The records whose time is over."""
        condition = "expires_at <= %s ORDER BY version"
        return tuple(self._server.read(lambda session: tables.read_records(session, condition, (now,))).values())

    def version(self) -> int:
        """A number that grows with each change of records or header; 0 before the first."""
        return self._server.read(tables.state)[0]

    def changes(self, since: int, most: int) -> Changes:
        """At most ``most`` of the things that happened since version ``since``, the earliest first; 0 is the start."""

        def work(session: Session) -> Changes:
            version, rebuilt = tables.state(session)
            anew = not rebuilt <= since <= version
            start = 0 if anew else since
            end = tables.nth_change(session, start, most) or version
            added = tables.read_records(session, "version > %s AND version <= %s ORDER BY version", (start, end))
            return Changes(end, tables.read_removals(session, start, end), tuple(added.values()), anew)

        return self._server.read(work)

    def audit(self, since: int = 0) -> Iterator[AuditEntry]:
        """The entries with a number above ``since``, in order."""

        def work(session: Session) -> tuple[AuditEntry, ...]:
            return tables.read_entries(session, since, _PORTION)

        while portion := self._server.read(work):
            yield from portion
            since = portion[-1].number

    def lacking(self) -> int:
        """How many records it has no vector of, because an older version kept another one; the index misses them."""
        return self._server.read(tables.count_lacking)

    def nearest(self, vector: Float32Array, count: int) -> tuple[Record, ...]:
        """About the ``count`` records nearest to a rotated probe ``(dim,)``, by cosine; the index may miss some.

        What has expired is among them.
        """
        return self._server.read(lambda session: tables.read_nearest(session, vector, count))

    def close(self) -> None:
        """Let go of the connections."""
        self._server.close()

    def _locked(self, session: Session) -> tuple[int, int]:
        """The state of the gallery, which nobody else changes until the transaction ends."""
        version, rebuilt = tables.state(session, lock=True)
        if rebuilt != self._rebuilt:
            raise GalleryError(
                f"The gallery {self._server.address.shown} was given another key or model meanwhile.",
                "Open it again, with these.",
            )
        return version, rebuilt
