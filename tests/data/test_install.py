"""Getting datasets from their homes and from copies, and listing them."""

import errno
import shutil
from pathlib import Path

import pytest
from PIL import Image

from twinlens.data import homes, install
from twinlens.data.download import Remote
from twinlens.data.install import DatasetName, Installed, fetch, import_data, installed
from twinlens.data.sources import locate_lfw, locate_omniglot
from twinlens.errors import DataError
from twinlens.files import sha256_file


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TWINLENS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def lfw(folder: Path, name: str = "lfw_funneled") -> Path:
    for person, count in (("Ann_Lee", 2), ("Bo", 1)):
        (folder / name / person).mkdir(parents=True)
        for i in range(1, count + 1):
            Image.new("RGB", (8, 8)).save(folder / name / person / f"{person}_{i:04d}.jpg")
    (folder / name / "Bo" / "Thumbs.db").write_bytes(b"no photo")
    for text in ("pairs.txt", "pairsDevTrain.txt", "errata.csv", "notes.txt"):
        (folder / text).write_text(text)
    return folder


class Net:
    """Stands for the net: gives what it was told, and notes what was asked."""

    def __init__(self, down: tuple[str, ...] = ()) -> None:
        self.down = down
        self.asked: list[str] = []

    def __call__(self, remote: Remote, folder: Path) -> Path:
        self.asked.append(remote.name)
        if remote.name in self.down:
            raise DataError(f"{remote.url} cannot be reached.")
        (folder / remote.name).write_bytes(b"")
        return folder / remote.name


def test_fetching_lfw_gets_the_photos_and_lists(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net()
    monkeypatch.setattr(install, "download", net)
    assert fetch("lfw") == cache / "data" / "lfw"
    lists = {
        "pairs.txt",
        "pairsDevTrain.txt",
        "pairsDevTest.txt",
        "people.txt",
        "peopleDevTrain.txt",
        "peopleDevTest.txt",
    }
    assert set(net.asked) == {*lists, "lfw-funneled.tgz"}


def test_only_the_lists_of_people_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "download", Net(down=("people.txt", "peopleDevTrain.txt", "peopleDevTest.txt")))
    assert fetch("lfw", tmp_path / "to") == tmp_path / "to"
    monkeypatch.setattr(install, "download", Net(down=("pairs.txt",)))
    with pytest.raises(DataError, match=r"pairs|5976006"):
        fetch("lfw", tmp_path / "to")


def test_fetched_omniglot_that_is_not_omniglot_is_refused_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "download", Net())
    with pytest.raises(DataError, match=r"images_background\.zip is broken"):
        fetch("omniglot", tmp_path / "to")
    assert [path.name for path in (tmp_path / "to").iterdir()] == [".lock"]


def test_files_that_lay_there_and_are_not_omniglot_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "download", Net())
    (tmp_path / "to").mkdir()
    for name in ("images_background.zip", "images_evaluation.zip"):
        (tmp_path / "to" / name).write_bytes(b"junk")
    with pytest.raises(DataError, match=r"Move .*background\.zip, .*evaluation\.zip away and fetch it again"):
        fetch("omniglot", tmp_path / "to")
    assert not (tmp_path / "to" / "all_runs.zip").exists()


@pytest.mark.lfw
def test_the_checksums_are_those_of_the_official_lists(data_folder: Path) -> None:
    lists = [remote for remote in (*homes.LFW, *homes.LFW_PEOPLE_LISTS) if remote.name.endswith(".txt")]
    assert len(lists) == 6
    for remote in lists:
        assert sha256_file(data_folder / "lfw" / remote.name) == remote.sha256


def test_the_addresses_are_those_that_scikit_learn_uses() -> None:
    from sklearn.datasets import _lfw

    theirs = {r.filename: (r.url, r.checksum) for r in (*_lfw.TARGETS, _lfw.FUNNELED_ARCHIVE)}
    assert {remote.name: (remote.url, remote.sha256) for remote in homes.LFW} == theirs


@pytest.mark.parametrize("form", ["folder", "its images"])
def test_importing_lfw_copies_photos_and_lists(tmp_path: Path, cache: Path, form: str) -> None:
    source = lfw(tmp_path / "mine")
    assert import_data("lfw", source if form == "folder" else source / "lfw_funneled") == cache / "data" / "lfw"
    found = locate_lfw()
    assert found.variant == "funneled"
    copied = sorted(p.relative_to(found.images).as_posix() for p in found.images.rglob("*") if p.is_file())
    assert copied == ["Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg", "Bo/Bo_0001.jpg"]
    texts = sorted(path.name for path in found.lists.iterdir() if path.is_file() and path.name != ".lock")
    assert texts == ["errata.csv", "pairs.txt", "pairsDevTrain.txt"]


def test_a_photo_that_cannot_be_read_is_not_said_to_be_unwritable(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = lfw(tmp_path / "mine")

    def copyfile(path: Path, copy: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    with pytest.raises(DataError, match=r"Ann_Lee_0001\.jpg cannot be read: Permission denied"):
        import_data("lfw", source)
    assert not (cache / "data" / "lfw" / "lfw-funneled").exists()


def test_an_edition_without_a_name_is_found_again(tmp_path: Path) -> None:
    import_data("lfw", lfw(tmp_path / "mine", "faces") / "faces")
    assert locate_lfw().variant == "folder"


def test_importing_twice_or_from_nowhere_is_refused(tmp_path: Path) -> None:
    source = lfw(tmp_path / "mine")
    import_data("lfw", source)
    with pytest.raises(DataError, match="already there"):
        import_data("lfw", source)
    (tmp_path / "empty").mkdir()
    names: tuple[DatasetName, ...] = ("lfw", "omniglot")
    for name in names:
        with pytest.raises(DataError, match="does not exist"):
            import_data(name, tmp_path / "nowhere")
        with pytest.raises(DataError, match=r"is not in .*empty"):
            import_data(name, tmp_path / "empty")


def test_lists_what_is_there_and_what_is_wrong_with_it(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert installed() == []
    images = lfw(tmp_path / "data" / "lfw") / "lfw_funneled"
    (tmp_path / "data" / "omniglot").mkdir()
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    size = sum(photo.stat().st_size for photo in images.glob("*/*.jpg"))
    first, second = installed()
    assert first == Installed("lfw", images, "funneled", 3, 2, size)
    assert second.problem.startswith("Omniglot")


@pytest.mark.omniglot
def test_real_omniglot_is_imported_and_anything_less_is_refused(data_folder: Path, tmp_path: Path, cache: Path) -> None:
    import_data("omniglot", data_folder / "omniglot")
    found = locate_omniglot()
    assert found.background == cache / "data" / "omniglot" / "images_background"
    (row,) = [row for row in installed() if row.name == "omniglot"]
    assert (row.images, row.subjects, row.problem) == (32460, 1623, "")
    next(found.evaluation.glob("*/*/*.png")).unlink()
    with pytest.raises(DataError, match="19 drawings; Omniglot has 20"):
        import_data("omniglot", found.evaluation.parent)
