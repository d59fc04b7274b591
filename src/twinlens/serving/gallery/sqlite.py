"""A gallery in one file: SQLite, from the standard library.

Removing leaves nothing behind. ``secure_delete`` overwrites what is deleted; but where SQLite has moved a row from one
page of a table to another before, a copy may stay behind in the first page, in the gap between its rows. So the small
table of names is written anew at each removal, and what is sealed lies behind a page of zeros: at most a page of a row
is in the part of the table that moves, and the rest in pages of its own, which do not (see "B-tree Cell Format" in
SQLite's description of its file format). Last, the write-ahead log is emptied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from twinlens.errors import GalleryError
from twinlens.serving.gallery import sqlite_tables as tables
from twinlens.serving.gallery.contract import AuditDraft, AuditEntry, Auditor, Changes, Header, Record
from twinlens.serving.gallery.sqlite_file import SqliteFile, made

# Records, or entries of the log, that are in memory at a time.
_PORTION = 256


class SqliteStore:
    """Keeps records and the log in one SQLite file; a :class:`~twinlens.serving.gallery.contract.Store`.

    Args:
        file: The file, opened.
    """

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        with file.reading() as connection:
            self._rebuilt = tables.state(connection)[1]

    @classmethod
    def create(cls, path: Path, header: Header) -> SqliteStore:
        """Make a gallery with nobody in it; whole or not at all.

        Raises:
            GalleryError: Something lies there already, or nothing can be written there.
        """
        with made(path) as connection:
            tables.write_header(connection, header, 0, 0)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> SqliteStore:
        """Open a gallery, and bring it to the present layout if an older version wrote it.

        Raises:
            GalleryError: It is missing, no gallery, damaged, or was written by a newer version.
        """
        return cls(SqliteFile(path))

    def header(self) -> Header:
        """What holds for the gallery."""
        with self._file.reading() as connection:
            return tables.read_header(connection)

    def add(self, records: Sequence[Record], drafts: Sequence[AuditDraft], auditor: Auditor) -> None:
        """Add records, all or none. Refused, if ``template_id`` is taken."""
        with self._changing(drafts, auditor) as connection:
            version, _ = tables.state(connection)
            tables.set_version(connection, tables.insert(connection, records, version))

    def remove(self, template_ids: Sequence[str], drafts: Sequence[AuditDraft], auditor: Auditor) -> int:
        """Remove records so that no byte of them stays in any file; the number that were there.

        Takes longer the more templates there are, as the table of names is written anew.
        """
        with self._changing(drafts, auditor) as connection:
            version, _ = tables.state(connection)
            there = tables.find(connection, template_ids)
            if there:
                with tables.written_anew(connection):
                    tables.set_version(connection, tables.delete(connection, there, version))
        self._file.empty_log(wait=True)
        return len(there)

    def replace(
        self, header: Header, records: Iterable[Record], drafts: Sequence[AuditDraft], auditor: Auditor, version: int
    ) -> None:
        """Put a new header and new records in place of all old ones; no byte of these stays in any file.

        Refused if the store's version is not ``version`` any more, which is that of what ``records`` were made of.
        They may be made one by one of what :meth:`records` of this store yields.
        """
        rebuilt = version + 1
        with self._changing(drafts, auditor) as connection:
            if tables.state(connection)[0] != version:
                raise GalleryError(f"The gallery {self._file.path} changed meanwhile.", "Try again.")
            with tables.written_anew(connection):
                last = tables.insert_beside(connection, records, rebuilt)
                tables.delete_until(connection, version)
            tables.write_header(connection, header, last, rebuilt)
        self._rebuilt = rebuilt
        self._file.empty_log(wait=True)

    def log(self, drafts: Sequence[AuditDraft], auditor: Auditor) -> None:
        """Append to the log what changes no record, such as an identification."""
        with self._changing(drafts, auditor):
            pass

    def records(self, subject_id: str | None = None) -> Iterator[Record]:
        """All records that are there as it begins, or those of one subject, in the order they were enrolled.

        Read in portions, and nobody is kept from writing in between; a ``replace`` meanwhile is an error.
        """
        with self._file.reading() as connection:
            last, rebuilt = tables.state(connection)
        whose, values = ("", ()) if subject_id is None else (" AND subject_id = ?", (subject_id,))
        condition = f"version BETWEEN ? AND ?{whose} ORDER BY version LIMIT {_PORTION}"
        first = 1
        while True:
            with self._file.reading() as connection:
                if tables.state(connection)[1] != rebuilt:
                    raise GalleryError(f"All templates of {self._file.path} were replaced meanwhile.", "Try again.")
                portion = tables.read_records(connection, condition, (first, last, *values))
            yield from portion.values()
            if len(portion) < _PORTION:
                return
            first = max(portion) + 1

    def subjects(self) -> dict[str, int]:
        """How many templates each subject has."""
        with self._file.reading() as connection:
            return tables.count_subjects(connection)

    def expired(self, now: datetime) -> tuple[Record, ...]:
        """The records whose time is over."""
        with self._file.reading() as connection:
            condition = "expires_at <= ? ORDER BY version"
            return tuple(tables.read_records(connection, condition, (tables.micros(now),)).values())

    def version(self) -> int:
        """A number that grows with each change of records or header; 0 before the first."""
        with self._file.reading() as connection:
            return tables.state(connection)[0]

    def changes(self, since: int, most: int) -> Changes:
        """At most ``most`` of the things that happened since version ``since``, the earliest first; 0 is the start."""
        with self._file.reading() as connection:
            version, rebuilt = tables.state(connection)
            anew = not rebuilt <= since <= version
            start = 0 if anew else since
            end = tables.nth_change(connection, start, most) or version
            removed = tables.read_removals(connection, start, end)
            added = tables.read_records(connection, "version > ? AND version <= ? ORDER BY version", (start, end))
        return Changes(end, removed, tuple(added.values()), anew)

    def audit(self, since: int = 0) -> Iterator[AuditEntry]:
        """The entries with a number above ``since``, in order."""
        while True:
            with self._file.reading() as connection:
                portion = tables.read_entries(connection, since, _PORTION)
            yield from portion
            if len(portion) < _PORTION:
                return
            since = portion[-1].number

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @contextmanager
    def _changing(self, drafts: Sequence[AuditDraft], auditor: Auditor) -> Iterator[sqlite3.Connection]:
        """One transaction that ends with entries in the log."""
        with self._file.writing() as connection:
            if tables.state(connection)[1] != self._rebuilt:
                raise GalleryError(
                    f"The gallery {self._file.path} was given another key or model meanwhile.",
                    "Open it again, with these.",
                )
            yield connection
            tables.append(connection, drafts, auditor)
