"""Archives are unpacked whole or not at all, and never beyond their folder."""

import errno
import gzip
import io
import os
import stat
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from twinlens.data import archives
from twinlens.data.archives import SUFFIXES, ArchiveLimits, extract, is_archive, stem
from twinlens.errors import DataError, TwinlensError

CONTENT = {"photos/Ann/1.jpg": b"one", "photos/Ann/2.jpg": b"two" * 1000, "photos/list.txt": b""}


def make_zip(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path: Path, members: list[tuple[str | tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as file:
        for entry, data in members:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = info.size or len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def make(path: Path, members: list[tuple[str, bytes]]) -> Path:
    return make_zip(path, list(members)) if path.suffix == ".zip" else make_tar(path, list(members))


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def refuse(archive: Path, reason: str, limits: ArchiveLimits | None = None) -> None:
    """The archive is named, and nothing at all is written beside it."""
    before = sorted(archive.parent.parent.rglob("*"))
    with pytest.raises(DataError, match=reason) as caught:
        extract(archive, archive.parent / "out", limits=limits or ArchiveLimits())
    assert str(archive) in str(caught.value)
    assert sorted(archive.parent.parent.rglob("*")) == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_unpacks_what_was_packed(tmp_path: Path, suffix: str) -> None:
    archive = make(tmp_path / f"faces.v1{suffix}", list(CONTENT.items()))
    assert is_archive(archive)
    assert stem(archive) == "faces.v1"
    extract(archive, tmp_path / "deep" / "out")
    assert contents(tmp_path / "deep" / "out") == CONTENT


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/tmp/evil", "//evil", "..\\evil", "a\\..\\..\\evil", "C:\\evil", "C:evil", "\\evil"],
)
def test_names_that_lead_out_are_refused(tmp_path: Path, suffix: str, name: str) -> None:
    (tmp_path / "in").mkdir()
    archive = make(tmp_path / "in" / f"x{suffix}", [("good.jpg", b"good"), (name, b"evil")])
    refuse(archive, "leads out of its folder|outside the destination|absolute")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_tars_are_refused(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "in").mkdir()
    info = tarfile.TarInfo("link")
    info.type, info.linkname = kind, "good.jpg"
    refuse(make_tar(tmp_path / "in" / "x.tgz", [("good.jpg", b"good"), (info, b"")]), "no regular file")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_zips_are_refused(tmp_path: Path, kind: int) -> None:
    (tmp_path / "in").mkdir()
    info = zipfile.ZipInfo("link")
    info.external_attr = (kind | 0o777) << 16
    refuse(make_zip(tmp_path / "in" / "x.zip", [("good.jpg", b"good"), (info, b"/etc/passwd")]), "no regular file")


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "in").mkdir()
    twice = make(tmp_path / "in" / f"twice{suffix}", [("a.jpg", b"1"), ("./a.jpg", b"2")])
    refuse(twice, r"'a\.jpg' twice")
    refuse(make(tmp_path / "in" / f"file-as-folder{suffix}", [("a", b"1"), ("a/b", b"2")]), "twice|broken")


@pytest.mark.parametrize("suffix", [".zip", ".tgz"])
def test_limits_hold(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "in").mkdir()
    archive = make(tmp_path / "in" / f"x{suffix}", [(f"{i}.bin", bytes(1000)) for i in range(10)])
    refuse(archive, "more than 9 members", ArchiveLimits(max_members=9))
    refuse(archive, "more than it may", ArchiveLimits(max_member_bytes=999))
    refuse(archive, "more than it may", ArchiveLimits(max_total_bytes=9999))
    extract(archive, tmp_path / "out", limits=ArchiveLimits(10, 1000, 10_000))
    assert len(contents(tmp_path / "out")) == 10


@pytest.mark.parametrize("suffix", [".zip", ".tgz"])
def test_bombs_are_stopped_early(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_ALWAYS_ALLOWED", 2**20)
    (tmp_path / "in").mkdir()
    archive = make(tmp_path / "in" / f"bomb{suffix}", [(f"{i}.bin", bytes(2**22)) for i in range(4)])
    assert archive.stat().st_size < 2**15
    refuse(archive, "more than it may")


def test_what_a_zip_says_about_sizes_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    archive = make_zip(tmp_path / "in" / "liar.zip", [("a.bin", bytes(100_000))])
    archive.write_bytes(archive.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    refuse(archive, "broken")


def test_a_forged_tar_header_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**32
    path = tmp_path / "in" / "forged.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf() + bytes(2**21)))
    refuse(path, "absurd size")


@pytest.mark.parametrize("damage", ["flip", "cut inside", "cut before"])
def test_a_tar_whose_headers_are_damaged_is_not_taken_for_its_beginning(tmp_path: Path, damage: str) -> None:
    (tmp_path / "in").mkdir()
    archive = make_tar(tmp_path / "in" / "a.tar", [(f"photos/{i}.jpg", b"x" * 600) for i in range(5)])
    content = bytearray(archive.read_bytes())
    third = 2 * (512 + 1024)
    content[third + 10] ^= damage == "flip"
    end = {"flip": len(content), "cut inside": third + 100, "cut before": third}[damage]
    archive.write_bytes(content[:end])
    refuse(archive, "a header is damaged or missing")


def test_what_follows_the_end_of_a_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    archive = make_tar(tmp_path / "in" / "a.tar", [("photos/1.jpg", b"x")])
    with archive.open("ab") as file:
        file.write(b"more")
    refuse(archive, "goes on after its end")


def with_long_headers(folder: Path, members: int, length: int) -> Path:
    folder.mkdir()
    entries: list[tuple[str | tarfile.TarInfo, bytes]] = []
    for i in range(members):
        info = tarfile.TarInfo(f"photos/{i}.jpg")
        info.pax_headers = {"comment": "x" * length}
        entries.append((info, b"1"))
    return make_tar(folder / "a.tgz", entries)


def test_headers_of_absurd_size_are_refused(tmp_path: Path) -> None:
    refuse(with_long_headers(tmp_path / "in", 3, 900_000), "headers of absurd size")


def test_headers_are_not_kept(tmp_path: Path) -> None:
    archive = with_long_headers(tmp_path / "in", 1000, 6000)
    tracemalloc.start()
    extract(archive, tmp_path / "out")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1000 * 6000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_broken_archives_are_named(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "in").mkdir()
    archive = make(tmp_path / "in" / f"x{suffix}", [("a.bin", os.urandom(50_000))])
    data = archive.read_bytes()
    flipped = data[:30_000] + bytes([data[30_000] ^ 0xFF]) + data[30_001:]
    versions = {"cut": data[: len(data) // 2], "empty": b"", "noise": os.urandom(5000), "text": b"<html>404</html>"}
    if suffix != ".tar":  # which has no checksum over contents
        versions["flipped"] = flipped
    for name, damaged in versions.items():
        broken = archive.with_name(f"{name}{suffix}")
        broken.write_bytes(damaged)
        refuse(broken, "broken")


def test_encrypted_missing_and_other_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    archive = make_zip(tmp_path / "in" / "secret.zip", [("a.bin", b"secret")])
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    archive.write_bytes(data)
    refuse(archive, "encrypted")
    refuse(tmp_path / "in" / "missing.zip", "no archive")
    other = tmp_path / "in" / "photos.rar"
    other.write_bytes(b"Rar!")
    refuse(other, r"no archive.*\.zip")


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    archive = make(tmp_path / "x.zip", list(CONTENT.items()))
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="already there"):
        extract(archive, tmp_path / "out")


@pytest.mark.parametrize("suffix", [".zip", ".tgz"])
def test_a_full_disk_is_called_so_and_leaves_nothing(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = make(tmp_path / f"x{suffix}", list(CONTENT.items()))
    monkeypatch.setattr(archives, "_copy", full)
    with pytest.raises(TwinlensError, match=r"No space left.*out"):
        extract(archive, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [archive]


def test_permissions_in_the_archive_are_not_taken_over(tmp_path: Path) -> None:
    info = tarfile.TarInfo("run.sh")
    info.mode = 0o6777
    extract(make_tar(tmp_path / "x.tar", [(info, b"#!/bin/sh")]), tmp_path / "out")
    assert not (tmp_path / "out" / "run.sh").stat().st_mode & (0o111 | stat.S_ISUID | stat.S_ISGID)
