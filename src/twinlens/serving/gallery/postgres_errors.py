"""What a PostgreSQL server found wrong, in a sentence without the password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from twinlens.errors import GalleryError
from twinlens.serving.gallery.postgres_address import PostgresAddress

_SENTENCES: dict[type[psycopg.Error], tuple[str, str]] = {
    errors.UniqueViolation: ("would have two templates of one template_id.", "Draw another one."),
    errors.UndefinedTable: ("is no gallery any more.", "Give the address of a gallery."),
    errors.LockNotAvailable: ("is busy: another process holds what this needs.", "Try again."),
    errors.DiskFull: ("cannot grow: no space left.", "Free some space on the server and try again."),
    errors.ReadOnlySqlTransaction: ("cannot be written: it is a replica.", "Give the address of the primary server."),
    errors.InsufficientPrivilege: ("lets this user not do that.", "Grant the user the schema, or let its owner do it."),
    errors.TooManyConnections: ("has no connection left.", "Allow more, or run fewer processes."),
    PoolTimeout: ("does not answer.", "See whether the server runs, and try again."),
}
# What is said of the others, with what the server or the driver says itself.
_OTHERS: dict[type[psycopg.Error], tuple[str, str]] = {
    psycopg.OperationalError: (
        "cannot be reached",
        "See whether the server runs, and whether address, user and password are right.",
    ),
    psycopg.DataError: ("cannot keep that", "Give something else."),
    psycopg.Error: ("failed", "See the server's log."),
}


def is_lost(error: psycopg.OperationalError) -> bool:
    """Whether the connection is gone: broken off, or ended by a server that stops or recovers."""
    if isinstance(error, PoolTimeout):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


@contextmanager
def plain_errors(address: PostgresAddress) -> Iterator[None]:
    """Say in a sentence what the server or the driver found.

    Raises:
        GalleryError: The gallery cannot be used.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        raise GalleryError(
            f"{address.shown} cannot keep {error.object!r}, which is no text.", "Choose another name."
        ) from error
    except psycopg.Error as error:
        for kind, (sentence, remedy) in _SENTENCES.items():
            if isinstance(error, kind):
                raise GalleryError(f"{address.shown} {sentence}", remedy) from error
        what, remedy = next(said for kind, said in _OTHERS.items() if isinstance(error, kind))
        raise GalleryError(f"{address.shown} {what}: {_reason(error, address)}", remedy) from error


def _reason(error: psycopg.Error, address: PostgresAddress) -> str:
    """The first line of what was said, unless that quotes the address."""
    (reason, *_) = (error.diag.message_primary or str(error)).splitlines() or [type(error).__name__]
    password = address.parameters().get("password")
    return f"{type(error).__name__}." if password and password in reason else f"{reason.rstrip('.')}."
