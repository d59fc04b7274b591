import os
import shutil
from pathlib import Path

import pytest

from twinlens.data.folders import photos_by_subject, read_folder, read_pair_list
from twinlens.errors import DataError


def _touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def _list(folder: Path, *lines: str, header: str = "first,second,is_genuine") -> Path:
    _touch(folder, *(f"{who}/{i}.jpg" for who in "abc" for i in (1, 2, 3)))
    path = folder / "mine.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_folder_of_subjects(tmp_path: Path) -> None:
    names = ["Zoe/x.png", "Zoe/a.WEBP", "Ann Lee/1.jpeg", "Ärzte/1.tif"]
    _touch(tmp_path / "team", *names, "Zoe/.x.png", "Zoe/notes.md", ".git/x.png", "__MACOSX/Zoe/x.png", "list.csv")
    dataset = read_folder(tmp_path / "team")
    assert [sample.name for sample in dataset.samples] == sorted(names)
    assert dataset.subjects == ("Ann Lee", "Zoe", "Ärzte")
    assert (dataset.name, dataset.root) == ("folder:team", tmp_path / "team")


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_archive_of_subjects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrapped: bool) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    photos = tmp_path / "source" / "photos" if wrapped else tmp_path / "source"
    _touch(photos, "Ann/1.jpg", "Ann/2.jpg", "Bo/1.jpg")
    archive = Path(shutil.make_archive(str(tmp_path / "team"), "zip", tmp_path / "source"))
    dataset = read_folder(archive)
    assert [sample.name for sample in dataset.samples] == ["Ann/1.jpg", "Ann/2.jpg", "Bo/1.jpg"]
    assert dataset.name == "folder:team"
    assert all(dataset.path(i).is_file() for i in range(3))


def test_too_few_subjects_and_subjects_without_photos(tmp_path: Path) -> None:
    _touch(tmp_path, "Ann/1.jpg", "loose.jpg")
    with pytest.raises(DataError, match="holds 1 folders with photos"):
        read_folder(tmp_path)
    _touch(tmp_path, "Bo/1.jpg", "Cy/deeper/1.jpg")
    with pytest.raises(DataError, match="Cy holds no photos"):
        read_folder(tmp_path)
    with pytest.raises(DataError, match="nowhere cannot be read"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"loose\.jpg cannot be read"):
        list(photos_by_subject(tmp_path / "loose.jpg"))


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"M\xfcller")).mkdir()
    with pytest.raises(DataError, match=r"udcfcller', which is no UTF-8 text. Rename it"):
        read_folder(tmp_path)


def test_a_list_of_pairs(tmp_path: Path) -> None:
    path = _list(
        tmp_path, "a/2.jpg,./a//1.jpg,1", "a/2.jpg,a/3.jpg,TRUE", "b/1.jpg, b/2.jpg ,true", "a/1.jpg,b/2.jpg,0"
    )
    dataset, pairs = read_pair_list(path)
    assert [sample.name for sample in dataset.samples] == ["a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg"]
    assert [sample.subject_id for sample in dataset.samples] == ["a/1.jpg"] * 3 + ["b/1.jpg"] * 2
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([1, 1, 3, 0], [0, 2, 4, 4])
    assert pairs.is_genuine.tolist() == [True, True, True, False]
    assert (dataset.name, dataset.root) == ("pairs:mine", tmp_path)


def test_columns_may_come_in_any_order_and_from_a_spreadsheet(tmp_path: Path) -> None:
    path = _list(tmp_path, "0,a/1.jpg,b/1.jpg\r", header="\ufeffis_genuine,first,second\r")
    dataset, pairs = read_pair_list(path)
    assert (len(dataset), pairs.is_genuine.tolist()) == (2, [False])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "lists no pairs"),
        (["a/1.jpg,a/2.jpg"], "line 2 does not have three"),
        (["a/1.jpg,a/2.jpg,1", "a/1.jpg,a/2.jpg,1,1"], "line 3 does not have three"),
        (["a/1.jpg,a/2.jpg,yes"], "line 2 has is_genuine 'yes'"),
        (["a/1.jpg,,1"], "line 2 has the path ''"),
        (["a/1.jpg,../mine/a/2.jpg,1"], "line 2 has the path '../mine/a/2.jpg'"),
        (["a/1.jpg,a/../../x.jpg,1"], "leads out of"),
        (["/etc/passwd,a/1.jpg,1"], "line 2 has the path '/etc/passwd'"),
        (["a/1.jpg,a/9.jpg,1"], "line 2 names a/9.jpg"),
        (["a/1.jpg,a/./1.jpg,1"], "line 2 pairs a/1.jpg with itself"),
        (['"a/1.jpg,a/2.jpg,1'], "line 2 is not CSV"),
        (["a/1.jpg,a/2.jpg,1", "a/2.jpg,a/3.jpg,1", "b/1.jpg,b/2.jpg,0", "a/3.jpg,a/1.jpg,0"], "line 5 says"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=rf"mine\.csv.*{message}"):
        read_pair_list(_list(tmp_path, *lines))


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1 must name the columns"):
        read_pair_list(_list(tmp_path, "a/1.jpg,b/1.jpg,1", header="first,second"))
    with pytest.raises(DataError, match=r"none\.csv cannot be read"):
        read_pair_list(tmp_path / "none.csv")
    with pytest.raises(DataError, match="line 1 is not CSV"):
        read_pair_list(_list(tmp_path, "a/1.jpg,b/1.jpg,1", header='"first,second,is_genuine'))
    (tmp_path / "mine.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8"):
        read_pair_list(tmp_path / "mine.csv")
