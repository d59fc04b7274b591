"""The folder for what twinlens can make again, and how its processes share it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from twinlens.files import whole_folder
from twinlens.locks import locked


def cache_folder() -> Path:
    """``$TWINLENS_CACHE``, or the user's cache folder as the operating system has it."""
    return Path(os.environ.get("TWINLENS_CACHE") or platformdirs.user_cache_path("twinlens"))


@contextmanager
def build_once(folder: Path) -> Iterator[Path | None]:
    """A temporary folder to fill, which becomes ``folder`` when the block ends well; None if it is there.

    One process at a time builds beside ``folder``; another one waits and then finds it ready. What killed
    builds left behind is removed.

    Raises:
        TwinlensError: The disk is full or the folder cannot be written.
    """
    if folder.exists():
        yield None
        return
    with locked(folder.parent / ".lock"):
        if folder.exists():
            yield None
            return
        # Alone here, whatever is unfinished belongs to the dead.
        for leftover in folder.parent.glob(".*.tmp"):
            shutil.rmtree(leftover, ignore_errors=True)
        with whole_folder(folder) as temporary:
            yield temporary
