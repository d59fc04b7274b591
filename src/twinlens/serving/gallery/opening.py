"""A gallery's address: the path of a file, or the URI of a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from twinlens.errors import GalleryError
from twinlens.serving.gallery.contract import Header, Store
from twinlens.serving.gallery.postgres_address import is_dsn
from twinlens.serving.gallery.sqlite import SqliteStore
from twinlens.serving.gallery.sqlite_file import is_there

if TYPE_CHECKING:
    from twinlens.serving.gallery.postgres import PostgresStore


def open_store(address: str | Path) -> Store:
    """Open the gallery at an address.

    Args:
        address: A path, or ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``, perhaps with ``?schema=NAME``.

    Raises:
        GalleryError: It is missing, no gallery, damaged, out of reach, or was written by a newer version.
    """
    return _postgres().open(str(address)) if is_dsn(address) else SqliteStore.open(Path(address))


def create_store(address: str | Path, header: Header) -> Store:
    """Make a gallery with nobody in it, and open it.

    Raises:
        GalleryError: There is one already, or it cannot be made.
    """
    return _postgres().create(str(address), header) if is_dsn(address) else SqliteStore.create(Path(address), header)


def store_exists(address: str | Path) -> bool:
    """Whether there is a gallery at an address, or something else in its place.

    Raises:
        GalleryError: A server cannot be reached.
    """
    return _postgres().exists(str(address)) if is_dsn(address) else is_there(Path(address))


def _postgres() -> type[PostgresStore]:
    try:
        from twinlens.serving.gallery.postgres import PostgresStore
    except ImportError as error:
        raise GalleryError(
            "A gallery on PostgreSQL needs a driver that is not installed.", "pip install 'twinlens[postgres]'"
        ) from error
    return PostgresStore
