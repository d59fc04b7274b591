"""The training's history: one row an epoch, kept in the checkpoint, written to CSV and shown."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from twinlens.config import Config
from twinlens.config.networks import KochNetwork
from twinlens.errors import TrainingError
from twinlens.evaluation.result import Epoch
from twinlens.files import write_text
from twinlens.learning.live import show_epoch
from twinlens.learning.module import SiameseModule
from twinlens.runs import Run

# Scores closer together than this say the same of every pair; a network may start flat and wake up, so
# only several flat epochs in a row are a collapse.
_FLAT_SPREAD = 1e-3
_FLAT_EPOCHS = 5
# Of the koch network; the other has no such keys.
_OTHER_REMEDIES = ", or try network.batch_norm=true or network.init.kind=fan-in"


class History(Callback):
    """Writes a row after every epoch and stops a training that has collapsed.

    The rows are part of the checkpoint, so a resumed training goes on writing where its checkpoint was taken,
    not where it was interrupted.

    Args:
        run: Where the CSV file is rewritten whole after every epoch, and a line is logged.
        patience: Epochs after which the training would stop by itself; a collapse is noticed no later.
    """

    def __init__(self, run: Run, patience: int) -> None:
        self.run = run
        self.flat_epochs = min(_FLAT_EPOCHS, patience)
        self.epochs: list[Epoch] = []
        self._started = 0.0

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"epochs": [epoch.model_dump() for epoch in self.epochs]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the rows of a checkpoint."""
        self.epochs = [Epoch.model_validate(row) for row in state_dict["epochs"]]

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the epoch's clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the epoch down.

        Raises:
            TrainingError: The network gives every pair the same score.
        """
        assert isinstance(pl_module, SiameseModule)
        figures = pl_module.figures | pl_module.training_figures()
        seconds = time.perf_counter() - self._started
        epoch = Epoch.model_validate({"epoch": trainer.current_epoch + 1, "seconds": seconds} | figures)
        self.epochs.append(epoch)
        if trainer.is_global_zero:
            write_text(self.run.history, _csv(self.epochs))
            show_epoch(trainer, pl_module, epoch)
            self.run.log(_line(epoch))
        self._refuse_collapse(pl_module.config)

    def _refuse_collapse(self, config: Config) -> None:
        last = self.epochs[-self.flat_epochs :]
        if len(last) == self.flat_epochs and all(epoch.score_spread < _FLAT_SPREAD for epoch in last):
            others = _OTHER_REMEDIES if isinstance(config.network, KochNetwork) else ""
            raise TrainingError(
                f"The network has collapsed: for {self.flat_epochs} epochs it gave every validation pair the same "
                f"score (they differ by {last[-1].score_spread:.1g}).",
                f"Lower optimiser.learning_rate{others}.",
            )


def _csv(epochs: list[Epoch]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Epoch.model_fields))
    writer.writeheader()
    writer.writerows(epoch.model_dump() for epoch in epochs)
    return text.getvalue()


def _line(epoch: Epoch) -> str:
    oneshot = f"  one-shot {epoch.validation_oneshot:.3f}" if epoch.validation_oneshot is not None else ""
    return (
        f"epoch {epoch.epoch:3d}  loss {epoch.train_loss:.4f} / {epoch.validation_loss:.4f}  "
        f"accuracy {epoch.train_accuracy:.3f} / {epoch.validation_accuracy:.3f}  "
        f"AUC {epoch.validation_auc:.3f}{oneshot}  {epoch.seconds:.0f} s"
    )
