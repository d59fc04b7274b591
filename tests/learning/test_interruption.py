"""Signals during a training, in this process; from outside they come in ``tests/workflow/test_processes.py``."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.learning.small import fit, rows, small_config
from twinlens.learning.module import SiameseModule

CONFIG = small_config(training={"max_epochs": 3})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_that_is_swallowed_where_it_lands_ends_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    step = SiameseModule.training_step

    def swallowing(module: SiameseModule, *batch: Any) -> Any:
        if module.current_epoch == 1:
            with suppress(KeyboardInterrupt):  # as C code does that looks an attribute up
                os.kill(os.getpid(), number)
        return step(module, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(SiameseModule, "training_step", swallowing)
        with pytest.raises(KeyboardInterrupt):
            fit(CONFIG, tmp_path / "run")
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    run = fit(CONFIG, tmp_path / "run")[1]
    assert rows(run) == rows(fit(CONFIG, tmp_path / "whole")[1])


def test_who_asks_twice_is_not_kept_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def asked_twice(module: SiameseModule, *batch: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        done.append("asked once")
        os.kill(os.getpid(), signal.SIGINT)
        done.append("asked twice")

    monkeypatch.setattr(SiameseModule, "training_step", asked_twice)
    with pytest.raises(KeyboardInterrupt):
        fit(CONFIG, tmp_path / "run")
    assert done == ["asked once"]


def test_signal_after_the_last_batch_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(module: SiameseModule) -> None:
        if module.current_epoch == CONFIG.training.max_epochs - 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(SiameseModule, "on_train_epoch_end", asked)
    with pytest.raises(KeyboardInterrupt):
        fit(CONFIG, tmp_path / "run")
