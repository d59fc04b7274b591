"""Sweeps by several processes, and by processes that die."""

import os
import re
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
    whole = workflow.sweep(small_sweep(2, 6), out=tmp_path / "whole")
    folder = tmp_path / "killed"
    process = ready(folder, 2, 6)
    go(process)
    kill_when(process, lambda: epochs(folder, 2) >= 2)
    begun = epochs(folder, 2)
    assert begun < 6
    first = Sweep(folder).run(1).history.stat().st_mtime_ns
    workflow.sweep(small_sweep(2, 6), out=folder, resume=True)
    there, here = result_of(whole.folder), result_of(folder)
    assert [trial.deaths for trial in here.trials] == [0, 1]
    assert [said(trial) for trial in here.trials] == [said(trial) for trial in there.trials]
    assert here.best_trial == there.best_trial
    assert here.winner == there.winner
    # The first was not trained again, and the second from where it was left.
    assert Sweep(folder).run(1).history.stat().st_mtime_ns == first
    log = (Sweep(folder).run(2).folder / "log.txt").read_text()
    assert log.count(" epoch ") in (6, 7)  # one is trained again if it was killed before it was kept
    assert "(goes on after epoch " in (folder / "log.txt").read_text()


@pytest.mark.slow
def test_processes_that_take_part_share_the_trials(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "shared"
    process = ready(folder, 4, 2)
    go(process)
    while not (folder / "log.txt").exists():  # it has begun its first
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    workflow.sweep(small_sweep(4, 2), out=folder, resume=True)
    said_here, said_there = capsys.readouterr().err, process.communicate(timeout=300)[1]
    assert process.returncode == 0, said_there
    begun = [set(re.findall(r"^trial (\d) of 4: \w+\.", text, re.MULTILINE)) for text in (said_here, said_there)]
    assert begun[0] | begun[1] == set("1234")
    assert begun[0] & begun[1] == set()
    assert begun[0]
    assert begun[1]
    result = result_of(folder)
    assert [(trial.state, trial.deaths, len(trial.curve)) for trial in result.trials] == [("finished", 0, 2)] * 4
    assert [epochs(folder, number) for number in range(1, 5)] == [2] * 4


@pytest.mark.slow
def test_machine_that_dies_leaves_its_trial_to_another(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_SILENCE", 1.0)
    storage = f"sqlite:///{tmp_path / 'shared.db'}"
    process = ready(tmp_path / "a", 1, 6, storage)
    go(process)
    kill_when(process, lambda: epochs(tmp_path / "a", 1) >= 2)
    workflow.sweep(small_sweep(1, 6), out=tmp_path / "b", storage=storage, resume=True)
    result = result_of(tmp_path / "b")
    assert [(trial.state, trial.deaths, len(trial.curve)) for trial in result.trials] == [("finished", 1, 6)]
    assert epochs(tmp_path / "b", 1) == 6  # from the beginning: what the other had kept is elsewhere
