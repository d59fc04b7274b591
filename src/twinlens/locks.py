"""Locks between processes of one machine, which the system opens however their holder ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from twinlens.files import plain_disk_errors


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock ``path``, which is made if it is missing, after waiting for it."""
    with _opened(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def try_lock(path: Path) -> TextIO | None:
    """The lock ``path``, held until it is closed; none if somebody else holds it."""
    file = _opened(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _opened(path: Path) -> TextIO:
    with plain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf-8")
