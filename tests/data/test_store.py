"""Decoded once, mapped for ever, and never wrong about it."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twinlens.config import Frame
from twinlens.data import store as store_module
from twinlens.data.dataset import Dataset
from twinlens.data.digests import content_digests
from twinlens.data.sources import locate_lfw
from twinlens.data.store import open_store
from twinlens.errors import DataError, ImageError, TwinlensError
from twinlens.images import read_image, to_crop
from twinlens.types import Sample

FRAME = Frame(crop_height=0.8, crop_width=0.5, height=16, width=12, colour="rgb")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def dataset(tmp_path: Path, cache: Path) -> Dataset:
    return noise_dataset(tmp_path / "photos", 10)


def noise_dataset(root: Path, count: int, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    samples = []
    for i in range(count):
        name = f"Subject_{i % 3}/{i:04d}.png"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 30, 3), np.uint8)).save(root / name)
        settle(root / name)
        samples.append(Sample(name, f"Subject_{i % 3}"))
    return Dataset("noise", root, tuple(sorted(samples, key=lambda s: s.name)))


def settle(path: Path) -> None:
    os.utime(path, (1e9, 1e9))


def built(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "store").iterdir() if path.name != ".lock")


def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "read_crop", lambda *_: pytest.fail("decoded again"))


def test_rows_are_the_crops_of_the_samples(dataset: Dataset) -> None:
    store = open_store(dataset, FRAME)
    assert store.dataset == dataset
    assert store.broken == ()
    assert store.crops.shape == (10, 16, 12, 3)
    assert store.crops.dtype == np.uint8
    assert isinstance(store.crops, np.memmap)
    assert not store.crops.flags.writeable
    for i in range(len(dataset)):
        np.testing.assert_array_equal(store.crops[i], to_crop(read_image(dataset.path(i)), FRAME))


def test_the_second_time_nothing_is_decoded(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_store(dataset, FRAME)
    no_decoding(monkeypatch)
    np.testing.assert_array_equal(open_store(dataset, FRAME).crops, first.crops)


def test_same_photos_elsewhere_share_the_store(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(dataset, FRAME)
    shutil.copytree(dataset.root, tmp_path / "moved")
    no_decoding(monkeypatch)
    assert open_store(replace(dataset, root=tmp_path / "moved"), FRAME).crops.shape[0] == 10


def test_frame_names_and_content_make_another_store(dataset: Dataset, cache: Path) -> None:
    open_store(dataset, FRAME)
    open_store(dataset, FRAME.model_copy(update={"width": 13}))
    assert len(built(cache)) == 2
    open_store(replace(dataset, samples=dataset.samples[::-1]), FRAME)
    assert len(built(cache)) == 3


def test_a_changed_photo_is_noticed_even_if_size_and_time_are_the_same(dataset: Dataset) -> None:
    """As it happens when another edition is unpacked over this one with the times of its archive."""
    Image.fromarray(np.zeros((40, 30, 3), np.uint8)).save(dataset.path(3), "BMP")
    settle(dataset.path(3))
    assert (open_store(dataset, FRAME).crops[3] == 0).all()
    Image.fromarray(np.full((40, 30, 3), 255, np.uint8)).save(dataset.path(3), "BMP")
    settle(dataset.path(3))
    assert (open_store(dataset, FRAME).crops[3] == 255).all()


def test_digests_are_remembered_but_not_those_of_fresh_photos(
    dataset: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_digests(dataset)
    memory = next((cache / "digests").glob("*.json"))
    assert json.loads(memory.read_text()) == {}  # a photo written this very moment may change unnoticed
    later = time.time_ns() + 10_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: later)
    expected = content_digests(dataset)
    assert len(json.loads(memory.read_text())) == 10
    monkeypatch.setattr("twinlens.data.digests.sha256_file", lambda _: pytest.fail("hashed again"))
    assert content_digests(dataset) == expected
    memory.write_text("{ broken")
    monkeypatch.undo()


@pytest.mark.parametrize("damage", ["truncated", "missing", "empty", "folder"])
def test_a_broken_photo_is_named_with_the_remedy_and_nothing_stays(dataset: Dataset, cache: Path, damage: str) -> None:
    path = dataset.path(4)
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes(content[:1500] if damage == "truncated" else b"")
    with pytest.raises(ImageError, match=rf"{path}.*--skip-broken"):
        open_store(dataset, FRAME)
    assert built(cache) == []


def test_broken_photos_are_left_out_and_listed_when_asked(dataset: Dataset) -> None:
    whole = np.array(open_store(dataset, FRAME).crops)
    for i in (0, 7):
        dataset.path(i).write_bytes(b"not a photo")
    for _ in range(2):  # built, then mapped
        store = open_store(dataset, FRAME, skip_broken=True)
        assert store.broken == (dataset.samples[0].name, dataset.samples[7].name)
        kept = [i for i in range(10) if i not in (0, 7)]
        assert store.dataset.samples == tuple(dataset.samples[i] for i in kept)
        np.testing.assert_array_equal(store.crops, whole[kept])
    with pytest.raises(ImageError, match=r"0000\.png is no image.*So are 1 more.*--skip-broken"):
        open_store(dataset, FRAME)


def test_nothing_to_read_is_an_error_even_when_skipping(dataset: Dataset, cache: Path) -> None:
    for i in range(len(dataset)):
        dataset.path(i).write_bytes(b"not a photo")
    for nothing in (dataset, replace(dataset, samples=())):
        with pytest.raises(DataError, match="No photo"):
            open_store(nothing, FRAME, skip_broken=True)
    assert built(cache) == []


def test_too_little_room_is_said_before_anything_is_decoded(
    dataset: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_decoding(monkeypatch)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(TwinlensError, match=r"Free some space.*TWINLENS_CACHE"):
        open_store(dataset, FRAME)
    assert built(cache) == []


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(
    dataset: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module, "track", full)
    with pytest.raises(TwinlensError, match="No space left"):
        open_store(dataset, FRAME)
    assert built(cache) == []


BUILD = r"""
import sys, time
from pathlib import Path
from twinlens.config import Frame
from twinlens.data.dataset import Dataset
from twinlens.data import store
from twinlens.types import Sample

