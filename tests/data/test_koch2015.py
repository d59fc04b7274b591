from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinlens.config import Config
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.omniglot import alphabet_codes, drawer_numbers, is_background, is_in_runs
from twinlens.data.protocols import make_partition
from twinlens.errors import DataError
from twinlens.types import Pairs, Sample

RUN_ALPHABETS = ["Atlantean", "Ge_ez", "Glagolitic", "Gurmukhi", "Kannada", "Malayalam", "Manipuri", "Tengwar"]
RUN_ALPHABETS += ["Old_Church_Slavonic_(Cyrillic)", "Tibetan"]
CHARACTERS = 20


def _alphabets() -> list[str]:
    background = [f"images_background/b{i:02d}" for i in range(30)]
    evaluation = [f"images_evaluation/{name}" for name in [*RUN_ALPHABETS, *(f"e{i}" for i in range(10))]]
    return background + evaluation


def _dataset(without: tuple[str, ...] = ()) -> Dataset:
    """The alphabets of today's release with 20 characters each, and 20 drawers."""
    samples = [
        Sample(f"{alphabet}/c{c:02d}/{c:04d}_{drawer:02d}.png", f"{alphabet.partition('/')[2]}/c{c:02d}")
        for alphabet in _alphabets()
        for c in range(CHARACTERS)
        for drawer in range(1, 21)
    ]
    kept = [sample for sample in samples if not sample.name.startswith(without or ("-",))]
    return Dataset("omniglot", Path("nowhere"), tuple(sorted(kept, key=lambda s: s.name)))


def _config(seed: int = 0, pairs: int = 600, test_pairs: int = 10000) -> Config:
    data: dict[str, Any] = {"kind": "omniglot", "protocol": "koch2015", "test_pairs": test_pairs}
    data["setting"] = {"pairs": pairs}
    return Config.model_validate({"name": "x", "seed": seed, "data": data, "split": {"validation": 0.25}})


def _parts(partition: Partition) -> tuple[Part, Part, Part]:
    return partition.train, partition.validation, partition.test


def _check(partition: Partition) -> None:
    """What holds whatever the release."""
    dataset = partition.dataset
    alphabets, drawers, codes = alphabet_codes(dataset), drawer_numbers(dataset), dataset.subject_codes
    parts = _parts(partition)
    assert [len(np.unique(alphabets[part.samples])) for part in parts] == [30, 10, 10]
    assert len(np.unique(np.concatenate([np.unique(alphabets[part.samples]) for part in parts]))) == 50
    assert [np.unique(drawers[part.samples]).tolist() for part in parts] == [
        list(range(9, 21)),
        list(range(5, 9)),
        list(range(1, 5)),
    ]
    background, shown = is_background(dataset), is_in_runs(dataset)
    assert background[parts[0].samples].all()
    assert not background[parts[1].samples].any()
    assert not shown[parts[1].samples].any()
    assert shown[parts[2].samples].all()
    for part in parts:
        assert part.groups is not None
        assert np.array_equal(part.groups, alphabets[part.samples])
        assert (np.diff(part.samples) > 0).all()
        assert np.isin(part.pairs.samples, part.samples).all()
        assert (alphabets[part.pairs.first] == alphabets[part.pairs.second]).all()
        assert (part.pairs.is_genuine == (codes[part.pairs.first] == codes[part.pairs.second])).all()
        assert (part.pairs.first != part.pairs.second).all()
        assert part.pairs.is_genuine.mean() == 0.5
    assert (partition.leaks, partition.dropped_pairs, partition.broken_pairs) == (False, 0, 0)
    assert partition.protocol == "omniglot-koch2015"


def _per_alphabet(part: Part, dataset: Dataset) -> tuple[list[int], list[int]]:
    """Numbers of genuine and of impostor pairs, each by alphabet."""
    of = alphabet_codes(dataset)[part.pairs.first]
    genuine, impostor = (
        np.unique(of[kind], return_counts=True)[1].tolist() for kind in (part.pairs.is_genuine, ~part.pairs.is_genuine)
    )
    return genuine, impostor


def _keys(pairs: Pairs) -> set[tuple[int, int]]:
    return {(min(a, b), max(a, b)) for a, b in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}


