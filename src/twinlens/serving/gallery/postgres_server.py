"""Connections to the PostgreSQL server that holds a gallery: transactions that are tried again where that is safe."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import psycopg
from pgvector.psycopg import register_vector
from psycopg import errors
from psycopg_pool import ConnectionPool

from twinlens.errors import GalleryError
from twinlens.serving.gallery.migrations import migrations
from twinlens.serving.gallery.postgres_address import PostgresAddress
from twinlens.serving.gallery.postgres_errors import is_lost, plain_errors
from twinlens.serving.gallery.postgres_tables import Session

Result = TypeVar("Result")

_LOGGER = logging.getLogger("twinlens.gallery")
# What goes wrong is told by errors; the driver's own words are for programs that ask for logs, not for a terminal.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# Connections of one process; its threads share them, and a server allows 100 unless told otherwise.
_MOST = 8
# Seconds that one waits for a connection, and for another to finish writing.
_PATIENCE = 30.0
# Seconds that one waits for a table of one's own: whoever wants to read it waits behind. A dump holds it for longer.
_ASIDE = 0.5
# "TWLN": held while a gallery is made or migrated, so that no two processes do it at once.
_LOCK = 0x54574C4E
# The first that goes on searching until it has found enough.
_PGVECTOR = (0, 8)


class PostgresServer:
    """The schema of one gallery, by a pool of connections that threads share.

    Args:
        address: Where it is.

    Raises:
        GalleryError: The server cannot be reached or lets nobody in, there is no gallery, or a newer version made it.
    """

    def __init__(self, address: PostgresAddress) -> None:
        self.address = address
        with connected(address) as session:
            if not is_there(session, address):
                raise GalleryError(
                    f"There is no gallery at {address.shown}.", "Enrol somebody to begin one, or give another address."
                )
            enter(session, address)
            migrate(session, address)

        def configure(session: Session) -> None:
            enter(session, address)
            register_vector(session)
            session.commit()

        self._pool: ConnectionPool[Session] = ConnectionPool(
            kwargs=address.parameters(),
            min_size=1,
            max_size=_MOST,
            configure=configure,
            check=ConnectionPool.check_connection,
            timeout=_PATIENCE,
            open=True,
        )

    def read(self, work: Callable[[Session], Result]) -> Result:
        """What ``work`` makes of the gallery as it is at one moment."""

        def consistent(session: Session) -> Result:
            # Who puts all records in place of others empties the tables for everybody, also for those who look at an
            # earlier moment. So the tables are held first, and then the moment is fixed.
            session.execute(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                "LOCK TABLE template, sealed, rotated, removal IN ACCESS SHARE MODE"
            )
            return work(session)

        return self._run(consistent, again=True)

    def write(self, work: Callable[[Session], Result], *, again: bool = True) -> Result:
        """One transaction, on the server's disk when this returns and undone if it raises.

        Args:
            work: What to do in it.
            again: Whether ``work`` can be done once more if the connection was lost before the end.

        Raises:
            GalleryError: Also if the connection was lost at the very end, so that nobody knows whether it was done.
        """

        def committed(session: Session) -> Result:
            result = work(session)
            try:
                session.commit()
            except psycopg.OperationalError as error:
                if not is_lost(error):
                    raise
                raise GalleryError(
                    f"The connection to {self.address.shown} was lost as a change was being written.",
                    "See in the log whether it took place: twinlens gallery audit.",
                ) from error
            return result

        return self._run(committed, again=again)

    def vacuum(self) -> None:
        """Give back the space of what was removed; the table of names is written anew, into another file.

        What could not be done is logged as a warning, and done by the next removal.
        """

        def outside_transaction(session: Session) -> None:
            session.autocommit = True
            try:
                session.execute("VACUUM (INDEX_CLEANUP ON) sealed, rotated")
                session.execute("SELECT set_config('lock_timeout', %s, false)", (f"{_ASIDE * 1000:.0f}",))
                session.execute("VACUUM (FULL) template")
            finally:
                with suppress(psycopg.Error):  # if the connection is lost
                    enter(session, self.address)
                    session.autocommit = False

        try:
            self._run(outside_transaction, again=True)
        except GalleryError as error:
            _LOGGER.warning(
                "What was removed is still in freed space: %s It goes with the next removal.", error.message
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()

    def _run(self, work: Callable[[Session], Result], *, again: bool) -> Result:
        with plain_errors(self.address):
            try:
                with self._pool.connection() as session:
                    return work(session)
            except psycopg.OperationalError as error:
                if not (again and is_lost(error)):
                    raise
            with self._pool.connection() as session:
                return work(session)


@contextmanager
def connected(address: PostgresAddress) -> Iterator[Session]:
    """A connection of its own, for one transaction.

    Raises:
        GalleryError: The server cannot be reached or lets nobody in.
    """
    with plain_errors(address), psycopg.connect(**address.parameters()) as session:
        yield session


@contextmanager
def made(address: PostgresAddress) -> Iterator[Session]:
    """The tables of a new gallery, to be filled; they are there when the block ends well, and only then.

    Raises:
        GalleryError: There is a gallery already, or the server has no pgvector.
    """
    with connected(address) as session:
        session.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if is_there(session, address):
            raise GalleryError(f"There is a gallery at {address.shown} already.", "Name another schema: ?schema=NAME.")
        _need_vectors(session, address)
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {address.schema}")
        enter(session, address)
        session.execute("CREATE TABLE layout (version integer PRIMARY KEY, since timestamptz NOT NULL DEFAULT now())")
        migrate(session, address)
        yield session


def is_there(session: Session, address: PostgresAddress) -> bool:
    """Whether there is a gallery in the schema."""
    ((table,),) = session.execute("SELECT to_regclass(%s)", (f"{address.schema}.gallery",))
    return table is not None


def enter(session: Session, address: PostgresAddress) -> None:
    """Make the gallery's schema, and that of the vectors, the ones that names are looked up in."""
    session.execute(
        "SELECT set_config('search_path', quote_ident(%s) || ', ' || quote_ident(nspname), false),"
        " set_config('TimeZone', 'UTC', false), set_config('lock_timeout', %s, false)"
        " FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'vector'",
        (address.schema, f"{_PATIENCE * 1000:.0f}"),
    )


def migrate(session: Session, address: PostgresAddress) -> None:
    """Bring the tables to the present layout; another process may be doing so, or have done it.

    Raises:
        GalleryError: They are of a newer version.
    """
    scripts = migrations("postgres")
    if _layout(session) == len(scripts):
        return
    session.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    version = _layout(session)
    if version > len(scripts):
        raise GalleryError(f"{address.shown} was made by a newer version of twinlens.", "Upgrade twinlens.")
    for number, script in enumerate(scripts[version:], version + 1):
        session.execute(script)
        session.execute("INSERT INTO layout (version) VALUES (%s)", (number,))


def _layout(session: Session) -> int:
    ((version,),) = session.execute("SELECT coalesce(max(version), 0) FROM layout")
    return int(version)


def _need_vectors(session: Session, address: PostgresAddress) -> None:
    """Have pgvector in the database, as new as it must be."""
    remedy = "Install pgvector 0.8 or newer on the server; then its administrator runs CREATE EXTENSION vector."
    try:
        session.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except (errors.FeatureNotSupported, errors.UndefinedFile, errors.InsufficientPrivilege) as error:
        raise GalleryError(f"{address.shown} has no vectors.", remedy) from error
    ((version,),) = session.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    if tuple(int(part) for part in version.split(".")[:2]) < _PGVECTOR:
        raise GalleryError(f"{address.shown} has pgvector {version}.", remedy)
