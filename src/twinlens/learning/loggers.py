"""Where a training is shown: in TensorBoard's files in the run's folder, or as a run of MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger

from twinlens.config import Config, dump_recipe
from twinlens.learning.live import show_start
from twinlens.runs import Run, is_follower
from twinlens.tracking import open_run, plain_errors, tracking_uri

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
    logger = TensorBoardLogger(run.folder, name="", version=_FOLDER)
    if is_new:
        show_start(logger.experiment, dump_recipe(config))
    return logger


def _mlflow(config: Config, run: Run) -> MLFlowLogger:
    logger = MLFlowLogger(tracking_uri=tracking_uri(), run_id=open_run(run))
    # A parameter may never change, and these may when the training is resumed.
    logger.log_hyperparams(config.model_dump(mode="json", exclude={"logger": True, "training": {"threads"}}))
    return logger
