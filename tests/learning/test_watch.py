"""Whoever watches a training hears of every epoch, and may end it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.learning.small import small_config, small_partition
from twinlens.evaluation.result import Epoch
from twinlens.learning.train import train
from twinlens.runs import start_run


class EnoughError(Exception):
    """What the watcher says to end a training."""


class Watcher:
    """Has had enough after some epochs."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.heard: list[int] = []

    def __call__(self, epochs: Sequence[Epoch]) -> None:
        self.heard.append(len(epochs))
        if len(epochs) >= self.patience:
            raise EnoughError


def test_training_ends_when_the_watcher_has_had_enough_and_can_go_on(tmp_path: Path) -> None:
    config = small_config(training={"max_epochs": 4})
    run = start_run(tmp_path / "run", config, resume=True)
    watcher = Watcher(2)
    with pytest.raises(EnoughError):
        train(config, *small_partition(), run, watcher)
    assert watcher.heard == [0, 1, 2]
    assert run.last.is_file()
    assert not run.training.exists()
    patient = Watcher(10)
    train(config, *small_partition(), run, patient)
    assert patient.heard == [2, 3, 4]
    assert run.training.is_file()
