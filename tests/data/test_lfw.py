from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from twinlens.data.dataset import Dataset
from twinlens.data.lfw import people_samples, read_errata, read_lfw, read_pairs, read_people
from twinlens.data.sources import LfwFiles
from twinlens.errors import DataError
from twinlens.types import Sample

PEOPLE = {"Ann_Lee": 3, "Bo_Yu": 2, "Cy_Orr": 1, "J.R._Ng": 2}


@pytest.fixture
def small() -> Dataset:
    names = [(f"{who}/{who}_{i:04d}.png", who) for who, count in PEOPLE.items() for i in range(1, count + 1)]
    return Dataset("lfw", Path("photos"), tuple(Sample(*name) for name in names))


def _write(folder: Path, *lines: str) -> Path:
    path = folder / "list.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def _photo_files(root: Path, *names: str) -> LfwFiles:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return LfwFiles(root, root, "folder")


def test_photos_are_sorted_and_named_by_their_folder(tmp_path: Path) -> None:
    names = ["Bo_Yu/Bo_Yu_0002.jpg", "Bo_Yu/Bo_Yu_0001.JPG", "Ann_Lee/Ann_Lee_0001.jpg"]
    others = ["Ann_Lee/notes.txt", "Ann_Lee/.hidden_0001.jpg", "readme.txt", ".trash/x.jpg"]
    dataset = read_lfw(_photo_files(tmp_path, *names, *others))
    assert [sample.name for sample in dataset.samples] == sorted(names)
    assert dataset.subjects == ("Ann_Lee", "Bo_Yu")
    assert (dataset.name, dataset.variant) == ("lfw", "folder")


@pytest.mark.parametrize("name", ["Ann_Lee/Bo_Yu_0001.jpg", "Ann_Lee/Ann_Lee_1.jpg", "J.R/JxR_0001.jpg"])
def test_a_photo_in_the_wrong_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=Path(name).name):
        read_lfw(_photo_files(tmp_path, "Bo_Yu/Bo_Yu_0001.jpg", name))


def test_no_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no photos"):
        read_lfw(LfwFiles(tmp_path, tmp_path, "folder"))
    with pytest.raises(DataError, match="cannot be read"):
        read_lfw(LfwFiles(tmp_path / "none", tmp_path, "folder"))


def test_both_formats_of_pairs(tmp_path: Path, small: Dataset) -> None:
    genuine, impostor = ["Ann_Lee\t1\t3", "J.R._Ng\t2\t1"], ["Ann_Lee\t2\tBo_Yu\t1", "Cy_Orr\t1\tBo_Yu\t2"]
    (one,) = read_pairs(_write(tmp_path, "2", *genuine, *impostor, ""), small)
    names = [small.samples[i].name for i in (*one.pairs.first, *one.pairs.second)]
    assert [Path(name).stem for name in names[:4]] == ["Ann_Lee_0001", "J.R._Ng_0002", "Ann_Lee_0002", "Cy_Orr_0001"]
    assert [Path(name).stem for name in names[4:]] == ["Ann_Lee_0003", "J.R._Ng_0001", "Bo_Yu_0001", "Bo_Yu_0002"]
    assert one.pairs.is_genuine.tolist() == [True, True, False, False]
    assert one.broken == 0
    folds = read_pairs(_write(tmp_path, "2\t1", genuine[0], impostor[0], genuine[1], impostor[1]), small)
    assert [fold.pairs.is_genuine.tolist() for fold in folds] == [[True, False]] * 2
    assert [small.samples[fold.pairs.first[0]].subject_id for fold in folds] == ["Ann_Lee", "J.R._Ng"]


