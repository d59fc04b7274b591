"""What TensorBoard or MLflow show of a training while it runs."""

from __future__ import annotations

import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard import SummaryWriter

from twinlens.evaluation.result import Epoch
from twinlens.learning.mistakes import mistake_strips
from twinlens.learning.module import SiameseModule

# Tags before the slash make the charts; these draw train and validation into one.
_CHARTS = {
    "loss": ["Multiline", ["loss/train", "loss/validation"]],
    "accuracy": ["Multiline", ["accuracy/train", "accuracy/validation"]],
    "AUC and one-shot accuracy": ["Multiline", ["auc/validation", "oneshot/validation"]],
    "learning rates": ["Multiline", ["learning_rate/.*"]],
}
_PARTS = ("train", "validation")
_SAID_OTHERWISE = {"epoch", "learning_rate"}  # the step, and the rates of all layers
_PULSE_SECONDS = 5.0


def show_epoch(trainer: lightning.Trainer, module: SiameseModule, epoch: Epoch) -> None:
    """Hand an epoch's figures to whatever shows them, and its scores and worst mistakes to TensorBoard."""
    figures = epoch.model_dump(exclude=_SAID_OTHERWISE, exclude_none=True)
    values = {_tag(name): value for name, value in figures.items()}
    values |= {f"learning_rate/{layer}": rate for layer, rate in module.rates.items()}
    for logger in trainer.loggers:
        logger.log_metrics(values, step=epoch.epoch)
        if isinstance(logger, TensorBoardLogger):
            _show_pairs(logger.experiment, module, epoch.epoch)
        logger.save()  # or it may take two minutes until TensorBoard shows it


def show_start(writer: SummaryWriter, recipe: str) -> None:
    """Tell TensorBoard what is trained, and which curves belong into one chart."""
    writer.add_text("recipe", f"```yaml\n{recipe}```")
    writer.add_custom_scalars({"Training": _CHARTS})


class Pulse(Callback):
    """Shows the loss within an epoch, every few seconds: on a large training part an epoch takes long."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        self._restart()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Show the mean of the losses since the last time, if that was long enough ago."""
        # Lightning has divided it by the batches of a step.
        self._losses.append(float(outputs["loss"]) * trainer.accumulate_grad_batches)
        if time.monotonic() - self._shown < _PULSE_SECONDS:
            return
        for logger in trainer.loggers:
            logger.log_metrics({"step/loss": sum(self._losses) / len(self._losses)}, step=trainer.global_step)
            logger.save()
        self._restart()

    def _restart(self) -> None:
        self._losses: list[float] = []
        self._shown = time.monotonic()


def _tag(name: str) -> str:
    """``train_loss`` as ``loss/train``, so that charts of one figure stand together."""
    part, _, figure = name.partition("_")
    return f"{figure}/{part}" if part in _PARTS else f"epoch/{name}"


def _show_pairs(writer: SummaryWriter, module: SiameseModule, step: int) -> None:
    if module.scores is None:
        return
    writer.add_histogram("scores/genuine", module.scores.genuine, step)
    writer.add_histogram("scores/impostor", module.scores.impostor, step)
    strips = mistake_strips(module.crops, module.partition.validation.pairs, module.scores.values)
    for name, strip in strips.items():
        writer.add_image(f"validation/{name}", strip, step, dataformats="HWC")
