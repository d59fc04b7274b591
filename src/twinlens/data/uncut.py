"""A dataset as it comes: by its official sides where it has some, and with nothing kept for validation."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from twinlens.config.data import DataConfig, LfwData, OmniglotData, PairsData
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.folders import read_pair_list
from twinlens.data.lfw import read_pairs
from twinlens.data.omniglot import is_background
from twinlens.data.protocols import part_of_list
from twinlens.data.sources import locate_lfw
from twinlens.types import Pairs

_NO_PAIRS = Pairs.from_rows([])
_NOTHING = Part(np.empty(0, np.int64), _NO_PAIRS)


def uncut(data: DataConfig, dataset: Dataset, broken: Collection[str] = ()) -> Partition:
    """LFW by the lists of View 1, Omniglot by its background and evaluation sets, anything else as one part.

    Args:
        data: What the dataset was opened from.
        dataset: Its photos, without the broken ones.
        broken: Names of those.

    Raises:
        DataError: A list is missing or wrong.
    """
    match data:
        case LfwData():
            return lfw_view1(dataset, locate_lfw(data.root).lists, broken)
        case OmniglotData():
            background = is_background(dataset)
            train, test = (Part(np.flatnonzero(side), _NO_PAIRS) for side in (background, ~background))
            return _partition(data.kind, dataset, train, test)
        case PairsData():
            listed, pairs = read_pair_list(data.list)
            part = part_of_list(listed, pairs, dataset)
            return _partition(data.kind, dataset, part, _NOTHING, len(pairs) - len(part.pairs))
        case _:
            return _partition(data.kind, dataset, Part(np.arange(len(dataset)), _NO_PAIRS), _NOTHING)


def lfw_view1(dataset: Dataset, lists: Path, broken: Collection[str] = ()) -> Partition:
    """The 2,200 pairs of ``pairsDevTrain.txt`` and the 1,000 of ``pairsDevTest.txt``.

    Raises:
        DataError: A list is missing or wrong.
    """
    sides = [read_pairs(lists / name, dataset, broken) for name in ("pairsDevTrain.txt", "pairsDevTest.txt")]
    train, test = (Part(side[0].pairs.samples, side[0].pairs) for side in sides)
    return _partition("lfw-view1", dataset, train, test, sum(side[0].broken for side in sides))


def _partition(protocol: str, dataset: Dataset, train: Part, test: Part, broken_pairs: int = 0) -> Partition:
    return Partition(
        protocol=protocol,
        dataset=dataset,
        train=train,
        validation=_NOTHING,
        test=test,
        dropped_pairs=0,
        leaks=False,
        broken_pairs=broken_pairs,
    )
