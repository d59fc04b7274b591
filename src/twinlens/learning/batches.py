"""Batches gathered straight from the memory-mapped crops."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from twinlens.types import IntArray, Pairs, UInt8Array

PairBatch = tuple[torch.Tensor, torch.Tensor]
CropBatch = tuple[torch.Tensor, torch.Tensor]


class PairBatches(Dataset[PairBatch]):
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

    def __getitem__(self, number: int) -> PairBatch:
        """Crops uint8 ``(2b, height, width, channels)``, firsts then seconds, and is_genuine float ``(b,)``."""
        if number >= len(self):
            raise IndexError(number)
        chosen = self.pairs[slice(number * self.batch_size, (number + 1) * self.batch_size)]
        crops = self.crops[np.concatenate([chosen.first, chosen.second])]
        return torch.from_numpy(crops), torch.from_numpy(chosen.is_genuine.astype(np.float32))


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
    batches: PairBatches | CropBatches, rank: int = 0, processes: int = 1
) -> DataLoader[tuple[torch.Tensor, torch.Tensor]]:
    """A loader that passes whole batches on; gathering from memory needs no worker processes.

    Of several processes the one of ``rank`` gets every so manieth batch; where they do not divide evenly, the first
    batches are given out twice, so that all processes have equally many.
    """
    sampler: DistributedSampler[Any] = DistributedSampler(batches, processes, rank, shuffle=False)
    return DataLoader(batches, batch_size=None, sampler=sampler)
