"""Which epoch is kept and when a training has gone on for long enough; both follow from its history alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import lightning
from lightning.pytorch.callbacks import Checkpoint

from twinlens.config.training import TrainingConfig
from twinlens.evaluation.result import Epoch
from twinlens.learning.averaging import Averaging
from twinlens.learning.history import History
from twinlens.runs import Run

# Told of all epochs so far when a training begins, goes on and has finished another one; may end it by raising.
Watch = Callable[[Sequence[Epoch]], None]


class Keeping(Checkpoint):
    """Keeps the weights of the best epoch and the whole state after the last, and stops when patience is at an end.

    It has no state of its own: the history is in the checkpoint, so that a run decides alike whenever it is resumed
    and wherever its folder lies. As a ``Checkpoint`` Lightning calls it last, and adds none of its own.

    Args:
        config: What is monitored, and for how long.
        history: Of this training.
        run: Where the checkpoints lie; each replaces its predecessor.
        averaging: Whose average is kept of the best epoch in the weights' place, if there is one.
        watch: Called after them, so that what it has been told is never forgotten.
    """

    def __init__(
        self,
        config: TrainingConfig,
        history: History,
        run: Run,
        averaging: Averaging | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.config = config
        self.history = history
        self.run = run
        self.averaging = averaging
        self.watch = watch

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Train no further if the run was interrupted after its last epoch."""
        trainer.should_stop = is_stalled(self.history.epochs, self.config)
        if self.watch:
            self.watch(self.history.epochs)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the checkpoints."""
        epochs = self.history.epochs
        # The best first: interrupted in between, the epoch is repeated and the best one written again.
        if best_epoch(epochs, self.config) == epochs[-1].epoch:
            with self.averaging.lent() if self.averaging else nullcontext():
                trainer.save_checkpoint(self.run.best, weights_only=True)
        trainer.save_checkpoint(self.run.last)
        trainer.should_stop = is_stalled(epochs, self.config)
        if self.watch:
            self.watch(epochs)


def best_epoch(epochs: Sequence[Epoch], config: TrainingConfig) -> int:
    """Number of the best epoch, counted from 1; of equals the earliest."""
    return max(epochs, key=lambda epoch: _merit(epoch, config)).epoch


def is_stalled(epochs: Sequence[Epoch], config: TrainingConfig) -> bool:
    """Whether ``patience`` epochs in a row were no better than an earlier one by more than ``min_delta``."""
    best, waited = -math.inf, 0
    for epoch in epochs:
        merit = _merit(epoch, config)
        if merit > best + config.min_delta:
            best, waited = merit, 0
        else:
            waited += 1
    return waited >= config.patience


def _merit(epoch: Epoch, config: TrainingConfig) -> float:
    """What is monitored; higher is better."""
    match config.monitor:
        case "validation_loss":
            return -epoch.validation_loss
        case "validation_auc":
            return epoch.validation_auc
        case "validation_oneshot":
            assert epoch.validation_oneshot is not None
            return epoch.validation_oneshot
