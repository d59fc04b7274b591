from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinlens.config import Config
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.folders import read_pair_list
from twinlens.data.lfw import read_pairs, read_people
from twinlens.data.omniglot import alphabet_codes, drawer_numbers
from twinlens.data.protocols import lfw_view1_test, lfw_view2_folds, make_partition, part_of_list
from twinlens.data.sources import LfwFiles
from twinlens.data.splits import leaking_share
from twinlens.errors import DataError
from twinlens.types import Sample

IDENTITIES = {"kind": "identities", "pairs": 500}


def _config(data: dict[str, Any], validation: float = 0.1, kind: str = "subjects", seed: int = 0) -> Config:
    split = {"kind": kind, "validation": validation}
    return Config.model_validate({"name": "x", "seed": seed, "data": data, "split": split})


def _people(subjects: int, photos: int, name: str = "folder:x") -> Dataset:
    names = [(f"s{s:02d}/{i}.jpg", f"s{s:02d}") for s in range(subjects) for i in range(photos)]
    return Dataset(name, Path("photos"), tuple(Sample(*each) for each in names))


def _check(partition: Partition) -> tuple[Part, Part, Part]:
    """What holds for every partition that does not leak."""
    dataset = partition.dataset
    parts = (partition.train, partition.validation, partition.test)
    subjects = [set(part.subject_codes(dataset).tolist()) for part in parts]
    assert not subjects[0] & subjects[1]
    assert not subjects[2] & (subjects[0] | subjects[1])
    assert not partition.leaks
    for part in parts:
        assert (np.diff(part.samples) > 0).all()
        assert np.isin(part.pairs.samples, part.samples).all()
        codes = dataset.subject_codes
        assert (part.pairs.is_genuine == (codes[part.pairs.first] == codes[part.pairs.second])).all()
        assert 0 < part.pairs.is_genuine.sum() < len(part.pairs)
    return parts


def _same(one: Part, other: Part) -> bool:
    fields = ("first", "second", "is_genuine")
    return all(np.array_equal(getattr(one.pairs, name), getattr(other.pairs, name)) for name in fields)


def test_seed_of_the_split_alone_decides_on_validation() -> None:
    dataset = _people(50, 4)
    data = {"kind": "synthetic", "test_pairs": 60, "setting": {"pairs": 300}}

    def cut(seed: int, of_split: int | None) -> Partition:
        split = {"validation": 0.25, "seed": of_split}
        config = Config.model_validate({"name": "x", "seed": seed, "data": data, "split": split})
        return make_partition(config, dataset)

    first, second, other, plain = cut(0, 7), cut(1, 7), cut(0, 8), cut(7, None)
    assert _same(first.validation, second.validation)
    assert np.array_equal(first.train.samples, second.train.samples)
    assert not _same(first.train, second.train)  # pairs are drawn by the run's own seed
    assert not np.array_equal(first.validation.samples, other.validation.samples)
    assert _same(first.validation, plain.validation)


@pytest.mark.parametrize("kind", ["folder", "synthetic"])
def test_people_are_cut_in_three(kind: str) -> None:
    dataset = _people(50, 4)
    data = {"kind": kind, "test": 0.2, "test_pairs": 60, "setting": {"pairs": 300}}
    data |= {"root": "photos"} if kind == "folder" else {}
    partition = make_partition(_config(data, 0.25), dataset)
    train, validation, test = _check(partition)
    assert partition.protocol == kind
    assert [len(part.subject_codes(dataset)) for part in (train, validation, test)] == [30, 10, 10]
    assert sum(len(part.samples) for part in (train, validation, test)) == 200
    assert [len(part.pairs) for part in (train, validation, test)] == [300, 60, 60]


def test_the_seed_changes_all_but_the_test() -> None:
    data = {"kind": "folder", "root": "photos", "test_pairs": 60}
    one, same, other = (make_partition(_config(data, seed=seed), _people(50, 4)) for seed in (0, 0, 1))
    assert _same(one.train, same.train)
    assert _same(one.validation, same.validation)
    assert _same(one.test, other.test)
    assert not _same(one.train, other.train)
    assert set(one.validation.samples) != set(other.validation.samples)


def test_a_part_that_is_too_small_is_named() -> None:
    data = {"kind": "folder", "root": "photos"}
    with pytest.raises(DataError, match=r"No test pairs can be had\. Pairs need two subjects"):
        make_partition(_config(data), _people(3, 2))
    with pytest.raises(DataError, match=r"No test pairs can be had\. Pairs need two subjects"):
        make_partition(_config(data), _people(40, 1))


def _pair_list(folder: Path, families: int) -> Path:
    """Families of two people with two photos each, who meet only each other."""
    rows = ["first,second,is_genuine"]
    for i in range(families):
        a, b, c, d = (f"{i}{letter}.jpg" for letter in "abcd")
        rows += [f"{a},{b},1", f"{c},{d},1", f"{a},{c},0", f"{b},{d},0"]
        for name in (a, b, c, d):
            (folder / name).touch()
    (folder / "mine.csv").write_text("\n".join(rows))
    return folder / "mine.csv"


