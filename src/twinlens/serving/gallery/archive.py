"""A whole gallery in one sealed file, to be kept or to be taken elsewhere.

The embeddings in it are as the model made them, so that another gallery can turn them its own way; the file is sealed
from its second line to its last byte, under a passphrase or a key. Nothing in it is ever executed.

The form, version 1: a line that says what it is; a line of JSON that is not sealed but cannot be changed; then frames,
each a length of 4 bytes and that many sealed bytes, which know their number and whether they are the last. Each frame
but the last is one template.

References:
    C. Percival and S. Josefsson (2016), The scrypt password-based key derivation function, RFC 7914.
    V. T. Hoang, R. Reyhanitabar, P. Rogaway and D. Vizár (2015), Online authenticated-encryption and its nonce-reuse
    misuse-resistance, CRYPTO, on why frames know their number.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import numpy as np
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from twinlens.errors import ConfigError, GalleryError
from twinlens.files import whole_file
from twinlens.serving.gallery.keys import Key
from twinlens.serving.gallery.sealing import Seal, derived, new_salt
from twinlens.serving.gallery.subject import subject_name
from twinlens.serving.gallery.template import Template, pack, unpack

_MAGIC = b"twinlens gallery export\n"
_LENGTH = struct.Struct(">I")
# Half a photo of 64 million pixels; a longer frame is a mistake and not read.
_LONGEST_FRAME = 2**28
_LONGEST_LINE = 4096
# scrypt's N and r: 128 MiB, and about half a second for each guess at a passphrase.
_COST, _BLOCK_SIZE = 2**17, 8
_LENGTH_OF_KEY = 32
LEAST_PASSPHRASE = 12

Secret = Key | str
"""A key, or a passphrase of at least 12 characters."""


class ArchiveHeader(BaseModel):
    """What an exported gallery says of itself.

    Attributes:
        format: Version of the form.
        secret: What it is sealed under.
        salt: 32 hex digits.
        model: Name of the model whose embeddings it holds.
        fingerprint: Of that model's bundle.
        dim: Dimension of the embeddings.
        exported_at: When, in UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[1] = 1
    secret: Literal["key", "passphrase"]
    salt: str
    model: str
    fingerprint: str
    dim: int
    exported_at: datetime


