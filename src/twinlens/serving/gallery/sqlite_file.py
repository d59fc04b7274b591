"""One SQLite file that several threads and processes change at once, and that loses nothing.

The journal is a write-ahead log with ``synchronous=FULL``: a commit returns once the log is on the disk, so it survives
a killed process and a power cut, and costs one flush instead of the four of a rollback journal. The price is a file
``-wal`` beside the gallery while somebody has it open; the last one to leave puts it back, and so does whoever opens
the gallery after everybody was killed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from twinlens.errors import GalleryError
from twinlens.files import plain_disk_errors
from twinlens.serving.gallery.migrations import migrations

# Bytes. At this size a row has 1 KiB in the tree at most, and few pages are half empty.
PAGE = 1024
# "TWLN": by this SQLite files tell what they are.
_APPLICATION = 0x54574C4E
# Seconds that one waits for another to finish writing.
_PATIENCE = 60.0
# Seconds between two attempts.
_PAUSE = 0.005
_RESTORE = "Put a backup in its place."
_SENTENCES = {
    sqlite3.SQLITE_NOTADB: ("is no gallery.", "Give the path of a gallery's file."),
    sqlite3.SQLITE_CORRUPT: ("is damaged.", _RESTORE),
    sqlite3.SQLITE_BUSY: ("is busy: another process keeps writing.", "Try again."),
    sqlite3.SQLITE_READONLY: ("cannot be written.", "Make the file and its folder writable."),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened.", "See that the file is there and may be read and written."),
    sqlite3.SQLITE_CONSTRAINT: ("would have two templates of one template_id.", "Draw another one."),
    sqlite3.SQLITE_FULL: ("cannot grow: no space left.", "Free some space and try again."),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: the disk reports an error.", "See to the disk."),
}


class SqliteFile:
    """A gallery's file, with one connection that the threads of a process take turns at.

    After a fork, the child opens the file anew.

    Args:
        path: The file.

    Raises:
        GalleryError: It is missing, no gallery, damaged, or was written by a newer version.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise GalleryError(f"{path} is a folder.", "Give the path of a gallery's file.")
        if not path.is_file():
            raise GalleryError(f"There is no gallery at {path}.", "Enrol somebody to begin one, or give another path.")
        self.path = path
        self._turn = RLock()
        with plain_errors(path):
            self._connection = _connected(path)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file as it is now, whoever writes meanwhile; within :meth:`writing`, as it is about to be."""
        with self._turn, plain_errors(self.path):
            if self._connection.in_transaction:  # this thread's own, as it has the turn
                yield self._connection
                return
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on the disk when the block ends well and undone if not."""
        with self._turn, plain_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def empty_log(self, *, wait: bool) -> None:
        """Put what is in the write-ahead log in its place, and leave no byte in the log.

        Raises:
            GalleryError: Somebody else keeps reading, and ``wait`` is set.
        """
        deadline = time.monotonic() + (_PATIENCE if wait else 0)
        while not self._emptied():
            if time.monotonic() < deadline:
                time.sleep(_PAUSE)
            elif wait:
                raise GalleryError(
                    f"What was removed is still in {self.path}-wal, which another process keeps reading.",
                    "It goes with the next removal, or when the gallery is next opened, once that has ended.",
                )
            else:
                return

    def close(self) -> None:
        """Let go of the file."""
        with self._turn, plain_errors(self.path):
            self._connection.close()

    def _emptied(self) -> bool:
        """Whether the log could be emptied just now.

        SQLite would wait for those who read, but not for another who empties the log; so the caller waits for both.
        """
        with self._turn, plain_errors(self.path):
            self._connection.execute("PRAGMA busy_timeout = 0")
            try:
                (busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000:.0f}")
        return not busy

    def _prepare(self) -> None:
        ((application,),) = self._connection.execute("PRAGMA application_id")
        if application != _APPLICATION:
            raise GalleryError(f"{self.path} is no gallery.", "Give the path of a gallery's file.")
        self._connection.execute("PRAGMA journal_mode = WAL")
        scripts = migrations("sqlite")
        if _layout(self._connection) != len(scripts):
            with self.writing() as connection:
                _migrate(connection, self.path)
        self.empty_log(wait=False)


def is_there(path: Path) -> bool:
    """Whether there is a gallery's file, or something else in its place; not what is left of one never finished."""
    return path.exists() and (not path.is_file() or path.stat().st_size > 0)


@contextmanager
def made(path: Path) -> Iterator[sqlite3.Connection]:
    """The tables of a new gallery, to be filled; they are there when the block ends well, and only then.

    Raises:
        GalleryError: Something lies there already.
    """
    with plain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # What is biometric concerns its owner alone, and SQLite gives its other files the mode of this one.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size == 0:
                os.fchmod(handle, 0o600)  # also if somebody has put an empty file there
        finally:
            os.close(handle)
    with plain_errors(path):
        connection = _connected(path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
                raise GalleryError(f"There is something at {path} already.", "Choose another path.")
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            _migrate(connection, path)
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()  # which undoes what was not committed


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Say in a sentence what SQLite found.

    Raises:
        GalleryError: The file cannot be used.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        raise GalleryError(f"{path} cannot keep {error.object!r}, which is no text.", "Choose another name.") from error
    except UnicodeDecodeError as error:  # in what SQLite says of a damaged file
        raise GalleryError(f"{path} is damaged.", _RESTORE) from error
    except sqlite3.Error as error:
        # The lower byte is the kind; the others say where in SQLite it was met. What has no code was met by Python.
        kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        sentence, remedy = _SENTENCES.get(kind, (f"cannot be used: {error}.", _RESTORE))
        raise GalleryError(f"{path} {sentence}", remedy) from error


def _connected(path: Path) -> sqlite3.Connection:
    """A connection to a file that exists; threads may pass it on, and it begins no transaction of itself."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, _PATIENCE, isolation_level=None, check_same_thread=False, uri=True)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")  # no name is to lie about in a folder of temporary files
        connection.execute("PRAGMA cache_size = -32768")  # kibibytes
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _layout(connection: sqlite3.Connection) -> int:
    ((version,),) = connection.execute("PRAGMA user_version")
    return int(version)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to the present layout, within a transaction; another process may have done it meanwhile."""
    scripts, version = migrations("sqlite"), _layout(connection)
    if version > len(scripts):
        raise GalleryError(f"{path} was written by a newer version of twinlens.", "Upgrade twinlens.")
    for script in scripts[version:]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(scripts)}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one, as running it at once would commit first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
