"""Writing files so that they are whole or absent, and hashing them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from twinlens.errors import TwinlensError

# Forbidden, or a file lies where a folder has to be, or the other way round.
_NO_PLACE = (errno.EACCES, errno.EROFS, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)


@contextmanager
def whole_file(path: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """A temporary path beside ``path`` that becomes ``path`` when the block ends well, and vanishes if not.

    Args:
        path: Where the file is to be.
        mode: Who may read and write it.

    Raises:
        TwinlensError: The disk is full, or nothing can be written there.
    """
    with plain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(mode)
            sync(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """The same for a folder: filled beside ``path``, renamed to it when the block ends well.

    A folder that is there already, perhaps made by another process meanwhile, stands and the new one is dropped,
    unless ``replace`` is set.
    """
    with plain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
        try:
            yield temporary
            temporary.chmod(0o755)
            replaced = []
            while not _placed(temporary, path) and replace:
                # No system call swaps two folders everywhere; for a moment the old one lies aside, whole.
                replaced.append(_put_aside(path))
            for old in replaced:
                shutil.rmtree(old)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, whole or not at all; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def remove_leftovers(folder: Path) -> None:
    """Delete what a killed process was about to write in ``folder``; nobody may be writing there."""
    for path in folder.glob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """SHA-256 of a value's canonical JSON: equal meanings give equal digests."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _placed(folder: Path, path: Path) -> bool:
    """Rename ``folder`` to ``path``, unless a folder with something in it lies there."""
    try:
        folder.rename(path)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        return False
    return True


def _put_aside(folder: Path) -> Path:
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old.tmp", dir=folder.parent))
    with suppress(FileNotFoundError):  # another process has just done it
        folder.rename(aside)
    return aside


@contextmanager
def plain_disk_errors(path: Path) -> Iterator[None]:
    """Say in plain words that ``path`` could not be written, and what helps.

    Raises:
        TwinlensError: The disk is full or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TwinlensError(f"No space left while writing {path}.", "Free some space and try again.") from error
        if error.errno in _NO_PLACE:
            place = error.filename2 or error.filename or path
            raise TwinlensError(f"{place} cannot be written: {error.strerror}.", "Choose another place.") from error
        raise


def sync(path: Path) -> None:
    """Make a file, or what was made or renamed in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
