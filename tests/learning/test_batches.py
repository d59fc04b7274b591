from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from twinlens.learning.batches import ClassBatches, CropBatches, PairBatches, loader
from twinlens.types import Pairs

SAMPLES = 40
CROPS = np.random.default_rng(0).integers(0, 256, (SAMPLES, 3, 4, 1), dtype=np.uint8)


def make_pairs(n: int, seed: int = 1) -> Pairs:
    rng = np.random.default_rng(seed)
    return Pairs(rng.integers(0, SAMPLES, n), rng.integers(0, SAMPLES, n), rng.random(n) < 0.4)


def rows(pairs: Pairs) -> list[tuple[int, int, bool]]:
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.is_genuine.tolist(), strict=True))


@given(n=st.integers(1, 60), batch_size=st.integers(1, 70), seed=st.integers(0, 9), epoch=st.integers(0, 9))
def test_every_pair_comes_once_an_epoch_with_its_own_crops(n: int, batch_size: int, seed: int, epoch: int) -> None:
    pairs = make_pairs(n)
    crops = CROPS.copy()
    crops[:, 0, 0, 0] = np.arange(SAMPLES)  # so that a crop tells its index
    seen = []
    sizes = []
    for images, is_genuine, samples in loader(PairBatches(crops, pairs, batch_size, seed, epoch)):
        b = len(is_genuine)
        assert images.shape == (2 * b, 3, 4, 1)
        assert images.dtype == torch.uint8
        assert is_genuine.dtype == torch.float32
        index = images[:, 0, 0, 0].long().numpy()
        np.testing.assert_array_equal(images.numpy(), crops[index])
        np.testing.assert_array_equal(samples, index)
        seen += list(zip(index[:b].tolist(), index[b:].tolist(), (is_genuine == 1).tolist(), strict=True))
        sizes.append(b)
    assert sorted(seen) == sorted(rows(pairs))
    assert set(sizes[:-1]) <= {batch_size}
    assert sizes[-1] == (n - 1) % batch_size + 1
    assert len(sizes) == len(PairBatches(crops, pairs, batch_size, seed, epoch))


def order(seed: int, epoch: int) -> list[tuple[int, int, bool]]:
    return rows(PairBatches(CROPS, make_pairs(50), 8, seed, epoch).pairs)


def test_order_depends_on_seed_and_epoch_alone() -> None:
    orders = {(seed, epoch): order(seed, epoch) for seed in range(3) for epoch in range(3)}
    torch.manual_seed(5)
    assert all(order(*key) == value for key, value in orders.items())
    assert len({tuple(value) for value in orders.values()}) == 9


@given(n=st.integers(1, SAMPLES), batch_size=st.integers(1, 50))
def test_crops_come_in_order_with_their_positions(n: int, batch_size: int) -> None:
    samples = np.random.default_rng(n).choice(SAMPLES, n, replace=False)
    found = list(loader(CropBatches(CROPS, samples, batch_size)))
    assert torch.equal(torch.cat([positions for _, positions in found]), torch.arange(n))
    np.testing.assert_array_equal(torch.cat([crops for crops, _ in found]).numpy(), CROPS[samples])
    assert {len(crops) for crops, _ in found[:-1]} <= {batch_size}


def test_of_a_memory_mapped_store_only_the_batch_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "crops.npy", CROPS)
    mapped = np.load(tmp_path / "crops.npy", mmap_mode="r")
    taken: list[int] = []

    class Counted(np.memmap):
        def __getitem__(self, chosen: object) -> np.ndarray:
            part = super().__getitem__(chosen)
            taken.append(len(part))
            return part

    for batches in (
        PairBatches(mapped.view(Counted), make_pairs(6), 4, 0, 0),
        CropBatches(mapped.view(Counted), np.arange(10), 8),
    ):
        assert taken == []
        for crops, *_ in loader(batches):
            assert crops.shape[0] == taken.pop()
            crops += 1  # a copy: the store is read-only
    np.testing.assert_array_equal(np.load(tmp_path / "crops.npy"), CROPS)


