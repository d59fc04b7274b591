"""Runs that differ in nothing but their seed, taken together; and short names for runs and recipes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twinlens.reporting.compare.contenders import Contender
from twinlens.reporting.compare.settings import identity, settings
from twinlens.reporting.compare.terms import Terms, terms_of
from twinlens.runs import Run


@dataclass(frozen=True)
class Recipe:
    """One recipe on one set of terms, and all runs of it.

    Attributes:
        label: Unlike that of any other recipe here.
        runs: By label, which is unlike that of any other run here.
        settings: Of each run, in the same order.
        terms: What they were trained and tested on; ``None`` if they were not tested.
    """

    label: str
    runs: dict[str, Contender]
    settings: tuple[dict[str, str], ...]
    terms: Terms | None

    @property
    def seeds(self) -> str:
        """Its seeds, as ``seed 0`` or ``seeds 0, 1, 2``."""
        seeds = [str(run.result.provenance.seed) for run in self.runs.values()]
        return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"


def group(contenders: Sequence[Contender]) -> tuple[Recipe, ...]:
    """The recipes of some runs, in the order in which they come first.

    Raises:
        ConfigError: A recipe has keys that this version does not know.
    """
    said = [settings(run.result, str(Run(run.folder).result)) for run in contenders]
    terms = [terms_of(run) for run in contenders]
    members: dict[object, list[int]] = {}
    for i in range(len(contenders)):
        members.setdefault((identity(said[i]), terms[i]), []).append(i)
    grouped = [[contenders[i] for i in places] for places in members.values()]
    labels = _unlike([_name(runs) for runs in grouped], [runs[0].folder for runs in grouped])
    plain = [label for name, runs in zip(labels, grouped, strict=True) for label in _run_names(name, runs)]
    run_labels = iter(_unlike(plain, [run.folder for runs in grouped for run in runs]))
    return tuple(
        Recipe(
            label,
            {next(run_labels): contenders[i] for i in places},
            tuple(said[i] for i in places),
            terms[places[0]],
        )
        for label, places in zip(labels, members.values(), strict=True)
    )


def _name(runs: Sequence[Contender]) -> str:
    return " / ".join(dict.fromkeys(run.result.name for run in runs))


def _run_names(label: str, runs: Sequence[Contender]) -> list[str]:
    """What tells the runs of one recipe apart: nothing, their names, or their seeds."""
    if len(runs) == 1:
        return [label]
    names = [run.result.name for run in runs]
    if len(set(names)) == len(runs):
        return names
    return [f"{run.result.name}, seed {run.result.provenance.seed}" for run in runs]


def _unlike(labels: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """The labels, with the folder where one occurs more than once."""
    times = Counter(labels)
    return [
        label if times[label] == 1 else f"{label} ({folder})" for label, folder in zip(labels, folders, strict=True)
    ]
