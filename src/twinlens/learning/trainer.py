"""How Lightning is set up, and what it may not do to the process around it."""

from __future__ import annotations

import gc
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.loggers import Logger
from rich.console import Console

from twinlens.config.training import TrainingConfig
from twinlens.cores import usable_cores
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.interruption import EndOnRequest, interruptible
from twinlens.learning.live import Pulse
from twinlens.learning.loggers import open_logger
from twinlens.learning.module import SiameseModule
from twinlens.runs import Run


def fit(module: SiameseModule, config: TrainingConfig, run: Run, callbacks: list[Callback]) -> None:
    """Train ``module``; the run's last checkpoint, if there is one, is where it starts.

    With several devices Lightning starts the command that is running once more for each of the others.

    Raises:
        KeyboardInterrupt: Somebody pressed Ctrl-C or asked the process to end.
    """
    threads = config.threads or max(1, usable_cores() // config.devices)
    torch.set_num_threads(threads)
    last = run.last if run.last.is_file() else None
    callbacks = [*callbacks, Pulse(), EndOnRequest(), *_progress()]
    try:
        with _quiet(), _own_environment(threads), interruptible(), open_logger(module.config, run) as logger:
            _trainer(config, run, logger, callbacks).fit(module, ckpt_path=last)
    finally:
        # Gradients and the optimiser's state are up to three times the weights, and Lightning's objects refer to each
        # other, so that they would stay until Python looks for such: through the ten trainings of View 2, say.
        module.trainer = None
        module.zero_grad()
        gc.collect()


def _trainer(
    config: TrainingConfig, run: Run, logger: Logger | Literal[False], callbacks: list[Callback]
) -> lightning.Trainer:
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
        logger=logger,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,  # the loaders share batches by themselves
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        enable_model_summary=False,
        enable_progress_bar=_is_terminal(),
        default_root_dir=run.folder,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's advertisements, and warnings that only its makers can act on, from the user."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # Batches come from memory; loader processes would only take the cores from the training.
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _own_environment(threads: int) -> Iterator[None]:
    """Let the next training start as the first did.

    Lightning tells the processes that it starts of each other by environment variables, and takes what it finds
    there for another one's, which had started all processes already.
    """
    before = dict(os.environ)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # or Lightning chooses another number
    try:
        yield
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


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
    return [_Bar(console_kwargs={"stderr": True})] if _is_terminal() else []


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
