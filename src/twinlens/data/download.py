"""Downloads that go on where they were interrupted and count only when their checksum is right."""

from __future__ import annotations

import contextlib
import http.client
import math
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twinlens.errors import DataError
from twinlens.files import plain_disk_errors, sha256_file
from twinlens.progress import track

_CHUNK = 2**20
_TIMEOUT = 30  # seconds without a byte
_ATTEMPTS = 4
_REMEDY = "Try again when online, or import a copy that you have: twinlens data import --help"


@dataclass(frozen=True, slots=True)
class Remote:
    """A file in its home on the net.

    Attributes:
        name: What it is called here.
        url: Where it lies.
        sha256: 64 hex digits, or None if its home publishes none.
    """

    name: str
    url: str
    sha256: str | None


def download(remote: Remote, folder: Path) -> Path:
    """Get a file into ``folder``, unless it is there; an interrupted download goes on where it stopped.

    Raises:
        DataError: The home cannot be reached, breaks off again and again, or gives other content; or another
            file of this name is there already.
        TwinlensError: The disk is full or the folder cannot be written.
    """
    target, part = folder / remote.name, folder / f"{remote.name}.part"
    if target.exists():
        if not _is_right(target, remote):
            raise DataError(f"{target} is not the official file of this name.", "Move it away and try again.")
        return target
    with plain_disk_errors(target):
        folder.mkdir(parents=True, exist_ok=True)
        if not any(_go_on(remote, part) for _ in range(_ATTEMPTS)):
            raise DataError(
                f"The download of {remote.url} broke off {_ATTEMPTS} times.",
                "Run the same command again, and it goes on from there.",
            )
        if not _is_right(part, remote):
            part.unlink()
            raise DataError(
                f"{remote.url} gave something else than the official {remote.name}: its SHA-256 is wrong.",
                "Try again later, or import a copy that you have: twinlens data import --help",
            )
        part.replace(target)
    return target


def _is_right(path: Path, remote: Remote) -> bool:
    return remote.sha256 is None or sha256_file(path) == remote.sha256


def _go_on(remote: Remote, part: Path) -> bool:
    """Fetch what ``part`` lacks; False if the connection broke off before the end."""
    have = part.stat().st_size if part.exists() else 0
    try:
        response = _open(remote.url, have)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise DataError(f"{remote.url} answers {error.code} {error.reason}.", _REMEDY) from error
        if error.headers["Content-Range"] == f"bytes */{have}":
            return True
        part.unlink()  # longer than the whole: another file's beginning
        return False
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DataError(f"{remote.url} cannot be reached: {reason}.", _REMEDY) from error
    goes_on = response.status == http.HTTPStatus.PARTIAL_CONTENT
    with response, part.open("ab" if goes_on else "wb") as file:
        length = int(response.headers.get("Content-Length", 0))
        total = math.ceil(length / _CHUNK) or None
        chunks = track(_chunks(response), f"Fetching {remote.name} (MiB)", total)
        return sum(file.write(chunk) for chunk in chunks) >= length


def _open(url: str, start: int) -> http.client.HTTPResponse:
    headers = {"User-Agent": "twinlens"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - addresses come from our own code
    response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310
    return response


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body as far as it comes."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        while chunk := response.read(_CHUNK):
            yield chunk
