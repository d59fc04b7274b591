"""The key of a gallery, and where it is kept: in the environment, in a file, or beside a gallery that is a file.

Whoever has gallery and key has every template; whoever has one of them has neither names nor faces of the other's. So
a key that lies beside its gallery only keeps it apart from those who get hold of the gallery's file alone, such as a
backup.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from twinlens.errors import GalleryError
from twinlens.files import plain_disk_errors, sync

KEY = "TWINLENS_GALLERY_KEY"
KEY_FILE = "TWINLENS_GALLERY_KEY_FILE"
_BYTES = 32
# A key with its line end has 45 characters; a device that never ends is not read to its end.
_LONGEST = 1024


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A secret that is never shown: 32 bytes.

    Raises:
        ValueError: It is not 32 bytes long.
    """

    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) != _BYTES:
            raise ValueError(f"a key has {_BYTES} bytes, not {len(self.secret)}")

    @classmethod
    def new(cls) -> Key:
        """A key that nobody knows."""
        return cls(secrets.token_bytes(_BYTES))

    @classmethod
    def of_text(cls, text: str, source: str) -> Key:
        """The key that was written as base64.

        Args:
            text: What :meth:`text` gave; white space around it does not count.
            source: What an error calls the place.

        Raises:
            GalleryError: It is no key.
        """
        try:
            return cls(base64.b64decode(text.strip(), validate=True))
        except (binascii.Error, ValueError) as error:
            raise GalleryError(
                f"{source} holds no key: a key is {_BYTES} bytes in base64.",
                "Give the gallery's own key; for a new gallery, twinlens gallery new-key makes one.",
            ) from error

    def text(self) -> str:
        """The key in base64."""
        return base64.b64encode(self.secret).decode("ascii")


def key_beside(gallery: Path) -> Path:
    """Where the key of a gallery that is a file lies, if nobody says another place."""
    return gallery.with_name(f"{gallery.name}.key")


def key_to_come(gallery: Path) -> Path:
    """Where the next key of such a gallery lies while the gallery is given it."""
    return gallery.with_name(f"{gallery.name}.key.new")


def find_key(gallery: Path | None) -> Key | None:
    """The key of a gallery, if there is one.

    Args:
        gallery: The gallery's file, if it is one: its key may lie beside it.

    Returns:
        The key in ``$TWINLENS_GALLERY_KEY``, in the file that ``$TWINLENS_GALLERY_KEY_FILE`` names, or beside the
        gallery; the first of these that is there.

    Raises:
        GalleryError: What is there is no key, or the file that is named is not there.
    """
    if text := os.environ.get(KEY):
        return Key.of_text(text, f"${KEY}")
    if name := os.environ.get(KEY_FILE):
        return read_key(Path(name))
    beside = None if gallery is None else key_beside(gallery)
    return read_key(beside) if beside is not None and beside.exists() else None


def read_key(path: Path) -> Key:
    """The key in a file.

    Raises:
        GalleryError: There is no such file, or no key in it.
    """
    return Key.of_text(_content(path), f"The file {path}")


def write_key(path: Path, key: Key) -> None:
    """Write a key to a new file that only its owner may read, durably; interrupted, there is no such file.

    Raises:
        GalleryError: There is such a file: a key is never overwritten.
    """
    with plain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(f"{key.text()}\n")
                file.flush()
                os.fsync(file.fileno())
            _put_in_place(Path(name), path)
        except FileExistsError as error:
            raise GalleryError(f"{path} is there already, and a key is never overwritten.", "Move it away.") from error
        finally:
            Path(name).unlink(missing_ok=True)
        sync(path.parent)


def next_key(gallery: Path) -> Key:
    """The key that a gallery's file is about to be given, in :func:`key_to_come`.

    One that an interrupted change of keys has left there is taken up again: the gallery may have it already.

    Raises:
        GalleryError: What is there is no key.
    """
    path = key_to_come(gallery)
    if not path.exists():
        write_key(path, Key.new())
    key = key_left(gallery)
    if key is None:
        raise GalleryError(f"{path} holds no key, so no gallery has been given it.", "Remove it, and try again.")
    return key


def key_left(gallery: Path) -> Key | None:
    """The key that an interrupted change of keys has left in :func:`key_to_come`; none if there is no key in it.

    Raises:
        GalleryError: The file is there and cannot be read.
    """
    path = key_to_come(gallery)
    if not path.exists():
        return None
    content = _content(path)
    try:
        return Key.of_text(content, f"The file {path}")
    except GalleryError:
        return None


def put_in_force(gallery: Path) -> None:
    """Put the key that a gallery's file was given in place of the one before."""
    with plain_disk_errors(key_beside(gallery)):
        with suppress(FileNotFoundError):  # another process has just done it
            key_to_come(gallery).replace(key_beside(gallery))
        sync(gallery.parent)


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST).decode("ascii", "replace")
    except OSError as error:
        raise GalleryError(f"The key file {path} cannot be read: {error.strerror}.", "Check its path.") from error


def _put_in_place(written: Path, path: Path) -> None:
    """Give a file its name, unless another one has it."""
    try:
        os.link(written, path)
    except PermissionError:  # a file system without links, such as that of a stick
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        written.replace(path)
