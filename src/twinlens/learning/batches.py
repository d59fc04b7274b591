"""Batches gathered straight from the memory-mapped crops."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from twinlens.types import IntArray, Pairs, UInt8Array

# Crops, what is to be learned of them, and which samples they are.
TrainingBatch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
CropBatch = tuple[torch.Tensor, torch.Tensor]


class PairBatches(Dataset[TrainingBatch]):
    """The batches of one epoch, as items: item ``i`` is batch ``i``.

    Their order depends on the seed and the epoch alone, so that a resumed training sees what it would have
    seen. As whole batches are the items, they can be shared among processes.

    Args:
        crops: uint8 ``(n, height, width, channels)``, usually memory-mapped.
        pairs: Indices into ``crops``.
        batch_size: Pairs in a batch; the last one may be smaller.
        seed: Of the run.
        epoch: Counted from 0.
    """

    def __init__(self, crops: UInt8Array, pairs: Pairs, batch_size: int, seed: int, epoch: int) -> None:
        self.crops = crops
        self.pairs = pairs[np.random.default_rng([seed, epoch]).permutation(len(pairs))]
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.pairs) // self.batch_size)

    def __getitem__(self, number: int) -> TrainingBatch:
        """Crops uint8 ``(2b, height, width, channels)``, firsts then seconds, and is_genuine float ``(b,)``.

        Then the crops' samples, int64 ``(2b,)``.
        """
        if number >= len(self):
            raise IndexError(number)
        chosen = self.pairs[slice(number * self.batch_size, (number + 1) * self.batch_size)]
        samples = np.concatenate([chosen.first, chosen.second])
        is_genuine = torch.from_numpy(chosen.is_genuine.astype(np.float32))
        return torch.from_numpy(self.crops[samples]), is_genuine, torch.from_numpy(samples)


class ClassBatches(Dataset[TrainingBatch]):
    """The batches of one epoch for losses over classes: groups of crops of one class, in random order.

    Every sample comes once per epoch; where a class does not fill its last group, samples of it come again.

    Args:
        crops: uint8 ``(n, height, width, channels)``, usually memory-mapped.
        samples: int64 ``(m,)``, indices into ``crops``.
        labels: int64 ``(m,)``, the class of each; or as many more times over, for the samples as they are and then
            turned by one quarter more each time.
        batch_size: Crops in a batch, at most; batches differ by at most one group.
        per_class: Crops in a group.
        seed: Of the run.
        epoch: Counted from 0.
    """

    def __init__(
        self,
        crops: UInt8Array,
        samples: IntArray,
        labels: IntArray,
        batch_size: int,
        per_class: int,
        seed: int,
        epoch: int,
    ) -> None:
        rng = np.random.default_rng([seed, epoch])
        self.crops = crops
        self.samples = samples
        self.labels = labels
        groups = rng.permutation(_groups(labels, per_class, rng))
        # Evenly, as batch normalisation can do nothing with a last batch of one crop.
        batches = -(-len(groups) // max(1, batch_size // per_class))
        self.batches = [part.ravel() for part in np.array_split(groups, batches)]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> TrainingBatch:
        """Crops uint8 ``(b, height, width, channels)``, their classes and their samples, both int64 ``(b,)``."""
        chosen = self.batches[number]
        turns, places = divmod(chosen, len(self.samples))
        samples = self.samples[places]
        crops = self.crops[samples]
        for turn in np.unique(turns[turns > 0]):
            crops[turns == turn] = np.rot90(crops[turns == turn], turn, (1, 2))
        return torch.from_numpy(crops), torch.from_numpy(self.labels[chosen]), torch.from_numpy(samples)


class CropBatches(Dataset[CropBatch]):
    """Batches of single crops with their positions, for embedding a part once.

    Args:
        crops: uint8 ``(n, height, width, channels)``.
        samples: Indices into ``crops``.
        batch_size: Crops in a batch.
    """

    def __init__(self, crops: UInt8Array, samples: IntArray, batch_size: int) -> None:
        self.crops = crops
        self.samples = samples
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.samples) // self.batch_size)

    def __getitem__(self, number: int) -> CropBatch:
        """Crops uint8 ``(b, height, width, channels)`` and their positions in ``samples``, int64 ``(b,)``."""
        if number >= len(self):
            raise IndexError(number)
        start = number * self.batch_size
        chosen = self.samples[start : start + self.batch_size]
        return torch.from_numpy(self.crops[chosen]), torch.arange(start, start + len(chosen))


def loader(
    batches: PairBatches | ClassBatches | CropBatches, rank: int = 0, processes: int = 1
) -> DataLoader[tuple[torch.Tensor, ...]]:
    """A loader that passes whole batches on; gathering from memory needs no worker processes.

    Of several processes the one of ``rank`` gets every so manieth batch; where they do not divide evenly, the first
    batches are given out twice, so that all processes have equally many.
    """
    sampler: DistributedSampler[Any] = DistributedSampler(batches, processes, rank, shuffle=False)
    return DataLoader(batches, batch_size=None, sampler=sampler)


def _groups(labels: IntArray, size: int, rng: np.random.Generator) -> IntArray:
    """Positions ``(groups, size)`` with one label in each row; every position occurs, as seldom again as possible."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    rows = [
        order[start + np.arange(-(-count // size) * size) % count].reshape(-1, size)
        for start, count in zip(starts, counts, strict=True)
    ]
    return np.concatenate(rows)
