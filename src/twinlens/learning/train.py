"""Train one configuration to its own stopping rule, resumably."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console

from twinlens.config import Config
from twinlens.config.learning import TrainingConfig
from twinlens.cores import usable_cores
from twinlens.data.dataset import Partition
from twinlens.errors import TrainingError
from twinlens.evaluation.result import TrainingSummary
from twinlens.files import write_text
from twinlens.learning.allocator import keep_freed_memory
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.history import History
from twinlens.learning.keeping import Keeping, best_epoch, is_stalled
from twinlens.learning.layers import layer_rows
from twinlens.learning.module import SiameseModule
from twinlens.runs import Run
from twinlens.types import UInt8Array


def train(config: Config, partition: Partition, crops: UInt8Array, run: Run) -> SiameseModule:
    """Train until the stopping rule says so; the run's last checkpoint, if there is one, is where it starts.

    Writes checkpoints, history, TensorBoard files and ``training.json`` into the run's folder. In a training of
    several processes every one returns.

    Args:
        config: What to train and how.
        partition: Training and validation pairs.
        crops: uint8 ``(n, height, width, channels)``, one row per sample of the partition's dataset.
        run: Where to write.

    Returns:
        The module with the weights of the best epoch, in evaluation mode.

    Raises:
        TrainingError: The network collapsed or diverged, or there is nothing to decide on when to stop.
        RunError: A checkpoint cannot be read.
    """
    keep_freed_memory()
    torch.set_num_threads(config.training.threads or usable_cores())
    module = SiameseModule(config, partition, crops)
    if not run.training.is_file():
        _fit(module, config.training, run)
    return load_best(module, run)


def load_best(module: SiameseModule, run: Run) -> SiameseModule:
    """Give ``module`` the weights of the run's best epoch and put it into evaluation mode."""
    module.load_state_dict(SafetensorsIO().load_checkpoint(run.best)["state_dict"])
    return module.eval()


def _fit(module: SiameseModule, config: TrainingConfig, run: Run) -> None:
    if config.monitor == "validation_oneshot" and not module.validating.episodes:
        raise TrainingError(
            "training.monitor: the validation subjects are too few for one-shot tasks.",
            "Set it to validation_loss, or give split.validation a larger share.",
        )
    history = History(run)
    with _quiet():
        trainer = _trainer(config, run, [history, Keeping(config, history, run), *_progress()])
        trainer.fit(module, ckpt_path=run.last if run.last.is_file() else None)
    if trainer.is_global_zero:
        write_text(run.training, _summary(module, history, config).model_dump_json(indent=1) + "\n")


def _trainer(config: TrainingConfig, run: Run, callbacks: list[Callback]) -> lightning.Trainer:
    return lightning.Trainer(
        max_epochs=config.max_epochs,
        accelerator="auto",
        devices=config.devices,
        num_nodes=config.nodes,
        strategy="ddp" if config.devices * config.nodes > 1 else "auto",
        precision=_precision(config),
        accumulate_grad_batches=config.accumulate,
        callbacks=callbacks,
        plugins=[SafetensorsIO()],
        logger=TensorBoardLogger(run.folder, name="", version="tensorboard"),
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        enable_model_summary=False,
        enable_progress_bar=_is_terminal(),
        default_root_dir=run.folder,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's advertisements, and warnings that only its makers can act on, from the user."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # Batches come from memory; loader processes would only take the cores from the training.
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def _is_terminal() -> bool:
    return Console(stderr=True).is_terminal


class _Bar(RichProgressBar):
    """Lightning's bar, counting epochs from 1 as everything else here does."""

    def _get_train_description(self, current_epoch: int) -> str:
        return f"epoch {current_epoch + 1} of at most {self.trainer.max_epochs}"

    def get_metrics(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> dict[str, Any]:
        """Nothing: the figures of an epoch are a line of their own."""
        return {}


def _progress() -> list[Callback]:
    return [_Bar()] if _is_terminal() else []


def _precision(config: TrainingConfig) -> Literal["bf16-mixed", "32-true"]:
    if config.precision == "32":
        return "32-true"
    if config.precision == "bf16-mixed" or _computes_bfloat16():
        return "bf16-mixed"
    return "32-true"


def _computes_bfloat16() -> bool:
    """Whether bfloat16 is computed natively; emulated, it is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _summary(module: SiameseModule, history: History, config: TrainingConfig) -> TrainingSummary:
    epochs = tuple(history.epochs)
    best = best_epoch(epochs, config)
    return TrainingSummary(
        epochs=epochs,
        best_epoch=best,
        seconds=sum(epoch.seconds for epoch in epochs),
        seconds_to_best=sum(epoch.seconds for epoch in epochs[:best]),
        stopped_by="patience" if is_stalled(epochs, config) else "max_epochs",
        parameters=sum(p.numel() for p in module.parameters()),
        layers=layer_rows(module),
    )
