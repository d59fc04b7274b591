"""A training small enough for a test: 24 noisy patterns as subjects, a tiny twin, six epochs.

Run as a script it trains in the folder it is given, with the sections it is given as JSON, so that a test can kill it
and several processes can train together.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np

from twinlens.config import Config, parse_config
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.splits import draw_pairs
from twinlens.evaluation.result import Epoch
from twinlens.learning.module import SiameseModule
from twinlens.learning.train import train
from twinlens.runs import Run, start_run
from twinlens.types import Sample, UInt8Array

SUBJECTS, PER_SUBJECT, SIZE = 24, 6, 24
CLOCKS = {"seconds", "images_per_second"}


def small_config(**sections: dict[str, object]) -> Config:
    """Six epochs of a tiny twin; ``sections`` change single keys."""
    values: dict[str, dict[str, object]] = {
        "data": {"kind": "synthetic", "setting": {"pairs": 320}},
        "frame": {"height": SIZE, "width": SIZE},
        "network": {
            "widths": [4, 4, 8, 8],
            "kernels": [3, 3, 2, 1],
            "dense": 16,
            "conv_dropout": 0.1,
            "init": {"kind": "fan-in"},
        },
        "normalisation": {"kind": "per-image"},
        "augment": {"kind": "affine", "shear": 0.05, "rotation": 3, "scale": [0.95, 1.05]},
        "optimiser": {"kind": "adam", "learning_rate": 0.01},
        "training": {"batch_size": 16, "max_epochs": 6, "patience": 6, "threads": 1},
    }
    for name, keys in sections.items():
        values[name] = {**values.get(name, {}), **keys}
    return parse_config({"name": "small", **values}, "small")


def small_partition() -> tuple[Partition, UInt8Array]:
    """Training and validation subjects, and their crops."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(40, 216, (SUBJECTS, 1, SIZE, SIZE, 1))
    crops = np.clip(patterns + rng.normal(0, 25, (SUBJECTS, PER_SUBJECT, SIZE, SIZE, 1)), 0, 255)
    samples = tuple(Sample(f"s{s:02d}/{i}.png", f"s{s:02d}") for s in range(SUBJECTS) for i in range(PER_SUBJECT))
    dataset = Dataset("small", Path(), samples)

    def part(subjects: range, seed: int) -> Part:
        chosen = np.flatnonzero(np.isin(dataset.subject_codes, np.array(subjects)))
        return Part(chosen, draw_pairs(chosen, dataset.subject_codes, 96, seed))

    train, validation = part(range(16), 1), part(range(16, SUBJECTS), 2)
    partition = Partition("small", dataset, train, validation, validation, dropped_pairs=0, leaks=False)
    return partition, crops.reshape(-1, SIZE, SIZE, 1).astype(np.uint8)


def fit(config: Config, folder: Path) -> tuple[SiameseModule, Run]:
    """Train ``config`` in ``folder``, or go on with it there."""
    run = start_run(folder, config, resume=True)
    return train(config, *small_partition(), run), run


def rows(run: Run) -> list[dict[str, object]]:
    """The history of a run, without what a clock says."""
    return [epoch.model_dump(exclude=CLOCKS) for epoch in read_history(run.history)]


def read_history(path: Path) -> tuple[Epoch, ...]:
    """The rows that :class:`History` wrote to ``path``."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return tuple(Epoch.model_validate({k: v or None for k, v in row.items()}) for row in rows)


if __name__ == "__main__":
    fit(small_config(**json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}")), Path(sys.argv[1]))
