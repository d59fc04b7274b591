"""A sweep's ``sweep.json`` and its winner's recipe, from what the database holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from twinlens.config import dump_recipe
from twinlens.config.sweep import SweepConfig
from twinlens.data.dataset import Partition
from twinlens.evaluation.sweep import SweepResult, Trial, ValidationSize
from twinlens.files import write_text
from twinlens.reporting.sweep.sentences import winner_comment
from twinlens.sweeps import Sweep, question

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def write_sweep_result(
    sweep: Sweep, config: SweepConfig, partition: Partition, trials: Sequence[FrozenTrial]
) -> SweepResult:
    """Write what the trials say so far, and keep no weights but those of the best of them.

    Args:
        sweep: Where to write.
        config: What is looked for.
        partition: Its validation part is what all trials are judged on.
        trials: As they are now.
    """
    from twinlens.learning.sweep.importance import importances
    from twinlens.learning.sweep.summary import trial_row
    from twinlens.learning.sweep.trials import remove_checkpoints

    rows = tuple(trial_row(trial, config) for trial in trials)
    best = _best(rows, higher_is_better=config.higher_is_better)
    origin, seed = sweep.origin(), config.recipe.seed
    result = SweepResult(
        name=config.name,
        question=question(config),
        recipe=config.recipe.model_dump(mode="json"),
        metric=config.metric,
        higher_is_better=config.higher_is_better,
        origin=replace(origin, versions=origin.versions | {"optuna": version("optuna")}),
        setting=config.recipe.data.setting.kind,
        leaks=partition.leaks,
        synthetic=config.recipe.data.kind == "synthetic",
        protocol=partition.protocol,
        validation=_size(partition),
        trials=rows,
        recipe_trial=1 if config.own_values() else None,
        best_trial=best.number if best else None,
        winner=config.winner(best.values).model_dump(mode="json") if best else None,
        importances=importances(trials, higher_is_better=config.higher_is_better, seed=seed),
    )
    write_text(sweep.result, result.model_dump_json(indent=1) + "\n")
    if best:
        write_text(sweep.winner, winner_comment(result) + dump_recipe(config.winner(best.values)))
    for row in rows:
        if row.state in ("finished", "pruned", "failed") and row is not best:
            remove_checkpoints(sweep.run(row.number))
    return result


def _best(trials: Sequence[Trial], *, higher_is_better: bool) -> Trial | None:
    """Of equals the earliest."""
    finished = [trial for trial in trials if trial.state == "finished"]
    sign = 1 if higher_is_better else -1
    return max(finished, key=lambda trial: sign * (trial.objective or 0), default=None)


def _size(partition: Partition) -> ValidationSize:
    part = partition.validation
    genuine = int(part.pairs.is_genuine.sum())
    return ValidationSize(
        genuine_pairs=genuine,
        impostor_pairs=len(part.pairs) - genuine,
        subjects=len(part.subject_codes(partition.dataset)),
        images=len(part.samples),
    )