def test_pairs_with_broken_photos_are_left_out_and_counted(tmp_path: Path, small: Dataset) -> None:
    path = _write(tmp_path, "1", "Ann_Lee\t1\t3", "Ann_Lee\t2\tBo_Yu\t1")
    broken = ["Bo_Yu/Bo_Yu_0001.png"]
    without = Dataset("lfw", small.root, tuple(s for s in small.samples if s.name not in broken))
    for dataset in (small, without):
        (fold,) = read_pairs(path, dataset, broken)
        assert (fold.pairs.is_genuine.tolist(), fold.broken) == ([True], 1)
    with pytest.raises(DataError, match=r"line 3 names the photo Bo_Yu_0001"):
        read_pairs(path, without)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1", "Ann_Lee\t1\t2"], "line 1 announces 1 x .* and 1 follow"),
        (["1", "Ann_Lee\t1\t2", "Ann_Lee\t1\tBo_Yu\t1", "Ann_Lee\t1\tBo_Yu\t1"], "line 1 announces"),
        (["x", "Ann_Lee\t1\t2", "Ann_Lee\t1\tBo_Yu\t1"], "line 1 has 'x'"),
        (["1\t1\t1"], "line 1 must give"),
        (["1", "Ann_Lee\t1\tBo_Yu\t1", "Ann_Lee\t1\tBo_Yu\t1"], "line 2 must be a genuine"),
        (["1", "Ann_Lee\t1\t2", "Ann_Lee\t1\t2"], "line 3 must be an impostor"),
        (["1", "Ann_Lee\t1\t2", "Ann_Lee\t1\tAnn_Lee\t2"], "line 3 must be an impostor"),
        (["1", "Ann_Lee\t2\t2", "Ann_Lee\t1\tBo_Yu\t1"], "line 2 pairs a photo with itself"),
        (["1", "Ann_Lee\t1\t-2", "Ann_Lee\t1\tBo_Yu\t1"], "line 2 has '-2'"),
        (["1", "Ann_Lee 1 2", "Ann_Lee\t1\tBo_Yu\t1"], "line 2 must be a genuine"),
        (["1", "Ann_Lee\t1\t4", "Ann_Lee\t1\tBo_Yu\t1"], r"line 2 names the photo Ann_Lee_0004, .* not in photos"),
        (["1", "", "Ann_Lee\t1\t2"], "line 2 must be a genuine"),
        ([""], "is empty"),
    ],
)
def test_wrong_pairs_are_named_by_line(tmp_path: Path, small: Dataset, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=rf"list\.txt.*{message}"):
        read_pairs(_write(tmp_path, *lines), small)


def test_a_list_that_is_missing_or_no_text(tmp_path: Path, small: Dataset) -> None:
    with pytest.raises(DataError, match=r"pairs\.txt is missing"):
        read_pairs(tmp_path / "pairs.txt", small)
    (tmp_path / "pairs.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not a text file"):
        read_pairs(tmp_path / "pairs.txt", small)


def test_both_formats_of_people(tmp_path: Path, small: Dataset) -> None:
    assert read_people(_write(tmp_path, "2", "Ann_Lee\t3", "Bo_Yu\t2")) == ({"Ann_Lee": 3, "Bo_Yu": 2},)
    path = _write(tmp_path, "2", "1", "Bo_Yu\t2", "2", "Ann_Lee\t3", "Cy_Orr\t1")
    assert read_people(path) == ({"Bo_Yu": 2}, {"Ann_Lee": 3, "Cy_Orr": 1})
    assert [fold.tolist() for fold in people_samples(path, small)] == [[3, 4], [0, 1, 2, 5]]
    broken = ["Ann_Lee/Ann_Lee_0002.png"]
    assert [fold.tolist() for fold in people_samples(path, small, broken)] == [[3, 4], [0, 2, 5]]
    with pytest.raises(DataError, match=r"list\.txt \(Bo_Yu\) names the photo Bo_Yu_0003"):
        people_samples(_write(tmp_path, "1", "Bo_Yu\t3"), small)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["2", "Ann_Lee\t3"], "line 1 announces 2 people, and 1"),
        (["2", "Ann_Lee\t3", "Ann_Lee\t3"], "line 1 announces 2 people, and 1 different"),
        (["1", "Ann_Lee\t3", "Bo_Yu\t2"], "line 3 is beyond"),
        (["2", "1", "Ann_Lee\t3"], "announces 2 folds, and has 1"),
        (["1", "Ann_Lee\t3\t4"], "line 2 must be a name"),
        (["1", "Ann_Lee\tmany"], "line 2 has 'many'"),
    ],
)
def test_wrong_people_are_named_by_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=rf"list\.txt.*{message}"):
        read_people(_write(tmp_path, *lines))


