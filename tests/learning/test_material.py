from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.learning.small import small_partition
from twinlens.data.dataset import Part, Partition
from twinlens.learning.material import material_digest
from twinlens.types import Sample


def renamed(partition: Partition) -> Partition:
    first, *others = partition.dataset.samples
    changed = (Sample(first.name + "x", first.subject_id), *others)
    return replace(partition, dataset=replace(partition.dataset, samples=changed))


def with_part(name: str, change: Callable[[Part], Part]) -> Callable[[Partition], Partition]:
    return lambda partition: replace(partition, **{name: change(getattr(partition, name))})


def one_pair_flipped(part: Part) -> Part:
    flipped = replace(part.pairs, is_genuine=part.pairs.is_genuine ^ (np.arange(len(part.pairs)) == 5))
    return replace(part, pairs=flipped)


def test_equal_material_has_equal_digests() -> None:
    one, other = small_partition()[0], small_partition()[0]
    assert material_digest(one) == material_digest(other)
    assert len(material_digest(one)) == 64


@pytest.mark.parametrize(
    "change",
    [
        renamed,
        with_part("train", lambda part: replace(part, samples=part.samples[1:])),
        with_part("validation", lambda part: replace(part, samples=part.samples[1:])),
        with_part("train", lambda part: replace(part, pairs=part.pairs[:-1])),
        with_part("validation", one_pair_flipped),
        lambda partition: replace(partition, train=partition.validation, validation=partition.train),
    ],
)
def test_whatever_changes_changes_the_digest(change: Callable[[Partition], Partition]) -> None:
    partition = small_partition()[0]
    assert material_digest(change(partition)) != material_digest(partition)


def test_test_part_is_nothing_that_is_learned_from() -> None:
    partition = small_partition()[0]
    assert material_digest(replace(partition, test=partition.train)) == material_digest(partition)
