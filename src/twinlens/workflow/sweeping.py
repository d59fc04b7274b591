"""Look for better values of a recipe's keys: a training for each trial, judged on validation pairs alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinlens.config import Config
from twinlens.config.load_sweep import load_sweep
from twinlens.config.sweep import SweepConfig
from twinlens.data.dataset import Partition
from twinlens.errors import ConfigError, TrainingError
from twinlens.files import write_text
from twinlens.reporting.sweep.page import make_sweep_page
from twinlens.reporting.sweep.sentences import ending, values_text
from twinlens.sweeps import Sweep, find_sweep, start_sweep
from twinlens.types import Float32Array, UInt8Array
from twinlens.workflow.predecessors import find_predecessors, teacher_embeddings
from twinlens.workflow.preparation import Prepared, prepare
from twinlens.workflow.sizing import resolve_aloud
from twinlens.workflow.sweep_result import write_sweep_result
from twinlens.workflow.training import refuse_missing

if TYPE_CHECKING:
    from twinlens.learning.sweep.claims import Claims


def sweep(
    target: str | Path | SweepConfig,
    *,
    vary: Iterable[str] = (),
    overrides: Iterable[str] = (),
    changes: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    storage: str | None = None,
    resume: bool = False,
    skip_broken: bool = False,
) -> Sweep:
    """Search over keys of a recipe; ends with the best recipe and a report in the sweep's folder.

    Several processes may take part: of one machine in one folder, of several machines with a database. The test pairs
    are not looked at.

    Args:
        target: A sweep's name, path or configuration; with ``vary`` a recipe's name or path.
        vary: ``section.key=VALUES`` strings.
        overrides: ``section.key=value`` strings for the recipe.
        changes: Other values for keys of the sweep, as in ``{"trials": 12}``.
        out: The sweep's folder; ``sweeps/NAME`` if not given.
        storage: Address of a database; one in the folder if not given.
        resume: Go on with a sweep, or take part in it, if there is one; a finished one gets its report again.
        skip_broken: Leave out images that cannot be read.

    Raises:
        TwinlensError: Something is wrong with sweep, recipe, data, folder or database, or no trial could be trained.
    """
    if isinstance(target, SweepConfig):
        config = target
    else:
        config = load_sweep(target, vary=vary, overrides=overrides, changes=changes)
    config = config.model_copy(update={"recipe": resolve_aloud(config.recipe)})
    folder = Path(out) if out else Path("sweeps") / config.name
    found = find_sweep(folder, config, embedded=storage is None, resume=resume)
    refuse_missing(config.recipe)
    if find_spec("optuna") is None:
        raise ConfigError("A sweep needs Optuna.", "Install it: pip install 'twinlens[train]'.")
    _search(found, config, storage, resume=resume, skip_broken=skip_broken)
    return found


def _search(sweep: Sweep, config: SweepConfig, storage: str | None, *, resume: bool, skip_broken: bool) -> None:
    from twinlens.learning.material import material_digest
    from twinlens.learning.sweep.study import open_study
    from twinlens.learning.sweep.trials import refuse_untrainable

    prepared = prepare(config.recipe, skip_broken=skip_broken)
    refuse_untrainable(config, prepared.partition)
    start_sweep(sweep, config, embedded=storage is None)
    material = material_digest(prepared.partition)
    photos = _Photos(config.recipe, prepared, skip_broken=skip_broken)
    with open_study(sweep, config, storage=storage, material=material, resume=resume) as claims:
        _run_trials(claims, sweep, config, photos)
        result = write_sweep_result(sweep, config, prepared.partition, claims.trials())
    write_text(sweep.report, make_sweep_page(result))
    if result.best_trial is None:
        reason = next((trial.reason for trial in result.trials if trial.reason), "all were pruned.")
        raise TrainingError(f"None of the {len(result.trials)} trials was trained to its end: {reason}")


def _run_trials(claims: Claims, sweep: Sweep, config: SweepConfig, photos: _Photos) -> None:
    from twinlens.learning.sweep.claim import TakenOverError
    from twinlens.learning.sweep.space import suggest
    from twinlens.learning.sweep.trials import run_trial

    while claim := claims.next():
        name = f"trial {claim.number} of {config.trials}"
        with claim:
            values = suggest(claim.trial, config.vary)
            again = f" (goes on after epoch {claim.after})" if claim.after else ""
            sweep.log(f"{name}: {values_text(values)}{again}")
            try:
                run_trial(claim, config, values, sweep.run(claim.number), photos)
            except TakenOverError:
                sweep.log(f"{name} was taken over by another process")
                continue
        result = write_sweep_result(sweep, config, photos.partition, claims.trials())
        sweep.log(f"{name}: {ending(result.trials[claim.number - 1], result.metric)}")


class _Photos:
    """Pairs, crops and teachers for every trial; those of one frame are opened once, and teachers asked once.

    Args:
        recipe: What all trials have in common.
        prepared: Pairs and crops of the recipe itself.
        skip_broken: Leave out images that cannot be read.
    """

    def __init__(self, recipe: Config, prepared: Prepared, *, skip_broken: bool) -> None:
        self.partition = prepared.partition
        self._opened = {recipe.frame: prepared}
        self._taught: dict[tuple[Path, ...], tuple[Float32Array, ...]] = {}
        self._skip_broken = skip_broken

    def __call__(self, config: Config) -> tuple[Partition, UInt8Array, tuple[Float32Array, ...]]:
        if config.frame not in self._opened:
            self._opened[config.frame] = prepare(config, skip_broken=self._skip_broken)
        prepared, teachers = self._opened[config.frame], config.distillation.teachers
        predecessors = find_predecessors(config, prepared.partition)
        if teachers not in self._taught:
            embeddings = teacher_embeddings(predecessors, config, prepared, skip_broken=self._skip_broken)
            self._taught[teachers] = embeddings
        return prepared.partition, prepared.store.crops, self._taught[teachers]
