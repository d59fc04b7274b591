"""Where a training is shown: in TensorBoard's files in the run's folder, or as a run of MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger

from twinlens.config import Config
from twinlens.learning.live import show_charts
from twinlens.runs import Run, is_follower
from twinlens.tracking import experiment_name, plain_errors, read_run_id, tracking_uri, write_run_id

_FOLDER = "tensorboard"


@contextmanager
def open_logger(config: Config, run: Run) -> Iterator[Logger | Literal[False]]:
    """What Lightning shall log to, for as long as the training takes; nothing in a process that only helps.

    Raises:
        RunError: MLflow cannot be reached, or does not know the run that it is to go on with.
    """
    if is_follower(config.training):
        yield False
    elif config.logger == "tensorboard":
        yield _tensorboard(config, run)
    else:
        with plain_errors():
            yield _mlflow(config, run)


def _tensorboard(config: Config, run: Run) -> TensorBoardLogger:
    is_new = not (run.folder / _FOLDER).exists()
    logger = TensorBoardLogger(run.folder, name="", version=_FOLDER, default_hp_metric=False)
    if is_new:
        logger.log_hyperparams(config.model_dump(mode="json"))
        show_charts(logger.experiment)
    return logger


def _mlflow(config: Config, run: Run) -> MLFlowLogger:
    run_id = read_run_id(run)
    logger = MLFlowLogger(experiment_name(), run.folder.name, tracking_uri(), run_id=run_id)
    client = logger.experiment
    assert logger.run_id is not None
    if run_id is None:
        logger.log_hyperparams(config.model_dump(mode="json"))
        write_run_id(run, logger.run_id)
    else:
        client.update_run(run_id, status="RUNNING")
    return logger
