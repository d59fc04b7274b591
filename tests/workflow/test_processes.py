"""Trainings as they are typed: in several processes, and interrupted from outside."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import TINY
from twinlens.config import load_config
from twinlens.runs import Run, start_run

DATA = {"kind": "synthetic", "subjects": 24, "per_subject": 3, "test_pairs": 30}


@pytest.fixture
def recipe(cache: Path, tmp_path: Path) -> Path:
    """A recipe file that trains in seconds."""
    data = DATA | {"setting": {"kind": "identities", "pairs": 96}}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({"name": "tiny", **TINY, "data": data, "split": {"validation": 0.3}}))
    return path


def started(recipe: Path, *settings: str, stderr: int = subprocess.PIPE) -> "subprocess.Popen[str]":
    """A training of the recipe in the folder ``run`` beside it."""
    program = recipe.with_name("program.py")  # a file, as Lightning starts it again for the second process
    program.write_text("from twinlens.cli.main import main\nmain()\n")
    overrides = [part for setting in settings for part in ("--set", setting)]
    return subprocess.Popen(
        [sys.executable, str(program), "train", str(recipe), "--out", "run", *overrides],
        cwd=recipe.parent,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


@pytest.mark.slow
def test_two_processes_leave_one_whole_run_and_one_message(recipe: Path, tmp_path: Path) -> None:
    process = started(recipe, "training.devices=2", "training.precision=32")
    stdout, stderr = process.communicate(timeout=180)
    assert process.returncode == 0, stderr
    assert stdout.splitlines() == ["Bundle: run/bundle", "Next:   twinlens evaluate run"]
    run = Run(tmp_path / "run")
    lines = (run.folder / "log.txt").read_text().splitlines()
    assert [line.split()[2] for line in lines] == ["epoch", "epoch", "exported;"]
    assert {"Warning", "Traceback", "warn"} & set(stderr.split()) == set()
    # What both measured together is what one process measures with the exported model, but for float32's rounding.
    result = json.loads(run.result.read_text())
    best = result["training"]["epochs"][result["training"]["best_epoch"] - 1]
    assert result["validation"]["loss"] == pytest.approx(best["validation_loss"], abs=2e-5)
    assert result["validation"]["auc"]["value"] == pytest.approx(best["validation_auc"], abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "devices"), [(signal.SIGINT, 1), (signal.SIGTERM, 2)])
def test_interrupted_training_says_so_and_can_be_gone_on_with(
    recipe: Path, tmp_path: Path, asked: signal.Signals, devices: int
) -> None:
    settings = ("training.max_epochs=1000", "training.patience=1000", f"training.devices={devices}")
    run = Run(tmp_path / "run")
    process = started(recipe, *settings)
    try:
        deadline = time.monotonic() + 90
        while not run.last.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(asked)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert "Interrupted. A training goes on with --resume." in stderr
    assert "Traceback" not in stderr
    assert not run.training.exists()
    config = load_config(recipe, settings)
    assert start_run(run.folder, config, resume=True) == run


@pytest.mark.slow
def test_live_display_keeps_to_standard_error(recipe: Path) -> None:
    terminal, end = os.openpty()
    shown: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # which is how the end of a terminal is told
            while part := os.read(terminal, 4096):
                shown.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    process = started(recipe, stderr=end)
    os.close(end)
    stdout, _ = process.communicate(timeout=180)
    reader.join()
    os.close(terminal)
    assert stdout.splitlines() == ["Bundle: run/bundle", "Next:   twinlens evaluate run"]
    assert b"of at most 2" in b"".join(shown)
