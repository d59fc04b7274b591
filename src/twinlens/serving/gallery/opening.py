"""A gallery's address: the path of a file, or the DSN of a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

from twinlens.serving.gallery.contract import Header, Store


def open_store(address: str | Path) -> Store:
    """Open the gallery at an address.

    Raises:
        GalleryError: It is missing, no gallery, damaged, out of reach, or was written by a newer version.
    """
    from twinlens.serving.gallery.sqlite import SqliteStore

    return SqliteStore.open(Path(address))


def create_store(address: str | Path, header: Header) -> Store:
    """Make a gallery with nobody in it, and open it.

    Raises:
        GalleryError: There is one already, or it cannot be made.
    """
    from twinlens.serving.gallery.sqlite import SqliteStore

    return SqliteStore.create(Path(address), header)


def store_exists(address: str | Path) -> bool:
    """Whether there is a gallery at an address, or something else in its place."""
    from twinlens.serving.gallery.sqlite_file import is_there

    return is_there(Path(address))
