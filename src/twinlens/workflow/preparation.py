"""From a configuration to crops and the parts that train, validate and test."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from twinlens.config import Config
from twinlens.data.dataset import Partition
from twinlens.data.datasets import open_dataset
from twinlens.data.protocols import make_partition
from twinlens.data.store import Store, open_store
from twinlens.workflow.sizing import resolve


@dataclass(frozen=True)
class Prepared:
    """What a training or an evaluation needs of the data.

    Attributes:
        store: Crops of the dataset.
        partition: Which of them train, validate and test.
    """

    store: Store
    partition: Partition


def prepare(config: Config, *, skip_broken: bool = False) -> Prepared:
    """Open the dataset, decode it if that has not been done yet, and cut it into parts.

    What the configuration leaves to the amount of data is filled in first.

    Raises:
        DataError: The data is missing, broken or too little.
    """
    config, _ = resolve(config)
    store = open_store(open_dataset(config.data), config.frame, skip_broken=skip_broken)
    if store.broken:
        names = "".join(f"\n  {name}" for name in store.broken)
        print(
            f"Broken photos that are left out, with every pair they are in: {len(store.broken)}{names}", file=sys.stderr
        )
    if store.unaligned:
        print(f"Photos without a face that is found, taken as they are: {len(store.unaligned)}", file=sys.stderr)
    return Prepared(store, make_partition(config, store.dataset, store.broken))