read = store.read_crop
def slowly(path, frame):
    sys.stdout.write("decoding\n")  # at once, where print would mix the lines of two threads
    sys.stdout.flush()
    time.sleep(float(sys.argv[2]))
    return read(path, frame)
store.read_crop = slowly
root = Path(sys.argv[1])
names = sorted(p.relative_to(root).as_posix() for p in root.glob("*/*.png"))
dataset = Dataset("noise", root, tuple(Sample(name, name.split("/")[0]) for name in names))
print(store.open_store(dataset, Frame(height=16, width=12)).crops.shape)
"""


def start(root: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", BUILD, str(root), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_a_killed_build_leaves_nothing_that_counts(tmp_path: Path, cache: Path) -> None:
    dataset = noise_dataset(tmp_path / "photos", 300)
    with start(dataset.root, 0.02) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "decoding\n"
        process.kill()
    assert any((cache / "store").glob(".*.tmp/crops.npy"))
    assert [name for name in built(cache) if not name.endswith(".tmp")] == []
    store = open_store(dataset, Frame(height=16, width=12))
    assert store.crops.shape == (300, 16, 12, 1)
    assert len(built(cache)) == 1  # what the dead build left is gone too


def test_two_processes_build_one_store_once(tmp_path: Path, cache: Path) -> None:
    dataset = noise_dataset(tmp_path / "photos", 40)
    processes = [start(dataset.root, 0.01) for _ in range(2)]
    outputs = [process.communicate()[0].splitlines() for process in processes]
    assert [output[-1] for output in outputs] == ["(40, 16, 12, 1)"] * 2
    assert sum(output.count("decoding") for output in outputs) == 40
    assert len(built(cache)) == 1


@pytest.mark.lfw
def test_lfw_opens_at_once_the_second_time(
    data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    images = locate_lfw(data_folder / "lfw").images
    names = sorted(f"{photo.parent.name}/{photo.name}" for photo in images.glob("*/*.jpg"))
    lfw = Dataset("lfw", images, tuple(Sample(name, name.split("/")[0]) for name in names))
    frame = Frame(crop_height=0.6, crop_width=0.6)
    open_store(lfw, frame)
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        store = open_store(lfw, frame)
        times.append(time.perf_counter() - begin)
    assert store.crops.shape == (13233, 105, 105, 1)
    assert min(times) < 0.5