def test_iteration_over_the_batches_ends_with_the_last() -> None:
    assert [len(genuine) for _, genuine, _ in PairBatches(CROPS, make_pairs(10), 4, 0, 0)] == [4, 4, 2]
    assert [len(crops) for crops, _ in CropBatches(CROPS, np.arange(5), 4)] == [4, 1]


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_the_batches_and_the_first_are_given_twice_to_even_them_out(processes: int) -> None:
    batches = CropBatches(CROPS, np.arange(10), 2)
    shares = [[positions.tolist() for _, positions in loader(batches, rank, processes)] for rank in range(processes)]
    turns = [batch for turn in zip(*shares, strict=True) for batch in turn]
    expected = [[2 * i, 2 * i + 1] for i in range(5)]
    assert turns == expected + expected[: len(turns) - 5]


# --- batches of classes -----------------------------------------------------------------------------------


@given(
    counts=st.lists(st.integers(1, 7), min_size=2, max_size=9),
    per_class=st.integers(1, 4),
    batch_size=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_class_batches_are_groups_of_one_class_and_leave_nobody_out(
    counts: list[int], per_class: int, batch_size: int, seed: int
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    samples = 3 + 2 * np.arange(len(labels))
    crops = np.zeros((samples.max() + 1, 1, 1, 1), np.uint8)
    crops[samples, 0, 0, 0] = np.arange(len(labels))
    batches = ClassBatches(crops, samples, labels, batch_size, per_class, seed, epoch=0)
    drawn = [batches[i] for i in range(len(batches))]
    positions = torch.cat([crop.ravel() for crop, _, _ in drawn]).numpy()
    classes = torch.cat([label for _, label, _ in drawn]).numpy()
    np.testing.assert_array_equal(torch.cat([which for _, _, which in drawn]), samples[positions])
    np.testing.assert_array_equal(labels[positions], classes)
    groups = classes.reshape(-1, per_class)
    assert (groups == groups[:, :1]).all()
    assert set(positions.tolist()) == set(range(len(labels)))
    assert len(groups) == sum(-(-count // per_class) for count in counts)
    sizes = [len(label) for _, label, _ in drawn]
    assert max(sizes) <= max(batch_size, per_class)
    assert max(sizes) - min(sizes) <= per_class
    for group in positions.reshape(-1, per_class):
        assert len(set(group.tolist())) == min(per_class, counts[labels[group[0]]])


@given(crops=st.integers(2, 40), per_class=st.integers(1, 4), more=st.integers(0, 9))
def test_no_crop_is_left_over_from_the_smallest_batches_that_may_be_normalised(
    crops: int, per_class: int, more: int
) -> None:
    size = max(3, per_class) + more
    batches = ClassBatches(CROPS, np.arange(crops), np.arange(crops), size, per_class, seed=0, epoch=0)
    assert all(2 <= len(batch) <= size for batch in batches.batches)


def test_turned_crops_are_of_classes_of_their_own() -> None:
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (9, 5, 5, 3), dtype=np.uint8)
    samples, labels = np.array([1, 2, 4, 8]), np.array([0, 0, 1, 2])
    batches = ClassBatches(crops, samples, np.concatenate([labels + 3 * turn for turn in range(4)]), 5, 1, 0, 0)
    seen = []
    for turned, classes, which in (batches[i] for i in range(len(batches))):
        for crop, label, sample in zip(turned.numpy(), classes.tolist(), which.tolist(), strict=True):
            turn, own = divmod(label, 3)
            assert own == labels[samples.tolist().index(sample)]
            np.testing.assert_array_equal(crop, np.rot90(crops[sample], turn))
            seen.append((sample, turn))
    assert sorted(seen) == [(sample, turn) for sample in samples.tolist() for turn in range(4)]


def test_class_batches_are_new_in_every_epoch_and_the_same_after_a_resumption() -> None:
    labels = np.repeat(np.arange(10), 3)
    crops = np.arange(30, dtype=np.uint8).reshape(30, 1, 1, 1)

    def epoch(number: int) -> list[int]:
        batches = ClassBatches(crops, np.arange(30), labels, 8, 2, seed=1, epoch=number)
        return torch.cat([batches[i][0].ravel() for i in range(len(batches))]).tolist()

    assert epoch(3) == epoch(3)
    assert epoch(3) != epoch(4)
