"""A run is a folder: its recipe, log, history, checkpoints, scores, result, report and bundle."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twinlens.config import Config, dump_recipe, load_config
from twinlens.config.training import TrainingConfig
from twinlens.errors import RunError
from twinlens.files import plain_disk_errors, write_text
from twinlens.origin import Origin, read_origin, write_origin

# How those that start several processes, from Lightning and torchrun to SLURM, number them.
_RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK")
# What a run may change its mind about: how fast it computes and who watches is no part of what it computes.
FREE_KEYS = ("training.threads", "logger")
_MOST_NAMED = 3


@dataclass(frozen=True)
class Run:
    """The places in a run's folder.

    Attributes:
        folder: The run's folder.
    """

    folder: Path

    @property
    def recipe(self) -> Path:
        """The resolved configuration."""
        return self.folder / "recipe.yaml"

    @property
    def history(self) -> Path:
        """One row per epoch, as CSV."""
        return self.folder / "metrics.csv"

    @property
    def checkpoints(self) -> Path:
        """Folder of ``best.safetensors`` and ``last.safetensors``."""
        return self.folder / "checkpoints"

    @property
    def best(self) -> Path:
        """The weights of the best epoch."""
        return self.checkpoints / "best.safetensors"

    @property
    def last(self) -> Path:
        """All that is needed to go on after the last whole epoch."""
        return self.checkpoints / "last.safetensors"

    @property
    def refined(self) -> Path:
        """What was fitted on top of the network; missing where nothing was."""
        return self.checkpoints / "refined.safetensors"

    @property
    def training(self) -> Path:
        """How the training went; there as soon as it has ended by itself."""
        return self.folder / "training.json"

    @property
    def result(self) -> Path:
        """All figures."""
        return self.folder / "result.json"

    @property
    def explanations(self) -> Path:
        """What drove the decisions that the report shows."""
        return self.folder / "explanations.json"

    @property
    def bundle(self) -> Path:
        """The model bundle."""
        return self.folder / "bundle"

    @property
    def report(self) -> Path:
        """The report."""
        return self.folder / "report.html"

    def scores(self, part: str) -> Path:
        """Every scored pair of ``train``, ``validation`` or ``test``, as CSV."""
        return self.folder / f"scores-{part}.csv"

    def config(self) -> Config:
        """The resolved configuration.

        Raises:
            RunError: The folder is no run.
        """
        if not self.recipe.is_file():
            raise RunError(f"{self.folder} is no run: recipe.yaml is missing.", "Train one: twinlens train RECIPE.")
        return load_config(self.recipe)

    def origin(self) -> Origin:
        """Where and when the run was started.

        Raises:
            RunError: Its ``origin.json`` is missing or was changed.
        """
        return read_origin(self.folder)

    def log(self, line: str) -> None:
        """Show a line on standard error and keep it in ``log.txt`` with the time."""
        log_line(self.folder / "log.txt", line)


def log_line(path: Path, line: str) -> None:
    """Show a line on standard error and keep it in the file ``path`` with the time."""
    print(line, file=sys.stderr, flush=True)
    with plain_disk_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}\n")


def is_follower(config: TrainingConfig) -> bool:
    """Whether this process only helps another one with a training; the other one writes and speaks for all."""
    several = config.devices * config.nodes > 1
    return several and any(os.environ.get(name, "0") != "0" for name in _RANKS)


def find_run(folder: Path, config: Config, *, resume: bool) -> Run:
    """The run in ``folder``, or the place for a new one; nothing is written.

    Of several processes that train together the first answers for all.

    Args:
        folder: Where.
        config: What to run; an interrupted run must have been started with the same, but for the threads.
        resume: Go on where an earlier start was interrupted, if there was one.

    Raises:
        RunError: The folder holds a run already and ``resume`` was not given, or it holds something else.
    """
    run = Run(folder)
    if is_follower(config.training):
        return run
    if not run.recipe.is_file():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunError(f"{folder} is neither a run nor an empty folder.", "Choose another folder with --out.")
        return run
    refuse_differences(run.config().model_dump(mode="json"), config.model_dump(mode="json"), folder)
    if not resume:
        raise RunError(f"{folder} holds a run already.", "Go on with --resume, or choose another folder with --out.")
    return run


def start_run(folder: Path, config: Config, *, resume: bool) -> Run:
    """Make the folder of a new run, or open that of an interrupted one; arguments and errors as :func:`find_run`."""
    run = find_run(folder, config, resume=resume)
    if not run.recipe.is_file() and not is_follower(config.training):
        write_origin(folder)
        write_text(run.recipe, dump_recipe(config))
    return run


def refuse_differences(there: Any, here: Any, what: object) -> None:
    """Refuse to go on with another configuration than ``what`` was started with.

    Raises:
        RunError: They differ in something that makes another run.
    """
    found = list(differences(there, here))
    if found:
        raise RunError(
            f"{what} was started with another configuration: {'; '.join(found[:_MOST_NAMED])}.",
            "Choose another folder with --out.",
        )


def differences(there: Any, here: Any, key: str = "") -> Iterator[str]:
    """In what two configurations differ, as far as it makes another run, each as a part of a sentence."""
    if isinstance(there, dict) and isinstance(here, dict):
        for name in there | here:
            yield from differences(there.get(name), here.get(name), f"{key}.{name}" if key else name)
    elif there != here and key not in FREE_KEYS:
        yield f"{key} is {json.dumps(there)} there and {json.dumps(here)} here"