class _Known(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    template_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    subject_id: str
    enrolled_at: AwareDatetime
    expires_at: AwareDatetime | None


def write_archive(path: Path, header: ArchiveHeader, secret: Secret, templates: Iterable[Template]) -> int:
    """Write templates to a new file, whole or not at all.

    Args:
        path: The file.
        header: What it says of itself; of :func:`new_header`.
        secret: Seals it.
        templates: With embeddings as the model made them.

    Returns:
        How many templates there were.

    Raises:
        GalleryError: There is something at ``path`` already.
    """
    if path.exists():
        raise GalleryError(f"There is something at {path} already.", "Choose another path.")
    line = header.model_dump_json().encode() + b"\n"
    seal, number = _seal(header, secret), 0
    with whole_file(path, mode=0o600) as temporary, temporary.open("wb") as file:
        file.write(_MAGIC + line)
        for number, template in enumerate(templates, start=1):
            _write_frame(file, seal.close(_packed(template), _bound(line, number, last=False)))
        _write_frame(file, seal.close(b"", _bound(line, number + 1, last=True)))
    return number


def new_header(secret: Secret, *, model: str, fingerprint: str, dim: int, exported_at: datetime) -> ArchiveHeader:
    """The header of a new archive.

    Raises:
        ConfigError: The passphrase is too short.
    """
    if isinstance(secret, str) and len(secret) < LEAST_PASSPHRASE:
        raise ConfigError(f"The passphrase has {len(secret)} characters.", f"Give at least {LEAST_PASSPHRASE}.")
    kind: Literal["key", "passphrase"] = "passphrase" if isinstance(secret, str) else "key"
    return ArchiveHeader(
        secret=kind, salt=new_salt(), model=model, fingerprint=fingerprint, dim=dim, exported_at=exported_at
    )


def read_header(path: Path) -> ArchiveHeader:
    """What an archive says of itself, which is not verified yet.

    Raises:
        GalleryError: It is missing, no archive, or of a newer version.
    """
    with _opened(path) as file:
        return _read_start(file, path)[0]


def read_archive(path: Path, secret: Secret) -> Iterator[Template]:
    """The templates in an archive, one by one; only after the last one is it known that none was cut off.

    Raises:
        GalleryError: The secret does not fit, or the archive was changed or cut off.
    """
    with _opened(path) as file:
        header, line = _read_start(file, path)
        if (header.secret == "key") != isinstance(secret, Key):  # noqa: S105, it is a kind
            raise GalleryError(f"{path} is sealed under a {header.secret}.", "Give that.")
        seal = _seal(header, secret)
        for number, (frame, last) in enumerate(_frames(file, path), start=1):
            content = _content(seal, frame, _bound(line, number, last=last), path, header.secret)
            if not last:
                yield _unpacked(content, header, path)


def _frames(file: BinaryIO, path: Path) -> Iterator[tuple[bytes, bool]]:
    """The sealed frames, and whether each is the last."""
    frame = _next_frame(file, path)
    if frame is None:
        raise _cut_off(path)
    while frame is not None:
        following = _next_frame(file, path)
        yield frame, following is None
        frame = following


def _next_frame(file: BinaryIO, path: Path) -> bytes | None:
    start = file.read(_LENGTH.size)
    if not start:
        return None
    length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else 0
    frame = file.read(length) if length <= _LONGEST_FRAME else b""
    if not frame or len(frame) < length:
        raise _cut_off(path)
    return frame


def _cut_off(path: Path) -> GalleryError:
    return GalleryError(f"{path} was cut off or changed.", "Copy it again.")


def _content(seal: Seal, frame: bytes, bound: bytes, path: Path, kind: str) -> bytes:
    try:
        return seal.open(frame, bound, str(path))
    except GalleryError as error:
        raise GalleryError(
            f"{path} cannot be opened: the {kind} is a wrong one, or the file was cut off or changed.",
            f"Check the {kind}, or copy the file again.",
        ) from error


def _seal(header: ArchiveHeader, secret: Secret) -> Seal:
    if isinstance(secret, Key):
        return Seal(derived(secret.secret, "export", bytes.fromhex(header.salt)))
    text = unicodedata.normalize("NFC", secret).encode()
    return Seal(Scrypt(bytes.fromhex(header.salt), _LENGTH_OF_KEY, _COST, _BLOCK_SIZE, 1).derive(text))


def _bound(line: bytes, number: int, *, last: bool) -> bytes:
    """What a frame is bound to: the file's head, its number, and whether it is the last."""
    return _MAGIC + line + number.to_bytes(8, "big") + bytes([last])


def _write_frame(file: BinaryIO, frame: bytes) -> None:
    file.write(_LENGTH.pack(len(frame)) + frame)


def _packed(template: Template) -> bytes:
    known = _Known(
        template_id=template.template_id,
        subject_id=template.subject_id,
        enrolled_at=template.enrolled_at,
        expires_at=template.expires_at,
    )
    line = known.model_dump_json().encode()
    return _LENGTH.pack(len(line)) + line + pack(template)


def _unpacked(content: bytes, header: ArchiveHeader, path: Path) -> Template:
    """A template. Whoever knows the secret may have written anything, so it is not believed."""
    try:
        start = _LENGTH.size + _LENGTH.unpack_from(content)[0]
        known = _Known.model_validate_json(content[_LENGTH.size : start])
        embedding, details, photo = unpack(content[start:])
        fits = len(embedding) == header.dim and np.isfinite(embedding).all()
        if not fits or subject_name(known.subject_id) != known.subject_id or details.fingerprint != header.fingerprint:
            raise ValueError("a template that no gallery would have written")
    except (ValueError, struct.error, ConfigError) as error:
        raise GalleryError(f"{path} holds something else than templates.", "Export the gallery again.") from error
    return Template(known.template_id, known.subject_id, embedding, details, photo, known.enrolled_at, known.expires_at)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise GalleryError(f"{path} cannot be read: {error.strerror}.", "Check its path.") from error
    with file:
        yield file


def _read_start(file: BinaryIO, path: Path) -> tuple[ArchiveHeader, bytes]:
    """The header and its line."""
    magic, line = file.readline(len(_MAGIC)), file.readline(_LONGEST_LINE)
    if magic != _MAGIC:
        raise GalleryError(f"{path} is no exported gallery.", "Give a file that twinlens gallery export has written.")
    try:
        header = ArchiveHeader.model_validate_json(line)
        bytes.fromhex(header.salt)
    except ValueError as error:
        raise GalleryError(f"{path} was changed, or written by a newer version.", "Use a newer one.") from error
    return header, line
