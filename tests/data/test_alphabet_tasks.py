from pathlib import Path

import numpy as np

from twinlens.data.alphabet_tasks import drawings, whole_runs
from twinlens.data.dataset import Dataset
from twinlens.data.omniglot import drawer_numbers
from twinlens.types import Sample


def _dataset(alphabets: dict[str, int], drawers: int, without: str = "-") -> Dataset:
    samples = [
        Sample(f"images_background/{alphabet}/c{c:02d}/{c:04d}_{drawer:02d}.png", f"{alphabet}/c{c:02d}")
        for alphabet, characters in alphabets.items()
        for c in range(characters)
        for drawer in range(1, drawers + 1)
    ]
    return Dataset("omniglot", Path("nowhere"), tuple(s for s in samples if without not in s.name))


def test_character_that_somebody_did_not_draw_is_left_out() -> None:
    dataset = _dataset({"A": 3}, 2, without="0001_02")
    drawn = drawings(np.arange(len(dataset)), drawer_numbers(dataset), dataset)
    assert [[dataset.samples[i].name[-11:] for i in row] for row in drawn] == [
        ["0000_01.png", "0000_02.png"],
        ["0002_01.png", "0002_02.png"],
    ]


def test_alphabets_that_are_too_small_have_no_runs() -> None:
    dataset = _dataset({"Large": 21, "Small": 19}, 3)
    runs = list(whole_runs(np.arange(len(dataset)), dataset, 4, seed=1))
    assert len(runs) == 4
    assert {dataset.samples[i].subject_id[:5] for run in runs for i in (*run.query, *run.support[:, 0])} == {"Large"}
    alone = _dataset({"Large": 21}, 1)
    assert list(whole_runs(np.arange(len(alone)), alone, 4, seed=1)) == []


def test_seed_decides_on_the_runs() -> None:
    dataset = _dataset({"A": 25}, 5)
    one, same, other = (list(whole_runs(np.arange(len(dataset)), dataset, 3, seed)) for seed in (0, 0, 1))
    assert all(np.array_equal(a.query, b.query) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a.query, b.query) for a, b in zip(one, other, strict=True))
