"""The official datasets are found in every form in which people have them."""

import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from twinlens.data import sources
from twinlens.data.sources import cache_folder, data_folders, locate_lfw, locate_omniglot, unpacked
from twinlens.errors import DataError


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data folder but the cache's, whatever the machine has."""
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TWINLENS_DATA", raising=False)
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")


def people(folder: Path) -> Path:
    for name in ("Ann_Lee", "Bo", "Cy_Young"):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}_0001.jpg").write_bytes(name.encode())
    return folder


def lists(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pairsDevTrain.txt").write_text("0\n")
    return folder


def omniglot(folder: Path) -> Path:
    for part, alphabets in (("images_background", "AB"), ("images_evaluation", "CD")):
        for alphabet in alphabets:
            (folder / part / alphabet / "character01").mkdir(parents=True)
            (folder / part / alphabet / "character01" / "0001_01.png").touch()
    for run in ("run01", "run02"):
        (folder / "all_runs" / run).mkdir(parents=True)
        (folder / "all_runs" / run / "class_labels.txt").touch()
    return folder


def pack(folder: Path, archive: Path, inside: str) -> Path:
    """The folder as an archive, in which it is called ``inside``."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted(folder.rglob("*")):
                file.write(path, f"{inside}/{path.relative_to(folder)}")
    else:
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(folder, inside)
    shutil.rmtree(folder)
    return archive


def test_the_cache_and_data_folders_follow_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = tmp_path / "cache" / "data"
    assert cache_folder() == tmp_path / "cache"
    assert data_folders() == [fetched]
    (tmp_path / "a" / "shared" / "data").mkdir(parents=True)
    assert data_folders() == [tmp_path / "a" / "shared" / "data", fetched]
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "a"))
    assert data_folders() == [tmp_path / "a", fetched]
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "missing"))
    with pytest.raises(DataError, match=r"TWINLENS_DATA is set to .*missing"):
        data_folders()
    monkeypatch.delenv("TWINLENS_CACHE")
    assert cache_folder().name == "twinlens"


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("lfw", "original"),
        ("lfw_funneled", "funneled"),
        ("lfw-funneled", "funneled"),
        ("lfw-deepfunneled", "deepfunneled"),
        ("lfw-a", "lfw-a"),
        ("lfw2", "lfw-a"),
    ],
)
@pytest.mark.parametrize("form", ["folder", "tgz", "zip", "wrapped"])
def test_every_edition_of_lfw_in_every_form(tmp_path: Path, name: str, variant: str, form: str) -> None:
    place = lists(tmp_path / "cache" / "data" / "lfw")
    if form == "folder":
        people(place / name)
    elif form == "wrapped":
        people(place / name / name)
    else:
        pack(people(tmp_path / "made"), place / f"{name}.{form}", name)
    found = locate_lfw()
    assert found.variant == variant
    assert found.lists == place
    assert (found.images / "Ann_Lee" / "Ann_Lee_0001.jpg").read_bytes() == b"Ann_Lee"
    assert locate_lfw(place) == found
    assert locate_lfw() == found


def test_the_best_aligned_edition_is_preferred(tmp_path: Path) -> None:
    place = lists(tmp_path / "cache" / "data" / "lfw")
    for name in ("lfw", "lfw_funneled", "lfw-a"):
        people(place / name)
    assert locate_lfw().variant == "lfw-a"
    pack(people(tmp_path / "made"), place / "lfw-deepfunneled.tgz", "lfw-deepfunneled")
    assert locate_lfw().variant == "deepfunneled"


def test_a_given_root_may_be_the_images_themselves_or_an_archive(tmp_path: Path) -> None:
    lists(tmp_path / "mine")
    images = people(tmp_path / "mine" / "lfw-deepfunneled")
    assert locate_lfw(images) == sources.LfwFiles(images, tmp_path / "mine", "deepfunneled")
    archive = pack(images, tmp_path / "mine" / "lfw-funneled.tgz", "lfw_funneled")
    found = locate_lfw(archive)
    assert (found.variant, found.lists) == ("funneled", tmp_path / "mine")
    other = people(tmp_path / "mine" / "faces")
    assert locate_lfw(other).variant == "folder"
    loose = people(lists(tmp_path / "x" / "lfw"))
    assert locate_lfw(loose) == sources.LfwFiles(loose, loose, "folder")


def test_lists_may_lie_in_a_data_folder(tmp_path: Path) -> None:
    official = lists(tmp_path / "cache" / "data" / "lfw")
    assert locate_lfw(people(tmp_path / "elsewhere" / "lfw-a")).lists == official


def test_an_archive_is_unpacked_once_even_from_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = lists(tmp_path / "readonly")
    archive = pack(people(tmp_path / "made"), place / "lfw.tgz", "lfw")
    place.chmod(0o555)
    first = locate_lfw(place)
    monkeypatch.setattr(sources, "extract", lambda *_: pytest.fail("unpacked again"))
    assert locate_lfw(place) == first
    assert not first.images.is_relative_to(place)
    place.chmod(0o755)
    os.utime(archive, (1e9, 1e9))
    with pytest.raises(pytest.fail.Exception):
        locate_lfw(place)


def test_what_is_missing_is_said_with_the_command_to_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"LFW.*cache/data/lfw.*twinlens data fetch lfw.*import lfw --from"):
        locate_lfw()
    with pytest.raises(DataError, match=r"elsewhere.*fetch lfw"):
        locate_lfw(tmp_path / "elsewhere")
    people(tmp_path / "cache" / "data" / "lfw" / "lfw")
    with pytest.raises(DataError, match=r"lists.*twinlens data fetch lfw"):
        locate_lfw()
    with pytest.raises(DataError, match=r"Omniglot.*all_runs.*twinlens data fetch omniglot"):
        locate_omniglot()


def test_a_broken_archive_is_named_and_not_taken_for_unpacked(tmp_path: Path) -> None:
    place = lists(tmp_path / "cache" / "data" / "lfw")
    archive = pack(people(tmp_path / "made"), place / "lfw.tgz", "lfw")
    archive.write_bytes(archive.read_bytes()[:-20])
    for _ in range(2):
        with pytest.raises(DataError, match=r"lfw\.tgz is broken"):
            locate_lfw()
    with pytest.raises(DataError, match=r"gone\.tgz cannot be read"):
        unpacked(tmp_path / "gone.tgz")


@pytest.mark.parametrize("form", ["folders", "zips", "one zip"])
def test_omniglot_in_every_form(tmp_path: Path, form: str) -> None:
    place = omniglot(tmp_path / "omniglot")
    if form == "zips":
        pack(place / "images_background", place / "images_background.zip", "images_background")
        pack(place / "images_evaluation", place / "images_evaluation.zip", "images_evaluation")
        pack(place / "all_runs", place / "all_runs.zip", ".")
    elif form == "one zip":
        place = pack(place, tmp_path / "omniglot.zip", "omniglot")
    found = locate_omniglot(place)
    assert (found.background / "A" / "character01" / "0001_01.png").is_file()
    assert (found.evaluation / "D" / "character01" / "0001_01.png").is_file()
    assert (found.runs / "run01" / "class_labels.txt").is_file()


def test_half_an_omniglot_is_none(tmp_path: Path) -> None:
    place = omniglot(tmp_path / "omniglot")
    shutil.rmtree(place / "images_evaluation")
    with pytest.raises(DataError, match="images_evaluation"):
        locate_omniglot(place)


@pytest.mark.lfw
def test_real_lfw(data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    found = locate_lfw(data_folder / "lfw")
    assert found.variant == "deepfunneled"
    assert found.lists == data_folder / "lfw"
    assert len(list(found.images.glob("*/*.jpg"))) == 13233
    assert len(list(found.images.iterdir())) == 5749


@pytest.mark.omniglot
def test_real_omniglot(data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    found = locate_omniglot(data_folder / "omniglot")
    assert len(list(found.background.glob("*/*/*.png"))) == 964 * 20
    assert len(list(found.evaluation.glob("*/*/*.png"))) == 659 * 20
    assert len(list(found.runs.glob("run*/class_labels.txt"))) == 20
