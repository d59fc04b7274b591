"""LFW View 2 for a recipe: trained ten times, each on nine folds, and judged on the tenth."""

from __future__ import annotations

from pathlib import Path

from twinlens.config import Config, parse_config
from twinlens.config.data import LfwData
from twinlens.errors import ConfigError, RunError
from twinlens.evaluation.figures import FoldResult
from twinlens.evaluation.folds import combine_folds
from twinlens.evaluation.result import Result
from twinlens.reporting.scores import read_result
from twinlens.runs import Run, is_follower
from twinlens.workflow.result import add_view2, finish_run
from twinlens.workflow.training import train

_FOLDS = range(1, 11)


def retrain_folds(run: Run, *, skip_broken: bool) -> Result:
    """Train the run's recipe on each nine folds of View 2 and add mean and standard error to its result.

    Every fold is a run of its own under ``RUN/view2``; one that is finished is not trained again, and one that
    was interrupted goes on. Epoch and threshold of a fold come from validation people of its nine training folds.

    Raises:
        ConfigError: The run was not trained on LFW View 1.
        RunError: The run has not been trained to its end.
        TwinlensError: As training and evaluation.
    """
    config = run.config()
    if not isinstance(config.data, LfwData) or config.data.view != 1:
        raise ConfigError(f"{run.folder} was not trained on LFW View 1, so its recipe has no View 2.")
    read_result(run.folder)  # or ten trainings would end in the error that it is missing
    tested = []
    for fold in _FOLDS:
        folder = _fold_run(run, fold).folder
        if not is_follower(config.training):
            run.log(f"View 2, fold {fold} of {len(_FOLDS)}")
        trained = train(fold_config(config, fold), out=folder, resume=True, skip_broken=skip_broken)
        tested.append(finish_run(trained, skip_broken=skip_broken))
    folds = combine_folds([_fold(fold, result) for fold, result in zip(_FOLDS, tested, strict=True)])
    unaligned = [result.test.unaligned for result in tested if result.test and result.test.unaligned is not None]
    return add_view2(run, folds.model_copy(update={"unaligned": sum(unaligned) if unaligned else None}))


def _fold(number: int, result: Result) -> FoldResult:
    test = result.test
    assert test is not None
    return FoldResult(
        fold=number,
        accuracy=test.accuracy.value,
        auc=test.auc.value,
        threshold=test.threshold,
        training_seconds=result.training.seconds,
    )


def fold_config(config: Config, fold: int) -> Config:
    """The recipe of ``config`` on the nine folds of View 2 other than ``fold``.

    Of runs on LFW that it learns from, whose people are in every fold, what they are on the same nine folds takes the
    place. Runs on other data stay.

    Raises:
        RunError: They have not been trained there.
    """
    values = config.model_dump(mode="json")
    values["data"] |= {"view": 2, "fold": fold}
    if config.initial.run:
        values["initial"]["run"] = _fold_of(config.initial.run, fold)
    values["distillation"]["teachers"] = [_fold_of(teacher, fold) for teacher in config.distillation.teachers]
    return parse_config(values, config.name)


def _fold_of(place: Path, fold: int) -> str:
    """The fold of a run on LFW; another run, or a bundle alone, is taken as it is, if it has seen nobody in View 2."""
    run = Run(place)
    if not run.recipe.is_file() or not isinstance(run.config().data, LfwData):
        return str(place)
    own = _fold_run(run, fold)
    if not own.bundle.is_dir():
        raise RunError(
            f"The recipe learns from {place}, which has not been trained on View 2.",
            f"First call: twinlens evaluate {place} --protocol lfw-view2.",
        )
    return str(own.folder)


def _fold_run(run: Run, fold: int) -> Run:
    return Run(run.folder / "view2" / f"fold{fold:02d}")
