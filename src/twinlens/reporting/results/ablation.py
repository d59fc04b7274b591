"""What single switches do: runs that differ from a base in one of them, judged on the same validation pairs.

None of them has looked at a test pair, so as many may be tried as one likes, and be held against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twinlens.errors import RunError
from twinlens.evaluation.paired import Judged, resample_together
from twinlens.evaluation.result import Result
from twinlens.reporting.compare.testing import RESAMPLES
from twinlens.reporting.results.publish import ABLATION, published
from twinlens.reporting.results.recipe_file import RecipeFile, commands, read_recipe_file, recipe_name
from twinlens.reporting.results.table import natural
from twinlens.reporting.results.versus import Versus, against
from twinlens.reporting.scores import ScoredPairs, read_result, read_scores
from twinlens.runs import Run

# Fixed, so that the page made again says the same.
_SEED = 0


@dataclass(frozen=True, eq=False)
class Switch:
    """A published run of an ablation.

    Attributes:
        folder: Where it lies.
        result: What is known about it.
        pairs: Its scored validation pairs, in an order that is the same for every run.
        file: What its recipe says, if twinlens comes with it.
        command: What trains it again; empty if that is not known.
    """

    folder: Path
    result: Result
    pairs: ScoredPairs
    file: RecipeFile | None
    command: str

    @property
    def name(self) -> str:
        """Unlike that of any other."""
        return self.folder.name

    @property
    def judged(self) -> Judged:
        """Its scores, and the threshold that was fixed on the people of these very pairs."""
        return Judged(self.pairs.scores, self.result.validation.threshold)

    @property
    def drawn_by(self) -> int:
        """The seed that says who validates."""
        chosen = self.result.recipe["split"].get("seed")
        return self.result.provenance.seed if chosen is None else int(chosen)

    @property
    def listed(self) -> list[tuple[str, str]]:
        """Which pairs it was judged on."""
        return list(zip(self.pairs.first, self.pairs.second, strict=True))


@dataclass(frozen=True)
class Study:
    """A base, and the runs that differ from it in what their recipes say.

    Attributes:
        base: What the others are held against, of its lowest seed.
        again: The base of other seeds, on the same pairs; switches are held against the mean of all.
        switches: In the order of their names.
        versus: By name, the difference to the base; those judged on other pairs have none.
    """

    base: Switch
    again: tuple[Switch, ...]
    switches: tuple[Switch, ...]
    versus: Mapping[str, Versus]


def read_studies(folder: Path) -> tuple[list[Study], list[str]]:
    """The ablations among all published results; a base is what the recipe of another run extends.

    Runs are held against the base whose validation people were drawn by the same seed, ``split.seed`` or their own.

    Args:
        folder: Of all published results.

    Returns:
        The ablations, and the names of runs that differ from none that is there.

    Raises:
        RunError: A result or its scores cannot be read.
    """
    place = folder / ABLATION
    runs = sorted((_read(path) for path in published(place)) if place.is_dir() else (), key=_order)
    found: dict[tuple[str, int], list[Switch]] = {}
    for run in runs:
        found.setdefault((run.result.name, run.drawn_by), []).append(run)
    members: dict[tuple[str, int], list[Switch]] = {}
    for run in runs:
        base = (run.file.extends or "" if run.file else "", run.drawn_by)
        if base in found:
            members.setdefault(base, []).append(run)
    studies = [_study(bases, members[key]) for key, bases in found.items() if key in members]
    told = {run.name for study in studies for run in (study.base, *study.again, *study.switches)}
    return studies, [run.name for run in runs if run.name not in told]


def _order(run: Switch) -> tuple[tuple[tuple[int, str], ...], int]:
    return natural(run.result.name), run.result.provenance.seed


def _read(folder: Path) -> Switch:
    result, path = read_result(folder), Run(folder).scores("validation")
    pairs = read_scores(path)
    run = Switch(
        folder=folder,
        result=result,
        pairs=pairs[sorted(range(len(pairs)), key=lambda i: (pairs.first[i], pairs.second[i]))],
        file=read_recipe_file(recipe_name(result)),
        command=next(iter(commands(result, folder)), ""),
    )
    if abs(run.judged.right.mean() - result.validation.accuracy.value) > 1e-9:
        raise RunError(f"{path} does not hold the scores that {Run(folder).result} speaks of.", "Publish it again.")
    return run


def _study(bases: Sequence[Switch], switches: Sequence[Switch]) -> Study:
    base, *others = bases
    again, comparable = ([run for run in runs if run.listed == base.listed] for runs in (others, switches))
    judged = [run.judged for run in (base, *again, *comparable)]
    resampled = resample_together(judged, RESAMPLES, _SEED)
    seeds = 1 + len(again)
    held = {run.name: [one] for run, one in zip(comparable, resampled[seeds:], strict=True)}
    return Study(base, tuple(again), tuple(switches), against(resampled[:seeds], held))