def test_listed_pairs_are_cut_in_three_by_components(tmp_path: Path) -> None:
    path = _pair_list(tmp_path, 50)
    dataset, _ = read_pair_list(path)
    partition = make_partition(_config({"kind": "pairs", "list": str(path)}, 0.25), dataset)
    assert [len(part.pairs) for part in _check(partition)] == [120, 40, 40]
    assert (partition.protocol, partition.dropped_pairs, partition.broken_pairs) == ("pairs", 0, 0)


def test_listed_pairs_without_broken_photos(tmp_path: Path) -> None:
    path = _pair_list(tmp_path, 50)
    whole, _ = read_pair_list(path)
    broken = ("7a.jpg", "9c.jpg")
    dataset = Dataset(whole.name, whole.root, tuple(s for s in whole.samples if s.name not in broken))
    partition = make_partition(_config({"kind": "pairs", "list": str(path)}, 0.25), dataset, broken)
    assert sum(len(part.pairs) for part in _check(partition)) + partition.dropped_pairs == 196
    assert partition.broken_pairs == 4


def test_a_list_without_broken_photos_points_into_what_is_left(tmp_path: Path) -> None:
    listed, pairs = read_pair_list(_pair_list(tmp_path, 3))
    left = Dataset(listed.name, listed.root, tuple(s for s in listed.samples if s.name != "0a.jpg"))
    part = part_of_list(listed, pairs, left)
    named = [
        (left.samples[a].name, left.samples[b].name) for a, b in zip(part.pairs.first, part.pairs.second, strict=True)
    ]
    every = [(listed.samples[a].name, listed.samples[b].name) for a, b in zip(pairs.first, pairs.second, strict=True)]
    assert named == [names for names in every if "0a.jpg" not in names]
    assert len(part.samples) == 11
    assert len(part_of_list(listed, pairs, listed).pairs) == 12


@pytest.mark.parametrize("kind", ["subjects", "pairs"])
def test_only_random_pairs_leak(tmp_path: Path, kind: str) -> None:
    path = _pair_list(tmp_path, 50)
    partition = make_partition(_config({"kind": "pairs", "list": str(path)}, kind=kind), read_pair_list(path)[0])
    assert partition.leaks == (kind == "pairs")


def _lfw_config(data_folder: Path, **values: Any) -> Config:
    split = {key: values.pop(key) for key in ("validation", "kind", "seed") if key in values}
    return _config({"kind": "lfw", "root": str(data_folder / "lfw"), **values}, **split)


@pytest.mark.lfw
@pytest.mark.parametrize(("validation", "sizes"), [(0.1, [1980, 220, 1000]), (0.25, [1650, 550, 1000])])
def test_view_1_pairs_only_loses_no_pair(lfw: Dataset, data_folder: Path, validation: float, sizes: list[int]) -> None:
    partition = make_partition(_lfw_config(data_folder, validation=validation), lfw)
    parts = _check(partition)
    assert [len(part.pairs) for part in parts] == sizes
    assert [part.pairs.is_genuine.mean() for part in parts] == [0.5] * 3
    assert sum(len(part.samples) for part in parts[:2]) == 3443
    assert sum(len(part.subject_codes(lfw)) for part in parts[:2]) == 2132
    for part in parts:
        assert np.array_equal(part.samples, part.pairs.samples)
    assert (len(parts[2].samples), len(parts[2].subject_codes(lfw))) == (1549, 963)
    assert (partition.protocol, partition.dropped_pairs, partition.broken_pairs) == ("lfw-view1", 0, 0)


@pytest.mark.lfw
def test_random_pairs_of_view_1_leak_two_thirds(lfw: Dataset, data_folder: Path) -> None:
    shares = []
    for seed in range(10):
        config = _lfw_config(data_folder, kind="pairs", validation=0.2, seed=seed)
        partition = make_partition(config, lfw)
        assert partition.leaks
        assert (len(partition.train.pairs), len(partition.validation.pairs)) == (1760, 440)
        shares.append(leaking_share(partition.train.pairs, partition.validation.pairs, lfw.subject_codes))
    assert np.mean(shares) == pytest.approx(0.68, abs=0.02)


@pytest.mark.lfw
def test_view_1_identities(lfw: Dataset, lfw_files: LfwFiles, data_folder: Path) -> None:
    partition = make_partition(_lfw_config(data_folder, setting=IDENTITIES), lfw)
    train, validation, test = _check(partition)
    (people,) = read_people(lfw_files.lists / "peopleDevTrain.txt")
    codes = np.concatenate([part.subject_codes(lfw) for part in (train, validation)])
    assert {lfw.subjects[code] for code in codes} == people.keys()
    assert len(train.samples) + len(validation.samples) == 9525
    assert len(validation.subject_codes(lfw)) == pytest.approx(403.8, abs=1)
    assert [len(part.pairs) for part in (train, validation, test)] == [500, 1000, 1000]
    assert _same(test, lfw_view1_test(lfw, lfw_files.lists))


