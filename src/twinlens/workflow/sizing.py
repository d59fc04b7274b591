"""What the amount of data decides: keys that a recipe leaves to it, and what figures will be able to say."""

from __future__ import annotations

import sys

from twinlens.config import Config
from twinlens.config.data import FolderData, PairsData
from twinlens.config.sizing import AutomaticSizing
from twinlens.config.sizing_rule import Sized, size
from twinlens.data.amount import amount_of
from twinlens.data.dataset import Partition
from twinlens.data.datasets import open_dataset
from twinlens.data.describe import size_of
from twinlens.data.description import PartName, Size
from twinlens.data.folders import read_pair_list
from twinlens.evaluation.prospects import prospects
from twinlens.reporting.advice import advise, sizing_lines


def resolve(config: Config) -> tuple[Config, tuple[Sized, ...]]:
    """The configuration with automatic sizing carried out, and what was filled in; nothing where there is none.

    Raises:
        DataError: The data is missing or not what its kind demands.
    """
    if not isinstance(config.sizing, AutomaticSizing):
        return config, ()
    if isinstance(config.data, PairsData):
        dataset, pairs = read_pair_list(config.data.list)
        return size(config, amount_of(dataset, len(pairs)))
    return size(config, amount_of(open_dataset(config.data)))


def resolve_aloud(config: Config) -> Config:
    """The same, with the reasons on standard error."""
    resolved, sized = resolve(config)
    if sized:
        lines = "".join(f"\n  {line}" for line in sizing_lines(sized))
        print(f"Sized to the amount of data; a key that is given stays:{lines}", file=sys.stderr)
    return resolved


def warn_of_too_little(config: Config, partition: Partition) -> None:
    """Say on standard error for what photos of one's own are too few; nothing of datasets with a protocol."""
    if not isinstance(config.data, FolderData | PairsData):
        return
    sizes: dict[PartName, Size] = {
        "train": size_of(partition.train, partition.dataset),
        "validation": size_of(partition.validation, partition.dataset),
        "test": size_of(partition.test, partition.dataset),
    }
    found = advise(prospects(partition, config.evaluation, config.seed), sizes)
    for advice in found:
        if advice.too_little:
            print(f"Little data. {advice.topic}: {advice.text}", file=sys.stderr)
