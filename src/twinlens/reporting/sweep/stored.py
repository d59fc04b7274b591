"""Sweeps as they lie in a folder, the sweep's own or that of a published one."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import ValidationError

from twinlens.errors import RunError
from twinlens.evaluation.sweep import SweepResult
from twinlens.files import whole_folder
from twinlens.sweeps import Sweep


def read_sweep_result(folder: Path) -> SweepResult:
    """What a sweep came to, or has come to so far.

    Raises:
        RunError: The folder holds no sweep, or one that has not ended a trial, or its file was changed.
    """
    path = Sweep(folder).result
    if not path.is_file():
        raise RunError(f"{path} is missing.", "Give the folder of a sweep, of which one trial has ended at least.")
    try:
        return SweepResult.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunError(f"{path} is not a result of this version of twinlens: {error.errors()[0]['msg']}.") from error


def publish_sweep(folder: Path, to: Path) -> Path:
    """Copy a sweep's trials, its winner's recipe and its report to where published results are kept.

    Returns:
        The folder of this one, ``sweeps/NAME``. What lay there is replaced.

    Raises:
        RunError: The sweep is not finished, or may not be quoted.
    """
    result = read_sweep_result(folder)
    if result.synthetic:
        raise RunError(
            f"{folder} learned from synthetic faces, which is never quoted as a result.", "Publish one on real data."
        )
    if any(trial.state in ("running", "waiting") for trial in result.trials) or result.best_trial is None:
        raise RunError(f"{folder} is not finished.", "Go on with twinlens sweep and --resume.")
    source, place = Sweep(folder), to / "sweeps" / result.name
    with whole_folder(place, replace=True) as temporary:
        for path in (source.result, source.winner, source.report):
            shutil.copyfile(path, temporary / path.name)
    return place