@pytest.mark.lfw
@pytest.mark.parametrize("fold", [1, 4, 10])
@pytest.mark.parametrize("setting", [{"kind": "pairs-only"}, IDENTITIES])
def test_view_2_trains_on_the_other_nine_folds(
    lfw: Dataset, lfw_files: LfwFiles, data_folder: Path, fold: int, setting: dict[str, Any]
) -> None:
    partition = make_partition(_lfw_config(data_folder, view=2, fold=fold, setting=setting), lfw)
    train, validation, test = _check(partition)
    assert partition.protocol == f"lfw-view2-fold{fold:02d}"
    assert _same(test, lfw_view2_folds(lfw, lfw_files.lists)[fold - 1])
    if setting is IDENTITIES:
        mine = read_people(lfw_files.lists / "people.txt")[fold - 1]
        assert len(train.samples) + len(validation.samples) == 13233 - sum(mine.values())
    else:
        assert [len(part.pairs) for part in (train, validation, test)] == [4860, 540, 600]


@pytest.mark.lfw
@pytest.mark.parametrize("setting", [{"kind": "pairs-only"}, IDENTITIES])
def test_broken_photos_of_lfw_are_left_out(lfw: Dataset, data_folder: Path, setting: dict[str, Any]) -> None:
    broken = ("Aaron_Peirsol/Aaron_Peirsol_0001.jpg", "Abdullah_Gul/Abdullah_Gul_0013.jpg")
    dataset = Dataset(lfw.name, lfw.root, tuple(s for s in lfw.samples if s.name not in broken), lfw.variant)
    config = _lfw_config(data_folder, setting=setting)
    partition = make_partition(config, dataset, broken)
    parts = _check(partition)
    lost = {
        name: sum(name in (lfw.samples[a].name, lfw.samples[b].name) for a, b in _listed(data_folder, lfw))
        for name in broken
    }
    if setting is IDENTITIES:
        assert partition.broken_pairs == lost[broken[1]] > 0
    else:
        assert partition.broken_pairs == sum(lost.values()) > lost[broken[1]]
        assert sum(len(part.pairs) for part in parts) == 3200 - partition.broken_pairs
    with pytest.raises(DataError, match=r"Aaron_Peirsol.*_0001, which is not in"):
        make_partition(config, dataset)


def _listed(data_folder: Path, lfw: Dataset) -> list[tuple[int, int]]:
    lists = [read_pairs(data_folder / "lfw" / f"pairsDev{side}.txt", lfw)[0].pairs for side in ("Train", "Test")]
    return [(a, b) for pairs in lists for a, b in zip(pairs.first, pairs.second, strict=True)]


@pytest.mark.lfw
def test_lists_with_a_wrong_number_of_folds(lfw: Dataset, lfw_files: LfwFiles, tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text((lfw_files.lists / "pairsDevTest.txt").read_text())
    with pytest.raises(DataError, match="line 1 announces 1 folds"):
        lfw_view2_folds(lfw, tmp_path)
    (tmp_path / "pairsDevTest.txt").write_text((lfw_files.lists / "pairs.txt").read_text())
    with pytest.raises(DataError, match="line 1 announces 10 folds"):
        lfw_view1_test(lfw, tmp_path)


@pytest.mark.omniglot
@pytest.mark.parametrize(("validation", "alphabets"), [(0.1, [27, 3, 20]), (0.01, [28, 2, 20])])
def test_omniglot_keeps_alphabets_whole(omniglot: Dataset, validation: float, alphabets: list[int]) -> None:
    data = {"kind": "omniglot", "setting": {"pairs": 3000}, "test_pairs": 1000}
    partition = make_partition(_config(data, validation), omniglot)
    parts = _check(partition)
    of = alphabet_codes(omniglot)
    seen = [set(of[part.samples].tolist()) for part in parts]
    assert [len(each) for each in seen] == alphabets
    assert len(set.union(*seen)) == 50
    assert sum(len(part.samples) for part in parts) == 32460
    assert [len(part.pairs) for part in parts] == [3000, 1000, 1000]
    assert partition.protocol == "omniglot"
    _check_runs(partition, alphabets[1])


def _check_runs(partition: Partition, alphabets: int) -> None:
    """Validation tasks are like the official runs: each of one alphabet, all queries by one other drawer."""
    dataset = partition.dataset
    of, drawers, codes = alphabet_codes(dataset), drawer_numbers(dataset), dataset.subject_codes
    assert len(partition.tasks) == 20 * alphabets
    for task in partition.tasks:
        support = task.support[:, 0]
        assert np.isin([task.query, support], partition.validation.samples).all()
        assert np.array_equal(codes[task.query], codes[support])
        assert np.array_equal(task.query_class, np.arange(20))
        assert len(set(codes[support])) == 20
        assert len({*of[support], *of[task.query]}) == 1
        (query_drawer,), (support_drawer,) = set(drawers[task.query]), set(drawers[support])
        assert query_drawer != support_drawer
    counts = np.unique([of[task.query[0]] for task in partition.tasks], return_counts=True)[1]
    assert counts.tolist() == [20] * alphabets
