from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from twinlens.config.data import Identities, PairsOnly
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.epochs import pairs_of_epoch
from twinlens.data.splits import draw_pairs
from twinlens.types import Pairs, Sample

PAIRS = 50


def _partition() -> Partition:
    samples = tuple(Sample(f"s{s:02d}/{i}.png", f"s{s:02d}") for s in range(12) for i in range(4))
    dataset = Dataset("made", Path("nowhere"), samples)
    part = Part(np.arange(48), draw_pairs(np.arange(48), dataset.subject_codes, PAIRS, 0))
    return Partition("made", dataset, part, part, part, dropped_pairs=0, leaks=False)


def _rows(pairs: Pairs) -> list[tuple[int, int, bool]]:
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.is_genuine.tolist(), strict=True))


@pytest.mark.parametrize("setting", [PairsOnly(), Identities(pairs=PAIRS, fresh=False)])
def test_pairs_that_are_fixed_come_whole_and_in_their_order(setting: PairsOnly | Identities) -> None:
    partition = _partition()
    for epoch in (0, 7):
        assert _rows(pairs_of_epoch(setting, partition, 3, epoch)) == _rows(partition.train.pairs)


def test_fresh_pairs_follow_from_seed_and_epoch() -> None:
    setting = Identities(pairs=20)
    drawn = [
        _rows(pairs_of_epoch(setting, _partition(), seed, epoch)) for seed, epoch in ((0, 4), (0, 4), (0, 5), (1, 4))
    ]
    assert drawn[0] == drawn[1]
    assert len({tuple(rows) for rows in drawn}) == 3
    assert all(len(rows) == 20 for rows in drawn)


@pytest.mark.parametrize("epochs", [1, 5, 7, PAIRS])
def test_the_epochs_of_a_pass_share_the_pairs_among_them(epochs: int) -> None:
    partition = _partition()
    setting = Identities(pairs=PAIRS, fresh=False, epochs_per_pass=epochs)
    for number in (0, 3):
        shares = [_rows(pairs_of_epoch(setting, partition, 0, number * epochs + i)) for i in range(epochs)]
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
        assert sorted(row for share in shares for row in share) == sorted(_rows(partition.train.pairs))


def test_every_pass_and_every_seed_shares_otherwise() -> None:
    setting = Identities(pairs=PAIRS, fresh=False, epochs_per_pass=5)
    asked = ((0, 0), (0, 5), (1, 0))
    shares = [tuple(_rows(pairs_of_epoch(setting, _partition(), seed, epoch))) for seed, epoch in asked]
    assert len(set(shares)) == 3


def test_what_makes_no_pass_is_refused() -> None:
    with pytest.raises(ValidationError, match="fresh pairs make no pass"):
        Identities(epochs_per_pass=2)
    with pytest.raises(ValidationError, match="no more epochs than pairs"):
        Identities(pairs=4, fresh=False, epochs_per_pass=5)
