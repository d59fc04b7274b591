"""Which photos and pairs train, validate and test: the official protocols, and fixed ones for own data.

The test side never depends on the run's seed, so that runs of different seeds can be compared pair by pair.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from twinlens.config import Config
from twinlens.config.data import FolderData, Identities, LfwData, OmniglotData, PairsData, SyntheticData
from twinlens.data.alphabet_tasks import whole_runs
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.folders import read_pair_list
from twinlens.data.koch2015 import koch2015_partition
from twinlens.data.lfw import REMEDY, PairList, people_samples, read_pairs
from twinlens.data.omniglot import alphabet_codes, is_background
from twinlens.data.sources import locate_lfw
from twinlens.data.splits import PairSplit, draw_distinct_pairs, draw_pairs, split_pairs, split_subjects
from twinlens.errors import DataError
from twinlens.types import IntArray, Pairs

_TEST_SEED = 0
_FOLDS = 10
# Of each validation alphabet; the official ones are as many, of ten alphabets.
_RUNS = 20


def make_partition(config: Config, dataset: Dataset, broken: Collection[str] = ()) -> Partition:
    """Cut a dataset into what trains, validates and tests.

    Where identities may be used, training pairs are drawn; these are the first drawing if every epoch draws
    new ones. Validation then draws as many pairs as the test has.

    Args:
        config: ``data`` and ``split`` say how, ``seed`` and ``split.seed`` what is drawn.
        dataset: What ``open_dataset(config.data)`` gave; samples that cannot be read may be missing from it.
        broken: Names of those samples; listed pairs with one of them are left out.

    Raises:
        DataError: A list is wrong, or a part has too few photos.
    """
    match config.data:
        case LfwData(setting=Identities() as setting) as data:
            return _lfw_identities(config, data, setting, dataset, broken)
        case LfwData() as data:
            return _lfw_pairs_only(config, data, dataset, broken)
        case OmniglotData(protocol="koch2015") as data:
            return koch2015_partition(config, data, dataset)
        case OmniglotData() as data:
            return _omniglot(config, data, dataset)
        case FolderData() | SyntheticData() as data:
            return _people(config, data, dataset)
        case PairsData() as data:
            return _pairs(config, data, dataset)


def lfw_view1_test(dataset: Dataset, lists: Path, broken: Collection[str] = ()) -> Part:
    """The 500 + 500 pairs of ``pairsDevTest.txt`` and the photos in them."""
    return _listed(_development(lists / "pairsDevTest.txt", dataset, broken).pairs)


def lfw_view2_folds(dataset: Dataset, lists: Path, broken: Collection[str] = ()) -> tuple[Part, ...]:
    """The ten folds of ``pairs.txt``, 300 + 300 pairs each, and the photos in them."""
    return tuple(_listed(fold.pairs) for fold in _view2(lists, dataset, broken))


def part_of_list(listed: Dataset, pairs: Pairs, dataset: Dataset) -> Part:
    """The pairs of a list of one's own, without those that a broken photo spoils, and the photos in them.

    Args:
        listed: All photos of the list.
        pairs: Its pairs, by index into ``listed``.
        dataset: What is left of ``listed``; the part points into it.
    """
    position = np.array([dataset.index.get(sample.name, -1) for sample in listed.samples], np.int64)
    moved = Pairs(position[pairs.first], position[pairs.second], pairs.is_genuine)
    return _listed(moved[(moved.first >= 0) & (moved.second >= 0)])


def _lfw_pairs_only(config: Config, data: LfwData, dataset: Dataset, broken: Collection[str]) -> Partition:
    lists = locate_lfw(data.root).lists
    if data.fold is None:
        training = [_development(lists / "pairsDevTrain.txt", dataset, broken)]
        test = _development(lists / "pairsDevTest.txt", dataset, broken)
    else:
        training = list(_view2(lists, dataset, broken))
        test = training.pop(data.fold - 1)
    # Names may not be learned from here; they only keep validation free of people that train.
    split = _split(config, dataset, Pairs.joined([fold.pairs for fold in training]))
    return Partition(
        protocol=_lfw_name(data),
        dataset=dataset,
        train=_listed(split.train),
        validation=_listed(split.validation),
        test=_listed(test.pairs),
        dropped_pairs=split.dropped,
        leaks=split.leaks,
        broken_pairs=test.broken + sum(fold.broken for fold in training),
    )


def _lfw_identities(
    config: Config, data: LfwData, setting: Identities, dataset: Dataset, broken: Collection[str]
) -> Partition:
    lists = locate_lfw(data.root).lists
    if data.fold is None:
        people = list(people_samples(lists / "peopleDevTrain.txt", dataset, broken))
        test = _development(lists / "pairsDevTest.txt", dataset, broken)
    else:
        people = list(people_samples(lists / "people.txt", dataset, broken))
        _need_folds(len(people), _FOLDS, lists / "people.txt")
        del people[data.fold - 1]
        test = _view2(lists, dataset, broken)[data.fold - 1]
    samples = np.sort(np.concatenate(people))
    train, validation = _cut(samples, dataset.subject_codes, config.split.validation, config.split_seed)
    return _drawn_partition(
        config, setting, _lfw_name(data), dataset, train, validation, _listed(test.pairs), test.broken
    )


def _omniglot(config: Config, data: OmniglotData, dataset: Dataset) -> Partition:
    background = is_background(dataset)
    # Whole alphabets go to validation, as characters of one alphabet resemble each other.
    train, validation = _cut(
        np.flatnonzero(background), alphabet_codes(dataset), config.split.validation, config.split_seed
    )
    test = _drawn("test", np.flatnonzero(~background), dataset, data.test_pairs, _TEST_SEED)
    partition = _drawn_partition(config, data.setting, data.kind, dataset, train, validation, test)
    return replace(partition, tasks=tuple(whole_runs(validation, dataset, _RUNS, config.split_seed)))


def _people(config: Config, data: FolderData | SyntheticData, dataset: Dataset) -> Partition:
    codes = dataset.subject_codes
    rest, tested = _cut(np.arange(len(dataset)), codes, data.test, _TEST_SEED)
    train, validation = _cut(rest, codes, config.split.validation, config.split_seed)
    test = _drawn("test", tested, dataset, data.test_pairs, _TEST_SEED)
    return _drawn_partition(config, data.setting, data.kind, dataset, train, validation, test)


def _pairs(config: Config, data: PairsData, dataset: Dataset) -> Partition:
    listed, pairs = read_pair_list(data.list)
    usable = part_of_list(listed, pairs, dataset).pairs
    with _naming("test"):
        outer = split_pairs(usable, dataset.subject_codes, data.test, "subjects", _TEST_SEED)
    split = _split(config, dataset, outer.train)
    return Partition(
        protocol=data.kind,
        dataset=dataset,
        train=_listed(split.train),
        validation=_listed(split.validation),
        test=_listed(outer.validation),
        dropped_pairs=outer.dropped + split.dropped,
        leaks=split.leaks,
        broken_pairs=len(pairs) - len(usable),
    )


def _drawn_partition(
    config: Config,
    setting: Identities,
    protocol: str,
    dataset: Dataset,
    train: IntArray,
    validation: IntArray,
    test: Part,
    broken_pairs: int = 0,
) -> Partition:
    with _naming("training"):
        pairs = draw_pairs(train, dataset.subject_codes, setting.pairs, config.seed)
    return Partition(
        protocol=protocol,
        dataset=dataset,
        train=Part(train, pairs),
        validation=_drawn("validation", validation, dataset, len(test.pairs), config.split_seed),
        test=test,
        dropped_pairs=0,
        leaks=False,
        broken_pairs=broken_pairs,
    )


def _development(path: Path, dataset: Dataset, broken: Collection[str]) -> PairList:
    lists = read_pairs(path, dataset, broken)
    _need_folds(len(lists), 1, path)
    return lists[0]


def _view2(lists: Path, dataset: Dataset, broken: Collection[str]) -> tuple[PairList, ...]:
    folds = read_pairs(lists / "pairs.txt", dataset, broken)
    _need_folds(len(folds), _FOLDS, lists / "pairs.txt")
    return folds


def _need_folds(found: int, wanted: int, path: Path) -> None:
    if found != wanted:
        raise DataError(f"{path}, line 1 announces {found} folds, and this list has {wanted}.", REMEDY)


def _lfw_name(data: LfwData) -> str:
    return "lfw-view1" if data.fold is None else f"lfw-view2-fold{data.fold:02d}"


def _listed(pairs: Pairs) -> Part:
    return Part(pairs.samples, pairs)


def _drawn(side: str, samples: IntArray, dataset: Dataset, n: int, seed: int) -> Part:
    with _naming(side):
        return Part(samples, draw_distinct_pairs(samples, dataset.subject_codes, n, seed))


def _split(config: Config, dataset: Dataset, pairs: Pairs) -> PairSplit:
    with _naming("validation"):
        return split_pairs(pairs, dataset.subject_codes, config.split.validation, config.split.kind, config.split_seed)


def _cut(samples: IntArray, groups: IntArray, share: float, seed: int) -> tuple[IntArray, IntArray]:
    """The samples of the groups that stay, and of the share of groups that is cut off."""
    _, cut_off = split_subjects(groups[samples], share, seed)
    mask = np.isin(groups[samples], cut_off)
    return samples[~mask], samples[mask]


@contextmanager
def _naming(side: str) -> Iterator[None]:
    """Say in an error which side of the partition it is about."""
    try:
        yield
    except DataError as error:
        raise DataError(f"No {side} pairs can be had. {error.message}", error.remedy) from error
