"""What :mod:`twinlens.files` says and leaves where the disk refuses."""

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.test_files import fill, name_of
from twinlens.errors import TwinlensError
from twinlens.files import plain_disk_errors, whole_file, whole_folder, write_text

Whole = Callable[[Path], AbstractContextManager[Path]]


@pytest.fixture(params=[whole_file, whole_folder])
def whole(request: pytest.FixtureRequest) -> Whole:
    made: Whole = request.param
    return made


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_full_disk_is_told_and_nothing_is_left(tmp_path: Path, whole: Whole) -> None:
    with pytest.raises(TwinlensError, match=r"No space left while writing .*thing\. Free some space"):  # noqa: SIM117
        with whole(tmp_path / "thing"):
            Path("/dev/full").write_text("too much", encoding="utf-8")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_disk_that_fills_up_at_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    write_text(tmp_path / "file.txt", "old")

    def fail(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TwinlensError, match=r"No space left while writing .*file\.txt"):
        write_text(tmp_path / "file.txt", "new")
    assert (tmp_path / "file.txt").read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_forbidden_place_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Whole, number: int) -> None:
    def refuse(prefix: str, suffix: str, dir: Path) -> None:
        raise OSError(number, os.strerror(number), str(dir))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(TwinlensError, match=r"cannot be written: .*\. Choose another place\."):  # noqa: SIM117
        with whole(tmp_path / "thing"):
            pytest.fail("there is nowhere to write")


def test_file_where_a_folder_has_to_be_is_named(tmp_path: Path, whole: Whole) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "thing", tmp_path / "file" / "deeper" / "thing"):
        with pytest.raises(TwinlensError, match=r"/file(/deeper)? cannot be written"):  # noqa: SIM117
            with whole(path):
                pytest.fail("there is nowhere to write")


def test_folder_where_a_file_has_to_be_is_named_and_stands(tmp_path: Path) -> None:
    fill(tmp_path / "thing", "old")
    with pytest.raises(TwinlensError, match="/thing cannot be written"):
        write_text(tmp_path / "thing", "new")
    assert name_of(tmp_path / "thing") == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("replace", [True, False])
def test_file_where_a_folder_was_to_be_stands(tmp_path: Path, replace: bool) -> None:
    (tmp_path / "thing").write_text("old", encoding="utf-8")
    with pytest.raises(TwinlensError, match="/thing cannot be written"):
        fill(tmp_path / "thing", "new", replace=replace)
    assert (tmp_path / "thing").read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_other_errors_of_the_system_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), plain_disk_errors(tmp_path):
        (tmp_path / "none").read_bytes()
