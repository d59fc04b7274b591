"""Open a gallery, or make one: its store, and the key that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from twinlens.bundle import Manifest
from twinlens.errors import GalleryError
from twinlens.serving.gallery.contract import Header
from twinlens.serving.gallery.keys import (
    KEY,
    KEY_FILE,
    Key,
    find_key,
    key_beside,
    key_left,
    next_key,
    put_in_force,
    write_key,
)
from twinlens.serving.gallery.moving import copy_into, rekey
from twinlens.serving.gallery.opened import FORMAT
from twinlens.serving.gallery.opening import create_store, open_store, store_exists
from twinlens.serving.gallery.postgres_address import is_dsn, shown_dsn
from twinlens.serving.gallery.sealing import derive_secrets, is_right, new_salt
from twinlens.serving.gallery.vault import Vault


@dataclass(frozen=True, slots=True)
class Content:
    """What a gallery holds embeddings of.

    Attributes:
        model: Name of the model.
        fingerprint: Of its bundle.
        dim: Dimension of its embeddings.
    """

    model: str
    fingerprint: str
    dim: int


def gallery_file(address: str | Path) -> Path | None:
    """The file that an address means; none if it means a database."""
    return None if is_dsn(address) else Path(address)


def shown_address(address: str | Path) -> str:
    """The address without the user and the password that may be in it."""
    return shown_dsn(str(address)) if is_dsn(address) else str(address)


def open_vault(address: str | Path, key: Key | None, actor: str) -> Vault:
    """Open a gallery that exists.

    Args:
        address: A file, or ``postgresql://...``.
        key: Its key; :func:`~twinlens.serving.gallery.keys.find_key` looks for it if not given.
        actor: Who is to be named in the log.

    Raises:
        GalleryError: There is no such gallery, no key, or the key does not fit.
    """
    store = open_store(address)
    try:
        return Vault.open(store, key or _fitting_key(address, store.header()), shown_address(address), actor)
    except BaseException:
        store.close()
        raise


def open_or_make(address: str | Path, key: Key | None, actor: str, manifest: Manifest | None) -> Vault:
    """Open a gallery; if there is none and there is a model, make one for its embeddings.

    Raises:
        GalleryError: As :func:`open_vault` and :func:`make_vault`.
    """
    if manifest is None or store_exists(address):
        return open_vault(address, key, actor)
    try:
        return make_vault(address, key, actor, Content(manifest.name, manifest.fingerprint, manifest.dim))
    except GalleryError:
        if not store_exists(address):
            raise
        return open_vault(address, key, actor)  # another process has just made it


def make_vault(address: str | Path, key: Key | None, actor: str, content: Content) -> Vault:
    """Make a gallery with nobody in it.

    A gallery that is a file gets a key of its own beside it, if nobody gives one.

    Args:
        address: As :func:`open_vault`.
        key: As :func:`open_vault`.
        actor: As :func:`open_vault`.
        content: What it will hold.

    Raises:
        GalleryError: There is something already, or there is no key for a database.
    """
    path = gallery_file(address)
    key = key or find_key(path)
    made = None
    if key is None:
        if path is None:
            raise _no_key(address, "twinlens gallery new-key makes one")
        key, made = Key.new(), key_beside(path)
        write_key(made, key)
    salt = new_salt()
    check = derive_secrets(key, salt).check
    header = Header(FORMAT, content.model, content.fingerprint, content.dim, salt, check, datetime.now(UTC))
    try:
        vault = Vault.open(create_store(address, header), key, shown_address(address), actor)
    except BaseException:
        if made is not None and not store_exists(address):
            made.unlink(missing_ok=True)
        raise
    vault.log("create")
    return vault


def copy_vault(vault: Vault, address: str | Path) -> int:
    """Copy everything to another place, log and all, under the same key; how many templates there were.

    A key that lies beside a gallery's file is not copied: who has the one need not have the other.

    Raises:
        GalleryError: There is somebody in a gallery there already, or a template was changed from outside.
    """
    is_new = not store_exists(address)
    store = create_store(address, vault.opened.header) if is_new else open_store(address)
    try:
        copied = copy_into(vault, store)
    except BaseException:
        store.close()
        path = gallery_file(address)
        if is_new and path is not None:
            path.unlink(missing_ok=True)
        raise
    store.close()
    return copied


def change_key(vault: Vault, address: str | Path, key: Key | None) -> None:
    """Give a gallery another key: the one that is given, or a new one in place of that beside the gallery's file.

    Interrupted at any moment, a gallery whose key lies beside it opens all the same: the next one to open it finds
    which of the two keys it has.

    Raises:
        GalleryError: No key is given, and none lies beside it; or another process has changed the gallery meanwhile.
    """
    if key is not None:
        rekey(vault, key)
        return
    path = gallery_file(address)
    if path is None or not key_beside(path).exists():
        raise GalleryError(
            f"No key lies beside the gallery {vault.name}, which could be changed there.",
            "Make one with twinlens gallery new-key --out FILE, and give it with --new-key-file FILE.",
        )
    rekey(vault, next_key(path))
    put_in_force(path)


def _fitting_key(address: str | Path, header: Header) -> Key:
    """The key that is found; where a change of keys was interrupted after the gallery had the new one, that."""
    path = gallery_file(address)
    key = find_key(path)
    if key is not None and _fits(key, header):
        return key
    left = None if path is None else key_left(path)
    if path is not None and left is not None and _fits(left, header):
        put_in_force(path)
        return left
    if key is None:
        raise _no_key(address, "no other key opens it")
    return key


def _fits(key: Key, header: Header) -> bool:
    return is_right(derive_secrets(key, header.salt), header.key_check)


def _no_key(address: str | Path, more: str) -> GalleryError:
    return GalleryError(
        f"There is no key for the gallery {shown_address(address)}.",
        f"Put it in ${KEY}, or in a file that ${KEY_FILE} or --key-file names; {more}.",
    )
