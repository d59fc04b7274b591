"""Which pairs an epoch shows; all of it follows from the seed and the epoch's number."""

from __future__ import annotations

import numpy as np

from twinlens.config.data import Identities, PairsOnly
from twinlens.data.dataset import Partition
from twinlens.data.splits import draw_pairs
from twinlens.types import Pairs


def pairs_of_epoch(setting: PairsOnly | Identities, partition: Partition, seed: int, epoch: int) -> Pairs:
    """The training pairs of one epoch.

    Listed pairs all come in every epoch, and fresh ones are drawn. Where several epochs make a pass, each has its
    share of the pairs, in an order that is drawn for every pass.

    Args:
        setting: Says which of these.
        partition: Its training part is used.
        seed: Of the run.
        epoch: Counted from 0.
    """
    train = partition.train
    if isinstance(setting, PairsOnly):
        return train.pairs
    if setting.fresh:
        own = int(np.random.default_rng([seed, epoch]).integers(2**31))
        return draw_pairs(train.samples, partition.dataset.subject_codes, setting.pairs, own)
    number, share = divmod(epoch, setting.epochs_per_pass)
    order = np.random.default_rng([seed, number]).permutation(len(train.pairs))
    return train.pairs[np.sort(order[share :: setting.epochs_per_pass])]
