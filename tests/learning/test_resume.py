"""Runs that were interrupted, moved or finished, and folders that belong to another training."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.learning.small import fit, read_history, rows, small_config, small_partition
from twinlens.errors import RunError
from twinlens.evaluation.result import Epoch, TrainingSummary
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.module import SiameseModule
from twinlens.learning.train import train
from twinlens.runs import Run, start_run


@pytest.mark.slow
@pytest.mark.parametrize("finished_epochs", [0, 1, 4])
def test_killed_training_goes_on_as_if_nothing_had_happened(tmp_path: Path, finished_epochs: int) -> None:
    whole, killed = Run(tmp_path / "whole"), Run(tmp_path / "killed")
    script = [sys.executable, "-m", "tests.learning.small"]
    subprocess.run([*script, str(whole.folder)], check=True, capture_output=True, timeout=120)
    process = subprocess.Popen([*script, str(killed.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_epochs(killed, finished_epochs)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not killed.training.exists()
    subprocess.run([*script, str(killed.folder)], check=True, capture_output=True, timeout=120)
    assert rows(killed) == rows(whole)
    best = [SafetensorsIO().load_checkpoint(run.best)["state_dict"] for run in (whole, killed)]
    assert all(best[0][name].equal(best[1][name]) for name in best[0])


def numbers(state: Any) -> list[list[float]]:
    """All tensors in a part of a checkpoint, as lists."""
    if isinstance(state, torch.Tensor):
        return [state.ravel().tolist()]
    inner = state.values() if isinstance(state, dict) else state if isinstance(state, list) else []
    return [found for part in inner for found in numbers(part)]


def test_every_switch_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """A moving average, a teacher, weights of another run, mixed crops: what they draw and remember is kept."""
    partition, crops = small_partition()
    _, first = fit(small_config(training={"max_epochs": 1}), tmp_path / "first")
    codes = partition.dataset.subject_codes[partition.train.samples]
    teacher = np.eye(codes.max() + 1, dtype=np.float32)[codes]
    taught = {"distillation": {"teachers": ["teacher"], "follow": "embeddings", "weight": 2}}
    mixed = {"mixing": {"kind": "cutmix"}, "loss": {"kind": "margin-softmax"}}
    for number, sections in enumerate((taught, mixed)):
        config = small_config(
            **sections, initial={"run": str(first.folder)}, training={"max_epochs": 3, "average_decay": 0.9}
        )
        teachers = [teacher] if sections is taught else []
        whole, halved = Run(tmp_path / f"whole{number}"), Run(tmp_path / f"halved{number}")
        train(config, partition, crops, whole, teachers=teachers)

        def interrupt(epochs: Sequence[Epoch]) -> None:
            if len(epochs) == 1:
                raise KeyError("interrupted")

        with pytest.raises(KeyError):
            train(config, partition, crops, halved, interrupt, teachers)
        first.folder.rename(tmp_path / "away")  # its weights have been taken
        train(config, partition, crops, halved, teachers=teachers)
        (tmp_path / "away").rename(first.folder)
        assert rows(halved) == rows(whole)
        ends = [SafetensorsIO().load_checkpoint(run.last) for run in (whole, halved)]
        for state in ("state_dict", "optimizer_states", "callbacks"):
            assert numbers(ends[0][state]) == numbers(ends[1][state])


def _wait_for_epochs(run: Run, epochs: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if epochs == 0 and run.recipe.exists():
            return
        if run.history.exists() and len(read_history(run.history)) >= epochs > 0:
            return
        time.sleep(0.01)
    pytest.fail("the training did not get that far")


def test_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    config = small_config(training={"max_epochs": 2})
    _, run = fit(config, tmp_path / "run")
    before = run.history.stat().st_mtime_ns
    fit(config, tmp_path / "run")
    assert run.history.stat().st_mtime_ns == before


@pytest.mark.parametrize("settings", [{"max_epochs": 50, "patience": 2, "min_delta": 10.0}, {"max_epochs": 2}])
def test_training_killed_after_its_last_epoch_ends_without_another(tmp_path: Path, settings: dict[str, float]) -> None:
    _, run = fit(small_config(training=settings), tmp_path / "run")
    summary, history = run.training.read_text(), rows(run)
    run.training.unlink()
    fit(small_config(training=settings), tmp_path / "run")
    assert run.training.read_text() == summary
    assert rows(run) == history


def test_copy_of_a_finished_training_goes_on_with_more_epochs(tmp_path: Path) -> None:
    """As the guide says: the exponential schedule does not depend on where it ends."""
    settings = {"data": {"setting": {"pairs": 96, "fresh": False, "epochs_per_pass": 2}}}
    _, whole = fit(small_config(training={"max_epochs": 5}, **settings), tmp_path / "whole")
    _, short = fit(small_config(training={"max_epochs": 3}, **settings), tmp_path / "short")
    further = Run(tmp_path / "further")
    shutil.copytree(short.checkpoints, further.checkpoints)
    (further.folder / "origin.json").write_bytes((short.folder / "origin.json").read_bytes())
    further.recipe.write_text(short.recipe.read_text().replace("max_epochs: 3", "max_epochs: 5"))
    fit(further.config(), further.folder)
    assert rows(further) == rows(whole)
    assert len(rows(further)) == 5


def test_moved_run_goes_on_with_its_best_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The best epoch must come before the interruption, or its weights would be written again anyway. Which one is best
    # depends on how the processor rounds.
    for epochs in range(4, 20):
        config = small_config(training={"max_epochs": epochs, "patience": epochs})
        whole = fit(config, tmp_path / f"whole{epochs}")[1]
        best = TrainingSummary.model_validate_json(whole.training.read_bytes()).best_epoch
        if best < epochs:
            break
    assert best < epochs

    validate = SiameseModule.validation_step

    def interrupted(module: SiameseModule, *batch: Any) -> None:
        if module.current_epoch == best:
            raise KeyError("interrupted")
        validate(module, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(SiameseModule, "validation_step", interrupted)
        with pytest.raises(KeyError):
            fit(config, tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    moved = fit(config, tmp_path / "moved")[1]
    assert rows(moved) == rows(whole)
    assert SafetensorsIO().load_checkpoint(moved.best)["epoch"] == best - 1


def test_run_of_another_configuration_is_refused(tmp_path: Path) -> None:
    fit(small_config(training={"max_epochs": 1}), tmp_path / "run")
    with pytest.raises(RunError, match="another configuration"):
        start_run(tmp_path / "run", small_config(), resume=True)


def test_run_is_trained_by_one_process_at_a_time(tmp_path: Path) -> None:
    config = small_config(training={"max_epochs": 1})
    run = start_run(tmp_path / "run", config, resume=False)
    with run.recipe.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="another process"):
            fit(config, run.folder)
    fit(config, run.folder)


def test_what_a_killed_training_was_writing_is_cleared_away(tmp_path: Path) -> None:
    config = small_config(training={"max_epochs": 1})
    run = start_run(tmp_path / "run", config, resume=False)
    half = run.checkpoints / ".last.safetensors.abc.tmp"
    half.parent.mkdir()
    half.write_bytes(b"half")
    (run.folder / ".bundle.abc.tmp").mkdir()
    (run.folder / ".bundle.abc.tmp" / "model.onnx").touch()
    fit(config, run.folder)
    assert not [path for path in run.folder.rglob("*") if path.name.startswith(".")]


@pytest.mark.parametrize("finished", [True, False])
def test_run_does_not_go_on_with_other_photos(tmp_path: Path, finished: bool) -> None:
    config, (partition, crops) = small_config(training={"max_epochs": 1}), small_partition()
    _, run = fit(config, tmp_path / "run")
    if not finished:
        run.training.unlink()
    # One photo fewer in the folder: everybody's position moves by one.
    fewer = replace(partition.train, samples=partition.train.samples[1:])
    with pytest.raises(RunError, match="other photos"):
        train(config, replace(partition, train=fewer), crops, run)
