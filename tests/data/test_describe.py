"""The analysis of a dataset, against naive counting and against what is known of LFW."""

import csv
import json
import shutil
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from twinlens.config import Config, Frame
from twinlens.config.data import FolderData, LfwData, PairsData, SyntheticData
from twinlens.config.sections import SplitConfig
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.datasets import open_dataset
from twinlens.data.describe import describe, lists_of
from twinlens.data.description import Description, PartDescription
from twinlens.data.folders import read_folder
from twinlens.data.protocols import make_partition
from twinlens.data.sheet import contact_sheet, one_of_each
from twinlens.data.sources import LfwFiles
from twinlens.data.store import Store, open_store
from twinlens.data.synthetic import synthetic_dataset
from twinlens.data.uncut import uncut
from twinlens.types import Pairs, Sample

FRAME = Frame(height=24, width=24)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Thirty different little photos of ten subjects."""
    root = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    for i in range(30):
        folder = root / f"subject{(i * i) % 10}"
        folder.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(folder / f"{i:02d}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_CACHE", str(tmp_path_factory.mktemp("cache")))
        store = open_store(read_folder(root), FRAME)
        return replace(store, crops=np.array(store.crops))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "lfw" not in request.keywords:
        monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))


def pairs_among(samples: np.ndarray, codes: np.ndarray, seed: int) -> Pairs:
    every = [(int(a), int(b), bool(codes[a] == codes[b])) for a, b in combinations(samples, 2)]
    chosen = np.random.default_rng(seed).permutation(len(every))[:20]
    return Pairs.from_rows([every[i] for i in chosen])


def cut(store: Store, sides: list[set[int]]) -> Partition:
    codes = store.dataset.subject_codes
    parts = []
    for seed, side in enumerate(sides):
        samples = np.array(sorted(side), np.int64)
        parts.append(Part(samples, pairs_among(samples, codes, seed)))
    return Partition("trial", store.dataset, *parts, dropped_pairs=3, leaks=True, broken_pairs=2)


@given(st.lists(st.sets(st.integers(0, 29), min_size=1), min_size=3, max_size=3))
def test_counts_are_those_of_naive_loops(noise: Store, sides: list[set[int]]) -> None:
    partition = cut(noise, sides)
    found = describe(partition, noise)
    subject = [sample.subject_id for sample in noise.dataset.samples]
    names = ["train", "validation", "test"]
    parts = dict(zip(names, [partition.train, partition.validation, partition.test], strict=True))
    assert list(found.parts) == names
    for side, (name, part) in zip(sides, parts.items(), strict=True):
        told, images = found.parts[name], Counter(subject[i] for i in side)
        assert told.size.images == len(side)
        assert told.size.subjects == len(images)
        assert told.size.pairs == len(part.pairs)
        assert told.size.genuine_pairs == sum(
            subject[a] == subject[b] for a, b in zip(part.pairs.first, part.pairs.second, strict=True)
        )
        assert told.size.genuine_pairs + told.size.impostor_pairs == told.size.pairs
        assert dict(told.per_subject.distribution) == Counter(images.values())
        assert told.per_subject.median == np.median(list(images.values()))
        assert told.per_subject.minimum == min(images.values())
        assert told.per_subject.maximum == max(images.values()) == told.per_subject.most_images.count
        assert images[told.per_subject.most_images.subject_id] == told.per_subject.most_images.count
        check_most_genuine_pairs(told, part, subject)
        check_looks(told, noise, part)
    for row, (a, b) in zip(found.shared, combinations(names, 2), strict=True):
        first, second = sides[names.index(a)], sides[names.index(b)]
        known, pairs = {subject[i] for i in first}, parts[b].pairs
        assert (row.first, row.second) == (a, b)
        assert row.images == len(first & second)
        assert row.subjects == len(known & {subject[i] for i in second})
        assert row.touched_pairs == sum(
            subject[x] in known or subject[y] in known for x, y in zip(pairs.first, pairs.second, strict=True)
        )
    assert (found.dropped_pairs, found.broken_pairs, found.leaks) == (3, 2, True)


def check_most_genuine_pairs(told: PartDescription, part: Part, subject: list[str]) -> None:
    genuine = Counter(subject[i] for i in part.pairs.first[part.pairs.is_genuine])
    most = told.per_subject.most_genuine_pairs
    assert (most is None) == (not genuine)
    if most is not None:
        assert most.count == max(genuine.values()) == genuine[most.subject_id]


def check_looks(told: PartDescription, store: Store, part: Part) -> None:
    brightness = store.crops[part.samples].astype(float).mean(axis=(1, 2, 3)) / 255
    assert told.brightness.median == pytest.approx(np.median(brightness), abs=1e-4)
    assert told.brightness.p95 == pytest.approx(np.quantile(brightness, 0.95), abs=1e-4)
    for spread in (told.brightness, told.sharpness):
        assert sum(spread.counts) == len(part.samples)
        assert len(spread.edges) == len(spread.counts) + 1


def test_it_is_plain_json_that_reads_back(noise: Store) -> None:
    found = describe(cut(noise, [{0, 1, 2}, {3}, {4, 9}]), noise)
    text = found.model_dump_json()
    assert Description.model_validate_json(text) == found
    assert json.loads(text)["parts"]["train"]["size"]["images"] == 3


def test_duplicates_are_counted_within_and_across_parts(tmp_path: Path) -> None:
    source = synthetic_dataset(SyntheticData(subjects=10, per_subject=2))
    root = tmp_path / "photos"
    shutil.copytree(source.root, root)
    one = root / "subject-0001" / "subject-0001_0001.jpg"
    shutil.copy(one, root / "subject-0001" / "same-file.jpg")
    shutil.copy(one, root / "subject-0002" / "same-file.jpg")
    Image.open(one).save(root / "subject-0003" / "same-picture.jpg", quality=60)
    store = open_store(read_folder(root), Frame())
    index = store.dataset.index
    copies = [index[f"subject-000{i}/same-file.jpg"] for i in (1, 2)] + [index["subject-0003/same-picture.jpg"]]
    original = index["subject-0001/subject-0001_0001.jpg"]
    partition = cut(store, [{original, copies[0]}, {copies[1], 7}, {copies[2], copies[0]}])
    found = describe(partition, store)

    # The four show one picture; three of them are one file, and one file is in two parts.
    assert [part.exact_duplicates for part in found.parts.values()] == [1, 0, 0]
    assert [part.near_duplicates for part in found.parts.values()] == [0, 0, 1]
    shared = {(row.first, row.second): row for row in found.shared}
    assert {parts: row.exact_duplicates for parts, row in shared.items()} == {
        ("train", "validation"): 2,
        ("train", "test"): 1,
        ("validation", "test"): 1,
    }
    assert {parts: row.near_duplicates for parts, row in shared.items()} == {
        ("train", "validation"): 0,
        ("train", "test"): 2,
        ("validation", "test"): 1,
    }
    assert shared["train", "test"].images == 1
    assert len(found.duplicates) == 6
    assert sum(twin.exact for twin in found.duplicates) == 3
    across = [twin.first_part != twin.second_part for twin in found.duplicates]
    assert across == sorted(across, reverse=True)
    first = found.duplicates[0]
    assert first.same_subject == (first.first.split("/")[0] == first.second.split("/")[0])


def test_many_copies_of_one_file_are_counted_and_a_few_shown(tmp_path: Path) -> None:
    samples = []
    for i in range(40):
        name = f"subject{i % 4}/{i:02d}.png"
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (24, 24), (90, 60, 30)).save(tmp_path / name)
        samples.append(Sample(name, f"subject{i % 4}"))
    store = open_store(Dataset("grey", tmp_path, tuple(sorted(samples, key=lambda s: s.name))), FRAME)
    found = describe(uncut(FolderData(root=tmp_path), store.dataset), store)
    assert found.parts["all"].exact_duplicates == 40 * 39 // 2
    assert found.parts["all"].near_duplicates == 0
    assert len(found.duplicates) == 50
    assert found.parts["all"].sharpness.maximum == 0


def test_broken_photos_are_listed_and_left_out(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    shutil.copytree(synthetic_dataset(SyntheticData(subjects=10, per_subject=2)).root, root)
    (root / "subject-0004" / "subject-0004_0002.jpg").write_bytes(b"no image")
    with (tmp_path / "photos" / "pairs.csv").open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["first", "second", "is_genuine"])
        for i in range(1, 9):
            write.writerow([f"subject-000{i}/subject-000{i}_000{j}.jpg" for j in (1, 2)] + [1])
    data = PairsData(list=root / "pairs.csv")
    store = open_store(open_dataset(data), FRAME, skip_broken=True)
    found = describe(uncut(data, store.dataset, store.broken), store)
    assert found.broken == ("subject-0004/subject-0004_0002.jpg",)
    assert found.broken_pairs == 1
    assert found.parts["all"].size.pairs == 7
    assert found.images == 15


def test_a_recipe_has_three_parts_that_share_nobody() -> None:
    data = SyntheticData(subjects=40, per_subject=3)
    store = open_store(open_dataset(data), FRAME)
    found = describe(make_partition(Config(name="trial", data=data), store.dataset), store, lists_of(data))
    assert list(found.parts) == ["train", "validation", "test"]
    assert sum(part.size.subjects for part in found.parts.values()) == 40
    assert all(row.subjects == row.images == row.touched_pairs == 0 for row in found.shared)
    assert found.official is None
    assert not found.errata_known


def test_the_contact_sheet_shows_one_photo_of_each_of_some_subjects() -> None:
    dataset = synthetic_dataset(SyntheticData(subjects=12, per_subject=2))
    chosen = one_of_each(dataset, np.arange(len(dataset)), 5)
    assert len({dataset.samples[i].subject_id for i in chosen}) == 5
    assert dataset.samples[chosen[0]].subject_id == "subject-0001"
    assert dataset.samples[chosen[-1]].subject_id == "subject-0012"
    assert len(one_of_each(dataset, np.arange(6), 40)) == 3
    sheet = contact_sheet(dataset, chosen, columns=3)
    assert sheet.size == (3 * 158 + 8, 2 * 180 + 8)
    photo = np.asarray(Image.open(dataset.path(int(chosen[1]))).resize((150, 150)), float)
    tile = np.asarray(sheet, float)[8:158, 166:316]
    assert np.abs(tile - photo).mean() < 8
    assert np.asarray(sheet)[160:178, 8:158].min() < 128  # the name
    assert np.asarray(sheet)[190:, 330:].min() == 255  # the place that stays empty


@pytest.fixture(scope="module")
def view1(lfw: Dataset, lfw_files: LfwFiles) -> Store:
    whole = uncut(LfwData(root=lfw_files.images), lfw)
    listed = np.union1d(whole.train.samples, whole.test.samples)
    return open_store(replace(lfw, samples=tuple(lfw.samples[i] for i in listed)), FRAME)


@pytest.mark.lfw
def test_view1_has_its_official_figures(view1: Store, lfw_files: LfwFiles) -> None:
    found = describe(uncut(LfwData(root=lfw_files.images), view1.dataset), view1, lfw_files.lists)
    train, test = found.parts["train"], found.parts["test"]
    assert (train.size.pairs, test.size.pairs) == (2200, 1000)
    assert (train.size.genuine_pairs, test.size.impostor_pairs) == (1100, 500)
    assert (train.size.images, test.size.images) == (3443, 1549)
    assert (train.size.subjects, test.size.subjects) == (2132, 963)
    assert train.per_subject.maximum == 8
    assert train.per_subject.most_genuine_pairs is not None
    assert train.per_subject.most_genuine_pairs.count == 5
    (both,) = found.shared
    assert (both.subjects, both.images, both.touched_pairs) == (0, 0, 0)
    assert found.official is not None
    assert (found.official.train, found.official.test) == (train.size, test.size)
    assert (found.official.shared_subjects, found.official.shared_images) == (0, 0)
    # The one photo that is on both sides of View 1, under two names.
    assert both.near_duplicates == 1
    assert {found.duplicates[0].first, found.duplicates[0].second} == {
        "Andrew_Caldecott/Andrew_Caldecott_0001.jpg",
        "Andrew_Gilligan/Andrew_Gilligan_0001.jpg",
    }


@pytest.mark.lfw
def test_errata_are_those_of_the_listed_photos(view1: Store, lfw_files: LfwFiles) -> None:
    found = describe(uncut(LfwData(root=lfw_files.images), view1.dataset), view1, lfw_files.lists)
    with (lfw_files.lists / "errata.csv").open(newline="") as file:
        wrong = {row["image"] for row in csv.DictReader(file)}
    for name, listing in (("train", "pairsDevTrain.txt"), ("test", "pairsDevTest.txt")):
        listed = Counter()
        for line in (lfw_files.lists / listing).read_text().splitlines()[1:]:
            fields = line.split("\t")
            first, second = (fields[0], fields[1]), (fields[-2] if len(fields) == 4 else fields[0], fields[-1])
            listed.update({f"{person}_{int(number):04d}" for person, number in (first, second)})
        expected = {image: listed[image] for image in wrong & set(listed)}
        assert {erratum.image: erratum.pairs for erratum in found.parts[name].errata} == expected
        assert expected


@pytest.mark.lfw
def test_the_usual_split_leaks_and_the_official_figures_stay(view1: Store, lfw_files: LfwFiles) -> None:
    data = LfwData(root=lfw_files.images)
    config = Config(name="trial", data=data, split=SplitConfig(kind="pairs", validation=0.2))
    found = describe(make_partition(config, view1.dataset), view1, lfw_files.lists)
    leak = found.shared[0]
    assert (leak.first, leak.second) == ("train", "validation")
    assert found.leaks
    assert leak.subjects > 0
    assert 0.6 < leak.touched_pairs / found.parts["validation"].size.pairs < 0.76
    assert found.official is not None
    assert found.official.train.pairs == 2200
