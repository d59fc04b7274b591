"""The tables of a gallery's SQLite file: what is done to them within a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Any

from twinlens.serving.gallery.contract import NOTHING_BEFORE, AuditDraft, AuditEntry, Auditor, Header, Record
from twinlens.serving.gallery.sqlite_file import PAGE

Row = tuple[Any, ...]

_LEAD = bytes(PAGE)
_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Types of the values of rows.
_STATE, _NAME, _NAMED, _COUNT, _NUMBER = (int, int), (str,), (int, str), (str, int), (int | None,)
_HEADER = (int, str, str, int, str, str, int)
_RECORD = (int, str, str, bytes, int, int | None)
_LINE = (int, int, str, str, str | None, str, str, str)
_ENTRY = "number, at, actor, action, subject, detail, previous, digest"


def state(connection: sqlite3.Connection) -> tuple[int, int]:
    """The number of the latest change, and of the one that last put all records in place of others."""
    version, rebuilt = _sound(connection.execute("SELECT version, rebuilt FROM gallery").fetchone(), _STATE)
    return version, rebuilt


def read_header(connection: sqlite3.Connection) -> Header:
    """What holds for the gallery."""
    rows = connection.execute("SELECT format, model, fingerprint, dim, salt, key_check, created_at FROM gallery")
    layout, model, fingerprint, dim, salt, key_check, created_at = _sound(rows.fetchone(), _HEADER)
    return Header(layout, model, fingerprint, dim, salt, key_check, moment(created_at))


def write_header(connection: sqlite3.Connection, header: Header, version: int, rebuilt: int) -> None:
    """Say what holds for the gallery from now on."""
    row = (header.format, header.model, header.fingerprint, header.dim, header.salt, header.key_check)
    connection.execute(
        "REPLACE INTO gallery VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, micros(header.created_at), version, rebuilt),
    )


def set_version(connection: sqlite3.Connection, version: int) -> None:
    """Say which change was the latest."""
    connection.execute("UPDATE gallery SET version = ?", (version,))


def read_records(connection: sqlite3.Connection, condition: str, values: Sequence[object]) -> dict[int, Record]:
    """The records that meet an SQL condition, which may end in an order and a limit, by the number of their change."""
    rows = connection.execute(
        "SELECT version, template_id, subject_id, substr(content, ?), enrolled_at, expires_at"  # noqa: S608
        f" FROM template JOIN sealed USING (version) WHERE {condition}",
        (PAGE + 1, *values),
    )
    return {
        version: Record(template_id, subject_id, None, sealed, moment(enrolled), None if end is None else moment(end))
        for version, template_id, subject_id, sealed, enrolled, end in (_sound(row, _RECORD) for row in rows)
    }


def insert(connection: sqlite3.Connection, records: Iterable[Record], version: int) -> int:
    """Add records with the numbers after ``version``; the last of them."""
    for record in records:
        version += 1
        end = None if record.expires_at is None else micros(record.expires_at)
        connection.execute(
            "INSERT INTO template VALUES (?, ?, ?, ?, ?)",
            (version, record.template_id, record.subject_id, micros(record.enrolled_at), end),
        )
        connection.execute("INSERT INTO sealed VALUES (?, ?)", (version, _LEAD + record.sealed))
    return version


def insert_beside(connection: sqlite3.Connection, records: Iterable[Record], version: int) -> int:
    """The same beside records with the same ``template_id``; only for a block in which the names are written anew."""
    connection.execute("DROP INDEX template_by_id")
    return insert(connection, records, version)


def find(connection: sqlite3.Connection, template_ids: Iterable[str]) -> dict[int, str]:
    """Those templates that are there, by the number of their change."""
    select = "SELECT version, template_id FROM template WHERE template_id = ?"
    rows = (row for name in template_ids for row in connection.execute(select, (name,)))
    return dict(_sound(row, _NAMED) for row in rows)


def delete(connection: sqlite3.Connection, templates: Mapping[int, str], version: int) -> int:
    """Remove what :func:`find` found, with the numbers after ``version``; the last of them."""
    for added, template_id in templates.items():
        version += 1
        connection.execute("INSERT INTO removal VALUES (?, ?)", (version, template_id))
        connection.execute("DELETE FROM sealed WHERE version = ?", (added,))
        connection.execute("DELETE FROM template WHERE version = ?", (added,))
    return version


def delete_until(connection: sqlite3.Connection, version: int) -> None:
    """Remove all that was there at ``version``, and what was removed before."""
    for table in ("template", "sealed", "removal"):
        connection.execute(f"DELETE FROM {table} WHERE version <= ?", (version,))  # noqa: S608


def read_removals(connection: sqlite3.Connection, since: int, until: int) -> tuple[str, ...]:
    """The templates that were removed after one change and until another, including it."""
    rows = connection.execute("SELECT template_id FROM removal WHERE version > ? AND version <= ?", (since, until))
    return tuple(_sound(row, _NAME)[0] for row in rows)


def count_subjects(connection: sqlite3.Connection) -> dict[str, int]:
    """How many templates each subject has."""
    rows = connection.execute("SELECT subject_id, count(*) FROM template GROUP BY 1 ORDER BY 1")
    return dict(_sound(row, _COUNT) for row in rows)


def nth_change(connection: sqlite3.Connection, since: int, count: int) -> int | None:
    """Number of the ``count``-th change after ``since``, or of the last if there are fewer."""
    select = " UNION ALL ".join(
        f"SELECT * FROM (SELECT version FROM {table} WHERE version > :since ORDER BY version LIMIT :count)"  # noqa: S608
        for table in ("template", "removal")
    )
    rows = connection.execute(
        f"SELECT max(version) FROM (SELECT version FROM ({select}) ORDER BY version LIMIT :count)",  # noqa: S608
        {"since": since, "count": count},
    )
    last: int | None = _sound(rows.fetchone(), _NUMBER)[0]
    return last


@contextmanager
def written_anew(connection: sqlite3.Connection) -> Iterator[None]:
    """Write the table of names, as the block leaves it, into fresh pages, with its indexes; overwrite the old pages."""
    (table, *indexes) = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'template' ORDER BY type = 'index'"
    ).fetchall()
    yield
    for name, _ in indexes:
        connection.execute(f"DROP INDEX IF EXISTS {name}")
    connection.execute("ALTER TABLE template RENAME TO leaving")
    connection.execute(table[1])
    connection.execute("INSERT INTO template SELECT * FROM leaving ORDER BY version")
    connection.execute("DROP TABLE leaving")
    for _, sql in indexes:
        connection.execute(sql)


def append(connection: sqlite3.Connection, drafts: Iterable[AuditDraft], auditor: Auditor) -> None:
    """Put entries at the end of the log."""
    last = connection.execute("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    number, previous = _sound(last or (0, NOTHING_BEFORE), _NAMED)
    for draft in drafts:
        entry = auditor(draft, number + 1, previous)
        connection.execute(
            f"INSERT INTO audit ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (entry.number, micros(entry.at), *_texts(entry)),
        )
        number, previous = entry.number, entry.digest


def read_entries(connection: sqlite3.Connection, since: int, most: int) -> tuple[AuditEntry, ...]:
    """At most ``most`` entries of the log with a number above ``since``."""
    rows = connection.execute(
        f"SELECT {_ENTRY} FROM audit WHERE number > ? ORDER BY number LIMIT ?",  # noqa: S608
        (since, most),
    )
    return tuple(AuditEntry(number, moment(at), *texts) for number, at, *texts in (_sound(row, _LINE) for row in rows))


def _sound(row: Row | None, kinds: Sequence[type | UnionType]) -> Row:
    """A row whose values are of these types; in a damaged file they may be of any."""
    if row is None or not all(map(isinstance, row, kinds)):
        raise sqlite3.DatabaseError("a row is damaged")
    return row


def _texts(entry: AuditEntry) -> tuple[str | None, ...]:
    return entry.actor, entry.action, entry.subject, entry.detail, entry.previous, entry.digest


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _START) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The other way round, in UTC."""
    try:
        return _START + micros * _MICROSECOND
    except (OverflowError, TypeError) as error:
        raise sqlite3.DatabaseError(f"{micros!r} is no moment") from error