def _check_tasks(partition: Partition, alphabets: int) -> None:
    dataset, samples = partition.dataset, partition.validation.samples
    alphabet, drawers, codes = alphabet_codes(dataset), drawer_numbers(dataset), dataset.subject_codes
    assert len(partition.tasks) == 320
    assert {task.support.shape for task in partition.tasks} == {(20, 1)}
    counts = np.unique([alphabet[task.query[0]] for task in partition.tasks], return_counts=True)[1]
    assert counts.tolist() == [320 // alphabets] * alphabets
    for task in partition.tasks:
        support = task.support[:, 0]
        assert np.isin(np.append(support, task.query), samples).all()
        assert len({*alphabet[support], *alphabet[task.query]}) == 1
        assert len(set(codes[support])) == 20
        assert codes[support][task.query_class[0]] == codes[task.query[0]]
        assert len(set(drawers[support])) == 1
        assert drawers[task.query[0]] != drawers[support[0]]
    places = [int(task.query_class[0]) for task in partition.tasks]
    assert len(set(places)) == 20


def test_alphabets_and_drawers_are_cut_as_the_paper_cuts_them() -> None:
    partition = make_partition(_config(), _dataset())
    _check(partition)
    _check_tasks(partition, 10)
    train, validation, test = _parts(partition)
    assert [len(part.samples) for part in (train, validation, test)] == [30 * 20 * 12, 10 * 20 * 4, 10 * 20 * 4]
    assert _per_alphabet(train, partition.dataset) == ([10] * 30, [10] * 30)
    # Four drawers make six pairs of each of 20 characters.
    for part in (validation, test):
        assert _per_alphabet(part, partition.dataset) == ([120] * 10, [120] * 10)
        assert len(_keys(part.pairs)) == len(part.pairs)


def test_fewer_judged_pairs_are_shared_among_the_alphabets() -> None:
    partition = make_partition(_config(test_pairs=400), _dataset())
    for part in (partition.validation, partition.test):
        assert _per_alphabet(part, partition.dataset) == ([20] * 10, [20] * 10)


def test_the_seed_changes_all_but_the_test() -> None:
    one, same, other = (make_partition(_config(seed=seed), _dataset()) for seed in (0, 0, 1))
    for left, right in zip(_parts(one), _parts(same), strict=True):
        assert np.array_equal(left.pairs.first, right.pairs.first)
    assert np.array_equal(one.test.pairs.second, other.test.pairs.second)
    for left, right in ((one.train, other.train), (one.validation, other.validation)):
        assert _keys(left.pairs) != _keys(right.pairs)
    assert [int(task.query[0]) for task in one.tasks] == [int(task.query[0]) for task in same.tasks]
    assert [int(task.query[0]) for task in one.tasks] != [int(task.query[0]) for task in other.tasks]


def test_characters_and_drawings_are_drawn_evenly() -> None:
    partition = make_partition(_config(pairs=60000), _dataset())
    genuine = partition.train.pairs[partition.train.pairs.is_genuine]
    counts = np.bincount(partition.dataset.subject_codes[genuine.first])
    of_training = counts[partition.train.subject_codes(partition.dataset)]
    assert of_training.mean() == 50
    assert of_training.std() == pytest.approx(50**0.5, rel=0.15)


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (("images_background/b07/",), "The train part .* 30 alphabets, and 29 of them are here"),
        (("images_evaluation/Tibetan/",), "The test part .* 10 alphabets, and 9 of them are here"),
        (("images_evaluation/e1/",), "The validation part .* 10 alphabets, and 9 of them are here"),
        (("images_evaluation/e3/c01/0001_05",), "e3 has 19 characters .* and 20 are needed"),
    ],
)
def test_an_omniglot_that_lacks_something_is_refused(without: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_partition(_config(), _dataset(without))


def test_a_drawing_that_is_missing_elsewhere_costs_its_pairs_alone() -> None:
    partition = make_partition(_config(), _dataset(("images_evaluation/Tibetan/c00/0000_01",)))
    assert len(partition.test.pairs) == 2400 - 6
    _check(partition)


@pytest.mark.omniglot
def test_the_release_has_what_the_paper_needs(omniglot: Dataset) -> None:
    partition = make_partition(_config(pairs=30000), omniglot)
    _check(partition)
    _check_tasks(partition, 10)
    train, validation, test = _parts(partition)
    assert _per_alphabet(train, omniglot) == ([500] * 30, [500] * 30)
    assert [len(part.samples) for part in (train, validation, test)] == [964 * 12, 277 * 4, 382 * 4]
    assert [len(part.pairs) for part in (validation, test)] == [2 * 277 * 6, 2 * 382 * 6]
    for part in (validation, test):
        genuine, impostor = _per_alphabet(part, omniglot)
        assert genuine == impostor
        assert len(_keys(part.pairs)) == len(part.pairs)
