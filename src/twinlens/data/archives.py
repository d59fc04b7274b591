"""Unpacking archives that nobody vouches for."""

from __future__ import annotations

import errno
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import IO, Self

from twinlens.errors import DataError, TwinlensError
from twinlens.files import whole_folder
from twinlens.progress import track

SUFFIXES = (".tgz", ".tar.gz", ".tar", ".zip")

_CHUNK = 2**20
_ALWAYS_ALLOWED = 64 * 2**20  # however small the archive is
_ENCRYPTED = 0x1
# What tar writes beside a member's content: a header, padding, and another header where its name is long.
_HEADERS = 8 * 2**10
_FAULTS_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may unpack to.

    Attributes:
        max_members: Files and folders in it.
        max_member_bytes: Size of one file, unpacked.
        max_total_bytes: Size of all files, unpacked.
        max_growth: How many times the archive's own size all files may take.
    """

    max_members: int = 500_000
    max_member_bytes: int = 256 * 2**20
    max_total_bytes: int = 32 * 2**30
    max_growth: int = 200


@dataclass(frozen=True, slots=True)
class _Member:
    """One entry: its name, and its content unless it is a folder."""

    name: str
    content: IO[bytes] | None


def is_archive(path: Path) -> bool:
    """Whether ``path`` is a file that is called like an archive."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def stem(archive: Path) -> str:
    """The archive's name without its suffix, both parts of ``.tar.gz``."""
    suffix = next((suffix for suffix in SUFFIXES if archive.name.lower().endswith(suffix)), "")
    return archive.name[: len(archive.name) - len(suffix)]


def extract(archive: Path, folder: Path, *, limits: ArchiveLimits = ArchiveLimits()) -> None:
    """Unpack a ``.zip``, ``.tar``, ``.tar.gz`` or ``.tgz`` into a new folder, whole or not at all.

    Only regular files and folders are accepted: no links or devices, no names that lead out of the folder,
    and no name twice. Permissions, owners and times in the archive are not taken over.

    Raises:
        DataError: The archive is missing, broken, hostile or beyond the limits, or ``folder`` exists already.
        TwinlensError: The disk is full or the folder cannot be written.
    """
    if folder.exists():
        raise DataError(f"{folder} is already there.", "Remove it or choose another folder.")
    left = min(limits.max_total_bytes, max(_ALWAYS_ALLOWED, limits.max_growth * _size(archive)))
    with whole_folder(folder) as temporary, _plain_errors(archive):
        members = _zip_members(archive) if _is_zip(archive) else _tar_members(archive, temporary)
        for count, member in enumerate(track(members, f"Unpacking {archive.name}", None), 1):
            if count > limits.max_members:
                raise _refused(archive, f"has more than {limits.max_members:,} members")
            path = temporary / _relative_path(archive, member.name)
            if member.content is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                left -= _copy(member.content, path, min(left, limits.max_member_bytes), archive)


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the packer knew no kinds of files
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(archive, f"holds {info.filename!r}, which is no regular file")
            if info.flag_bits & _ENCRYPTED:
                raise DataError(f"{archive} is encrypted.", "Unpack it yourself and give the folder.")
            if info.is_dir():
                yield _Member(info.filename, None)
            else:
                with file.open(info) as content:
                    yield _Member(info.filename, content)


def _tar_members(archive: Path, folder: Path) -> Iterator[_Member]:
    packed = archive.name.lower().endswith("gz")
    with tarfile.open(archive, "r:gz" if packed else "r:", tarinfo=_Header) as file:
        headers = _CHUNK
        while (info := file.next()) is not None:
            file.members.clear()  # type: ignore[attr-defined]  # they keep their headers, and a million may come
            headers += _HEADERS + info.size
            if file.offset > headers:
                raise _refused(archive, "has headers of absurd size")
            if not (info.isreg() or info.isdir()):
                raise _refused(archive, f"holds {info.name!r}, which is no regular file")
            tarfile.data_filter(info, str(folder))
            yield _Member(info.name, file.extractfile(info))
        # Only at its very end does gzip compare checksums, and tar stops reading before.
        assert file.fileobj is not None
        rest = file.fileobj.read(_CHUNK)
        if len(rest) == _CHUNK or rest.strip(b"\0"):
            raise _refused(archive, "goes on after its end")


class _Header(tarfile.TarInfo):
    """One of tar's headers.

    Those that describe another one are read whole, so a forged size takes memory. One that is damaged, or missing
    where no mark of the end is, would pass for the end.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not buf.strip(b"\0"):
                raise  # that is the mark of the end
            raise tarfile.ReadError(f"a header is damaged or missing ({error})") from error
        if not header.isreg() and header.size > _CHUNK:
            raise tarfile.ReadError("a header of absurd size")
        return header


def _relative_path(archive: Path, name: str) -> Path:
    # Windows' reading of a name takes both slashes and drives for what they may become on some system.
    path = PureWindowsPath(name)
    if path.anchor or ".." in path.parts or "\0" in name:
        raise _refused(archive, f"holds {name!r}, which leads out of its folder")
    return Path(*path.parts)


def _copy(content: IO[bytes], path: Path, limit: int, archive: Path) -> int:
    """Write the content to a new file and return its size, which the archive's own word is not taken for."""
    size = 0
    with path.open("xb") as file:
        while chunk := content.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise _refused(archive, f"unpacks to more than it may, at {path.name!r}")
            file.write(chunk)
    return size


def _is_zip(archive: Path) -> bool:
    return archive.suffix.lower() == ".zip"


def _size(archive: Path) -> int:
    if not is_archive(archive):
        raise DataError(f"{archive} is no archive.", f"Give a file that ends in {', '.join(SUFFIXES)}.")
    try:
        with archive.open("rb"):
            return archive.stat().st_size
    except OSError as error:
        raise DataError(f"{archive} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _refused(archive: Path, reason: str) -> DataError:
    return DataError(f"{archive} {reason}.", "Fetch it again from its own home, or unpack it yourself.")


@contextmanager
def _plain_errors(archive: Path) -> Iterator[None]:
    try:
        yield
    except TwinlensError:
        raise
    except FileExistsError as error:
        raise _refused(archive, f"holds {Path(error.filename).name!r} twice") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FAULTS_OF_THE_DISK:
            raise
        # The unpackers raise a dozen kinds of exceptions on damaged data.
        raise _refused(archive, f"is broken: {error or type(error).__name__}") from error
