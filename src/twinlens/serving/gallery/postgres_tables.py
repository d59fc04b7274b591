"""The tables of a gallery's PostgreSQL schema: what is done to them within a transaction.

The schema is first on the search path of each connection, so no name is qualified.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any

from pgvector import Vector
from psycopg import Connection

from twinlens.serving.gallery.contract import NOTHING_BEFORE, AuditDraft, AuditEntry, Auditor, Header, Record
from twinlens.types import Float32Array

# Up to this dimension the index holds float32, up to the next float16; beyond there is none, and a search reads all.
_SINGLE, _HALF = 2000, 4000
# Links of each template in the index, candidates for them, and candidates of a search, of which no more are allowed.
# Whom one looks for may be an unusual face that few others link to: with 16, 64 and 200, one of six best matches among
# 100,000 is not found (benchmarks/gallery_search.py).
_LINKS, _BUILD_LOOK, _LOOK = 24, 128, 1000
# Types of a record's values, in their order.
_TYPES = {
    "version": "bigint",
    "template_id": "text",
    "subject_id": "text",
    "enrolled_at": "timestamptz",
    "expires_at": "timestamptz",
    "content": "bytea",
    "vector": "vector",
}

_COLUMNS = "version, template_id, subject_id, vector, content, enrolled_at, expires_at"

Row = tuple[Any, ...]
Session = Connection[Row]


def state(session: Session, *, lock: bool = False) -> tuple[int, int]:
    """The number of the latest change, and of the one that last put all records in place of others.

    Args:
        session: Within a transaction.
        lock: Keep everybody else from changing anything until the transaction ends.
    """
    select = "SELECT version, rebuilt FROM gallery"
    ((version, rebuilt),) = session.execute(f"{select} FOR UPDATE" if lock else select)
    return version, rebuilt


def read_header(session: Session) -> Header:
    """What holds for the gallery."""
    (row,) = session.execute("SELECT format, model, fingerprint, dim, salt, key_check, created_at FROM gallery")
    return Header(*row)


def write_header(session: Session, header: Header, version: int, rebuilt: int) -> None:
    """Say what holds for the gallery from now on."""
    session.execute(
        "INSERT INTO gallery (format, model, fingerprint, dim, salt, key_check, created_at, version, rebuilt)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (one) DO UPDATE SET (format, model, fingerprint,"
        " dim, salt, key_check, created_at, version, rebuilt) = (SELECT excluded.format, excluded.model,"
        " excluded.fingerprint, excluded.dim, excluded.salt, excluded.key_check, excluded.created_at,"
        " excluded.version, excluded.rebuilt)",
        (*astuple(header), version, rebuilt),
    )


def set_version(session: Session, version: int) -> None:
    """Say which change was the latest."""
    session.execute("UPDATE gallery SET version = %s", (version,))


def read_records(session: Session, condition: str, values: Sequence[object]) -> dict[int, Record]:
    """The records that meet an SQL condition, which may end in an order and a limit, by the number of their change."""
    rows = session.execute(
        f"SELECT {_COLUMNS} FROM template JOIN sealed USING (version) LEFT JOIN rotated USING (version)"  # noqa: S608
        f" WHERE {condition}",
        values,
        binary=True,
    )
    return {version: _record(*columns) for version, *columns in rows}


def count_lacking(session: Session) -> int:
    """How many records have no vector."""
    without = "SELECT FROM rotated WHERE rotated.version = template.version"
    ((count,),) = session.execute(f"SELECT count(*) FROM template WHERE NOT EXISTS ({without})")  # noqa: S608
    return int(count)


def insert(session: Session, records: Iterable[Record], version: int) -> int:
    """Add records with the numbers after ``version``; the last of them."""
    rows = [_row(record, number) for number, record in enumerate(records, version + 1)]
    with session.cursor() as cursor:
        cursor.executemany(
            "WITH record (version, template_id, subject_id, enrolled_at, expires_at, content, vector) AS"
            " (VALUES (%s::bigint, %s, %s, %s::timestamptz, %s::timestamptz, %s::bytea, %s::vector)),"
            " named AS (INSERT INTO template SELECT version, template_id, subject_id, enrolled_at, expires_at"
            " FROM record),"
            " kept AS (INSERT INTO sealed SELECT version, content FROM record)"
            " INSERT INTO rotated SELECT version, vector FROM record",
            rows,
        )
    return version + len(rows)


def replace_all(session: Session, records: Iterable[Record], version: int, dim: int) -> int:
    """Put records of dimension ``dim``, numbered after ``version``, in place of all; the last number.

    They come by a table of their own, as making them may take long, and reading those that are there. Then the old
    ones go with the files they were in.
    """
    columns = ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())
    session.execute(f"CREATE TEMPORARY TABLE incoming ({columns}) ON COMMIT DROP")
    with session.cursor() as cursor, cursor.copy("COPY incoming FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(list(_TYPES.values()))
        for record in records:
            version += 1
            copy.write_row(_row(record, version))
    # First, as it takes the tables in the order in which readers take them, so that none waits for the other.
    session.execute("TRUNCATE template, sealed, rotated, removal")
    session.execute("DROP INDEX IF EXISTS rotated_by_vector")
    session.execute(
        "INSERT INTO template SELECT version, template_id, subject_id, enrolled_at, expires_at FROM incoming"
        " ORDER BY version"
    )
    session.execute("INSERT INTO sealed SELECT version, content FROM incoming ORDER BY version")
    session.execute("INSERT INTO rotated SELECT version, vector FROM incoming ORDER BY version")
    create_index(session, dim)
    return version


def create_index(session: Session, dim: int) -> None:
    """Make the index that finds near vectors, if there is one for the dimension."""
    indexed = _indexed(dim)
    if indexed:
        kind, _, _ = indexed.partition("(")
        session.execute(
            f"CREATE INDEX rotated_by_vector ON rotated USING hnsw ((vector::{indexed}) {kind}_cosine_ops)"
            f" WITH (m = {_LINKS}, ef_construction = {_BUILD_LOOK})"
        )


def delete(session: Session, template_ids: Sequence[str], version: int) -> int:
    """Remove those records that are there, with the numbers after ``version``; the last of them."""
    rows = session.execute(
        "DELETE FROM template WHERE template_id = ANY(%s) RETURNING version, template_id", (list(template_ids),)
    ).fetchall()
    session.execute("DELETE FROM sealed WHERE version = ANY(%s)", ([number for number, _ in rows],))
    session.execute("DELETE FROM rotated WHERE version = ANY(%s)", ([number for number, _ in rows],))
    with session.cursor() as cursor:
        removals = [(number, template_id) for number, (_, template_id) in enumerate(rows, version + 1)]
        cursor.executemany("INSERT INTO removal VALUES (%s, %s)", removals)
    return version + len(rows)


def read_removals(session: Session, since: int, until: int) -> tuple[str, ...]:
    """The templates that were removed after one change and until another, including it."""
    rows = session.execute("SELECT template_id FROM removal WHERE version > %s AND version <= %s", (since, until))
    return tuple(template_id for (template_id,) in rows)


def nth_change(session: Session, since: int, count: int) -> int | None:
    """Number of the ``count``-th change after ``since``, or of the last if there are fewer."""
    ((last,),) = session.execute(
        "SELECT max(version) FROM (SELECT version FROM"
        " ((SELECT version FROM template WHERE version > %(since)s ORDER BY version LIMIT %(count)s)"
        " UNION ALL (SELECT version FROM removal WHERE version > %(since)s ORDER BY version LIMIT %(count)s)) AS each"
        " ORDER BY version LIMIT %(count)s) AS first",
        {"since": since, "count": count},
    )
    return None if last is None else int(last)


def read_nearest(session: Session, vector: Float32Array, count: int) -> tuple[Record, ...]:
    """About the ``count`` records nearest to a vector, by cosine."""
    # Where that is not enough, the index goes on until it has found ``count``.
    session.execute(
        "SELECT set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true)",
        (str(_LOOK),),
    )
    kind = _indexed(len(vector)) or "vector"
    rows = session.execute(
        f"SELECT {_COLUMNS} FROM (SELECT version, vector FROM rotated ORDER BY vector::{kind} <=> %s::{kind}"  # noqa: S608
        " LIMIT %s) AS near JOIN template USING (version) JOIN sealed USING (version)",
        (Vector(vector), count),
        binary=True,
    )
    return tuple(_record(*columns) for _, *columns in rows)


def append(session: Session, drafts: Iterable[AuditDraft], auditor: Auditor) -> None:
    """Put entries at the end of the log."""
    last = session.execute("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    number, previous = last or (0, NOTHING_BEFORE)
    entries = []
    for draft in drafts:
        entry = auditor(draft, number + 1, previous)
        entries.append(astuple(entry))
        number, previous = entry.number, entry.digest
    with session.cursor() as cursor:
        cursor.executemany("INSERT INTO audit VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", entries)


def read_entries(session: Session, since: int, most: int) -> tuple[AuditEntry, ...]:
    """At most ``most`` entries of the log with a number above ``since``."""
    rows = session.execute("SELECT * FROM audit WHERE number > %s ORDER BY number LIMIT %s", (since, most))
    return tuple(AuditEntry(*row) for row in rows)


def _record(template_id: str, subject_id: str, vector: Vector | None, *others: Any) -> Record:
    return Record(template_id, subject_id, None if vector is None else vector.to_numpy(), *others)


def _row(record: Record, version: int) -> Row:
    if record.vector is None:
        raise ValueError("A store that searches needs the vector of each record.")
    times = record.enrolled_at, record.expires_at
    return version, record.template_id, record.subject_id, *times, record.sealed, Vector(record.vector)


def _indexed(dim: int) -> str | None:
    """The type that the index holds."""
    if dim <= _SINGLE:
        return f"vector({dim})"
    return f"halfvec({dim})" if dim <= _HALF else None