def test_errata(tmp_path: Path) -> None:
    path = _write(tmp_path, "image,subject_is,kind", "Ann_Lee_0001,Bo_Yu,wrong identity", "Cy_Orr_0001,,spelling")
    assert read_errata(path) == {"Ann_Lee_0001": "wrong identity; shows Bo_Yu", "Cy_Orr_0001": "spelling"}
    with pytest.raises(DataError, match="line 3 must have"):
        read_errata(_write(tmp_path, "image,subject_is,kind", "a,b,c", "a,b"))
    with pytest.raises(DataError, match="line 1 must be"):
        read_errata(_write(tmp_path, "a,b,c"))


@pytest.mark.lfw
def test_all_photos_are_read(lfw: Dataset) -> None:
    assert (len(lfw), len(lfw.subjects), lfw.name, lfw.variant) == (13233, 5749, "lfw", "deepfunneled")
    assert lfw.path(0).is_file()


@pytest.mark.lfw
def test_view_1_is_what_it_is_said_to_be(lfw: Dataset, lfw_files: LfwFiles) -> None:
    codes = lfw.subject_codes
    sides = [read_pairs(lfw_files.lists / f"pairsDev{side}.txt", lfw)[0].pairs for side in ("Train", "Test")]
    people = [set(codes[pairs.samples].tolist()) for pairs in sides]
    assert [(len(pairs), int(pairs.is_genuine.sum())) for pairs in sides] == [(2200, 1100), (1000, 500)]
    assert [len(pairs.samples) for pairs in sides] == [3443, 1549]
    assert [len(side) for side in people] == [2132, 963]
    assert not people[0] & people[1]
    train = sides[0]
    assert max(Counter(codes[train.samples].tolist()).values()) == 8
    assert max(Counter(codes[train.first[train.is_genuine]].tolist()).values()) == 5
    for pairs in sides:
        assert ((codes[pairs.first] == codes[pairs.second]) == pairs.is_genuine).all()


@pytest.mark.lfw
def test_view_1_people(lfw: Dataset, lfw_files: LfwFiles) -> None:
    paths = [lfw_files.lists / f"peopleDev{side}.txt" for side in ("Train", "Test")]
    (train,), (test,) = (read_people(path) for path in paths)
    assert (len(train), len(test)) == (4038, 1711)
    assert not train.keys() & test.keys()
    (photos,) = people_samples(paths[0], lfw)
    assert len(photos) == sum(train.values()) == 9525
    assert Counter(lfw.samples[i].subject_id for i in photos) == Counter(train)
    for side, people in (("Train", train), ("Test", test)):
        pairs = read_pairs(lfw_files.lists / f"pairsDev{side}.txt", lfw)[0].pairs
        assert {lfw.samples[i].subject_id for i in pairs.samples} <= people.keys()


@pytest.mark.lfw
def test_view_2_is_ten_folds_of_strangers(lfw: Dataset, lfw_files: LfwFiles) -> None:
    folds = read_pairs(lfw_files.lists / "pairs.txt", lfw)
    people = read_people(lfw_files.lists / "people.txt")
    assert [(len(f.pairs), int(f.pairs.is_genuine.sum()), f.broken) for f in folds] == [(600, 300, 0)] * 10
    assert sum(len(fold) for fold in people) == len(set().union(*people)) == 5749
    for fold, names in zip(folds, people, strict=True):
        assert {lfw.samples[i].subject_id for i in fold.pairs.samples} <= names.keys()
    photos = np.concatenate(people_samples(lfw_files.lists / "people.txt", lfw))
    assert np.array_equal(np.sort(photos), np.arange(13233))


@pytest.mark.lfw
def test_the_errata_name_photos_that_exist(lfw: Dataset, lfw_files: LfwFiles) -> None:
    errata = read_errata(lfw_files.lists / "errata.csv")
    assert len(errata) == 23
    assert errata.keys() <= {Path(sample.name).stem for sample in lfw.samples}
