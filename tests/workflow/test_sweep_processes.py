"""Sweeps by several processes, and by processes that die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflow.small_sweep import result_of, said, small_sweep
from twinlens import workflow
from twinlens.learning.sweep import claims
from twinlens.sweeps import Sweep


def ready(folder: Path, *arguments: object) -> "subprocess.Popen[str]":
    """A process that will sweep as soon as it is told to."""
    command = [sys.executable, "-m", "tests.workflow.small_sweep", str(folder), *map(str, arguments)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def kill_when(process: "subprocess.Popen[str]", reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def epochs(folder: Path, number: int) -> int:
    """How many a trial has finished."""
    path = Sweep(folder).run(number).history
    return len(path.read_text().splitlines()) - 1 if path.exists() else 0


@pytest.mark.slow
def test_sweep_that_was_killed_goes_on_as_if_nothing_had_happened(cache: Path, tmp_path: Path) -> None:
    whole = workflow.sweep(small_sweep(3, 8), out=tmp_path / "whole")
    folder = tmp_path / "killed"
    process = ready(folder, 3, 8)
    go(process)
    kill_when(process, lambda: epochs(folder, 2) >= 2)
    begun = epochs(folder, 2)
    assert begun < 8
    first = Sweep(folder).run(1).history.stat().st_mtime_ns
    workflow.sweep(small_sweep(3, 8), out=folder, resume=True)
    there, here = result_of(whole.folder), result_of(folder)
    assert [trial.deaths for trial in here.trials] == [0, 1, 0]
    assert [said(trial) for trial in here.trials] == [said(trial) for trial in there.trials]
    assert here.best_trial == there.best_trial
    assert here.winner == there.winner
    # The first was not trained again, and the second from where it was left.
    assert Sweep(folder).run(1).history.stat().st_mtime_ns == first
    lines = [line for line in (Sweep(folder).run(2).folder / "log.txt").read_text().splitlines() if " epoch " in line]
    assert len(lines) in (8, 9)  # one is trained again if it was killed before it was kept
    assert (
        f"(goes on after epoch {here.trials[1].curve and begun - (len(lines) == 9)}" in (folder / "log.txt").read_text()
    )


@pytest.mark.slow
def test_processes_that_take_part_share_the_trials(cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    processes = [ready(folder, 6, 2) for _ in range(2)]
    for process in processes:
        go(process)
    said_by = [process.communicate(timeout=180)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said_by
    begun = [
        {line.split()[1] for line in text.splitlines() if line.startswith("trial ") and "=" in line} for text in said_by
    ]
    assert begun[0] | begun[1] == set("123456")
    assert begun[0] & begun[1] == set()
    assert begun[0]
    assert begun[1]
    result = result_of(folder)
    assert [(trial.state, trial.deaths, len(trial.curve)) for trial in result.trials] == [("finished", 0, 2)] * 6
    assert [epochs(folder, number) for number in range(1, 7)] == [2] * 6


@pytest.mark.slow
def test_machine_that_dies_leaves_its_trial_to_another(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_SILENCE", 1.0)
    storage = f"sqlite:///{tmp_path / 'shared.db'}"
    process = ready(tmp_path / "a", 2, 8, storage)
    go(process)
    kill_when(process, lambda: epochs(tmp_path / "a", 1) >= 2)
    workflow.sweep(small_sweep(2, 8), out=tmp_path / "b", storage=storage, resume=True)
    result = result_of(tmp_path / "b")
    assert [(trial.state, trial.deaths, len(trial.curve)) for trial in result.trials] == [
        ("finished", 1, 8),
        ("finished", 0, 8),
    ]
    assert epochs(tmp_path / "b", 1) == 8  # from the beginning: what the other had kept is elsewhere
