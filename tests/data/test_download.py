"""Downloads against a real server that breaks off, lies and is down."""

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from twinlens.data import download as download_module
from twinlens.data.download import Remote, download
from twinlens.errors import DataError, TwinlensError

CONTENT = os.urandom(3_500_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Home(ThreadingHTTPServer):
    """Serves ``content`` under any path, breaking off as often as told."""

    content = CONTENT
    breaks: int
    after = 1_000_000
    ranges = True
    status = 0
    says_length = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.breaks = 0
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/faces.tgz"


class Handler(BaseHTTPRequestHandler):
    server: Home

    def do_GET(self) -> None:
        home, wanted = self.server, self.headers["Range"]
        home.asked.append(wanted)
        if home.status:
            self.send_error(home.status)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and home.ranges else 0
        if start >= len(home.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(home.content)}")
            self.end_headers()
            return
        self.send_response(206 if wanted and home.ranges else 200)
        if home.says_length:
            self.send_header("Content-Length", str(len(home.content) - start))
        self.end_headers()
        if home.breaks:
            home.breaks -= 1
            self.wfile.write(home.content[start : start + home.after])
        else:
            self.wfile.write(home.content[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def home() -> Iterator[Home]:
    with Home() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(home: Home, folder: Path, sha256: str | None = SHA256) -> Path:
    return download(Remote("faces.tgz", home.url, sha256), folder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_gives_the_file_and_does_not_ask_twice(home: Home, tmp_path: Path) -> None:
    for _ in range(2):
        assert fetch(home, tmp_path / "new").read_bytes() == CONTENT
    assert home.asked == [None]
    assert names(tmp_path / "new") == ["faces.tgz"]


def test_goes_on_by_itself_where_the_connection_broke(home: Home, tmp_path: Path) -> None:
    home.breaks = 2
    assert fetch(home, tmp_path).read_bytes() == CONTENT
    assert home.asked == [None, "bytes=1000000-", "bytes=2000000-"]


def test_goes_on_in_the_next_run(home: Home, tmp_path: Path) -> None:
    home.breaks, home.after = 99, 300_000
    with pytest.raises(DataError, match=r"broke off.*Run the same command again"):
        fetch(home, tmp_path)
    assert names(tmp_path) == ["faces.tgz.part"]
    assert (tmp_path / "faces.tgz.part").read_bytes() == CONTENT[:1_200_000]
    home.breaks = 0
    assert fetch(home, tmp_path).read_bytes() == CONTENT
    assert home.asked[-1] == "bytes=1200000-"


def test_starts_again_with_a_home_that_knows_no_ranges(home: Home, tmp_path: Path) -> None:
    home.breaks, home.ranges = 1, False
    assert fetch(home, tmp_path).read_bytes() == CONTENT


def test_without_a_length_the_checksum_decides(home: Home, tmp_path: Path) -> None:
    home.says_length = False
    assert fetch(home, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("extra", [b"", b"too much"])
def test_a_part_that_is_whole_or_too_long(home: Home, tmp_path: Path, extra: bytes) -> None:
    (tmp_path / "faces.tgz.part").write_bytes(CONTENT + extra)
    assert fetch(home, tmp_path).read_bytes() == CONTENT


def test_other_content_is_refused_and_not_kept(home: Home, tmp_path: Path) -> None:
    home.content = b"<html>Please log in</html>"
    with pytest.raises(DataError, match=rf"{home.url}.*SHA-256.*twinlens data import"):
        fetch(home, tmp_path)
    assert names(tmp_path) == []
    assert fetch(home, tmp_path, sha256=None).read_bytes() == home.content


def test_a_foreign_part_does_not_spoil_the_next_attempt(home: Home, tmp_path: Path) -> None:
    (tmp_path / "faces.tgz.part").write_bytes(b"something else")
    with pytest.raises(DataError, match="SHA-256"):
        fetch(home, tmp_path)
    assert fetch(home, tmp_path).read_bytes() == CONTENT


def test_a_file_of_that_name_is_left_alone(home: Home, tmp_path: Path) -> None:
    (tmp_path / "faces.tgz").write_bytes(b"mine")
    with pytest.raises(DataError, match="not the official file"):
        fetch(home, tmp_path)
    assert (tmp_path / "faces.tgz").read_bytes() == b"mine"


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_answer_that_is_no_file_is_named(home: Home, tmp_path: Path, status: int) -> None:
    home.status = status
    with pytest.raises(DataError, match=rf"{home.url} answers {status}"):
        fetch(home, tmp_path)
    assert names(tmp_path) == []


def test_offline_there_is_a_remedy(tmp_path: Path) -> None:
    with Home() as server:
        url = server.url
    with pytest.raises(DataError, match=rf"{url} cannot be reached.*twinlens data import"):
        download(Remote("faces.tgz", url, SHA256), tmp_path)
    with pytest.raises(DataError, match="cannot be reached"):
        download(Remote("faces.tgz", "http://nowhere.invalid/faces.tgz", SHA256), tmp_path)


def test_a_full_disk_is_called_so_and_the_part_stays(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "faces.tgz.part").write_bytes(CONTENT[:1000])
    monkeypatch.setattr(download_module, "track", full)
    with pytest.raises(TwinlensError, match="No space left"):
        fetch(home, tmp_path)
    assert (tmp_path / "faces.tgz.part").read_bytes() == CONTENT[:1000]
