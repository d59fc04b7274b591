"""A sweep is a folder: what was asked, its database, a run for every trial, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinlens.config.load_sweep import dump_sweep, load_sweep
from twinlens.config.sweep import SweepConfig
from twinlens.errors import RunError
from twinlens.files import write_text
from twinlens.origin import Origin, read_origin, write_origin
from twinlens.runs import Run, log_line, refuse_differences


@dataclass(frozen=True)
class Sweep:
    """The places in a sweep's folder.

    Attributes:
        folder: The sweep's folder.
    """

    folder: Path

    @property
    def definition(self) -> Path:
        """What was asked, with the recipe written out."""
        return self.folder / "sweep.yaml"

    @property
    def database(self) -> Path:
        """The trials, unless they are in a database elsewhere."""
        return self.folder / "trials.db"

    @property
    def result(self) -> Path:
        """All trials and what they say, as JSON."""
        return self.folder / "sweep.json"

    @property
    def winner(self) -> Path:
        """The recipe with the values of the best trial."""
        return self.folder / "best.yaml"

    @property
    def report(self) -> Path:
        """The report."""
        return self.folder / "report.html"

    @property
    def gate(self) -> Path:
        """The lock under which processes choose their trials."""
        return self.folder / "trials" / ".gate"

    def lock(self, number: int) -> Path:
        """The lock of the process that works on a trial."""
        return self.folder / "trials" / f".{number:03d}.lock"

    def run(self, number: int) -> Run:
        """The run of a trial."""
        return Run(self.folder / "trials" / f"{number:03d}")

    def config(self) -> SweepConfig:
        """What was asked.

        Raises:
            RunError: The folder is no sweep.
        """
        if not self.definition.is_file():
            raise RunError(f"{self.folder} is no sweep: sweep.yaml is missing.", "Start one: twinlens sweep.")
        return load_sweep(self.definition)

    def origin(self) -> Origin:
        """Where and when the sweep was started.

        Raises:
            RunError: Its ``origin.json`` is missing or was changed.
        """
        return read_origin(self.folder)

    def log(self, line: str) -> None:
        """Show a line on standard error and keep it in ``log.txt`` with the time."""
        log_line(self.folder / "log.txt", line)


def find_sweep(folder: Path, config: SweepConfig, *, embedded: bool, resume: bool) -> Sweep:
    """The sweep in ``folder``, or the place for a new one; nothing is written.

    Args:
        folder: Where.
        config: What to look for; a sweep that was started may get more trials, and nothing else may differ.
        embedded: The trials are in a database in the folder.
        resume: Go on with a sweep that was started, or take part in it, if there is one.

    Raises:
        RunError: The folder holds a sweep already and ``resume`` was not given, or it holds something else.
    """
    sweep = Sweep(folder)
    if not sweep.definition.is_file():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunError(f"{folder} is neither a sweep nor an empty folder.", "Choose another folder with --out.")
        return sweep
    there = sweep.config()
    refuse_differences(there.recipe.model_dump(mode="json"), config.recipe.model_dump(mode="json"), folder)
    refuse_differences(question(there), question(config), folder)
    if config.trials < there.trials:
        raise RunError(f"{folder} was started for {there.trials} trials, which is more than {config.trials}.")
    if embedded != sweep.database.is_file():
        raise RunError(
            f"The trials of {folder} are {'elsewhere' if embedded else 'in the folder itself'}.",
            "Give --storage as when it was started." if embedded else "Leave out --storage.",
        )
    if not resume:
        raise RunError(f"{folder} holds a sweep already.", "Go on with --resume, or choose another folder with --out.")
    return sweep


def question(config: SweepConfig) -> dict[str, Any]:
    """What is looked for and how, without the recipe and the number of trials, as plain values."""
    return config.model_dump(mode="json", exclude={"recipe", "trials"})


def start_sweep(sweep: Sweep, config: SweepConfig, *, embedded: bool) -> None:
    """Make the folder of a sweep, or write down that it gets more trials."""
    if sweep.definition.is_file() and sweep.config() == config:
        return
    if not sweep.definition.is_file():
        write_origin(sweep.folder)
        if embedded:
            sweep.database.touch()
    write_text(sweep.definition, dump_sweep(config))
