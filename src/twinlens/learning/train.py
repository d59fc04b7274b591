"""Train one configuration to its own stopping rule, resumably."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from twinlens.config import Config
from twinlens.config.training import TrainingConfig
from twinlens.data.dataset import Partition
from twinlens.errors import RunError
from twinlens.evaluation.result import TrainingSummary
from twinlens.files import remove_leftovers, write_text
from twinlens.learning.allocator import keep_freed_memory
from twinlens.learning.averaging import Averaging
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.history import History
from twinlens.learning.initial import start_from
from twinlens.learning.keeping import Keeping, Watch, best_epoch, is_stalled
from twinlens.learning.layers import layer_rows
from twinlens.learning.module import SiameseModule
from twinlens.learning.refining.ground import refuse_unfit
from twinlens.learning.rounding import rounded
from twinlens.learning.trainer import fit
from twinlens.runs import Run, is_follower, start_run
from twinlens.types import Float32Array, UInt8Array


def train(
    config: Config,
    partition: Partition,
    crops: UInt8Array,
    run: Run,
    watch: Watch | None = None,
    teachers: Sequence[Float32Array] = (),
) -> SiameseModule:
    """Train until the stopping rule says so; the run's last checkpoint, if there is one, is where it starts.

    Makes the run's folder and writes checkpoints, history, TensorBoard files and ``training.json`` into it. In a
    training of several processes every one returns.

    Args:
        config: What to train and how.
        partition: Training and validation pairs.
        crops: uint8 ``(n, height, width, channels)``, one row per sample of the partition's dataset.
        run: Where to write.
        watch: Told of the epochs so far at the beginning and after each; what it raises ends the training.
        teachers: Embeddings of the training samples by ``config.distillation.teachers``, float32 ``(m, dim of its
            own)`` each.

    Returns:
        The module with the weights of the best epoch, in evaluation mode.

    Raises:
        TrainingError: The network collapsed or diverged, or there are too few people to decide on, or
            too few photos of one to fit what comes after the training.
        RunError: A checkpoint cannot be read, or is of a training on other photos or pairs, or
            another process trains the run.
        ConfigError: The run whose weights it starts from has another network.
        KeyboardInterrupt: Somebody pressed Ctrl-C or asked the process to end.
    """
    keep_freed_memory()
    refuse_unfit(config, partition)
    module = SiameseModule(config, partition, crops, teachers)
    if config.initial.run is not None and not run.last.is_file():
        start_from(module.twin, Run(config.initial.run))
    start_run(run.folder, config, resume=True)  # no sooner, so that what cannot be trained leaves no folder
    with _alone(config.training, run):
        if not run.training.is_file():
            _fit(module, config.training, run, watch)
        return load_best(module, run)


def load_best(module: SiameseModule, run: Run) -> SiameseModule:
    """Give ``module`` the weights of the run's best epoch, rounded as they are stored, and put it into evaluation mode.

    Raises:
        RunError: They cannot be read, or were learned from other photos or pairs than the module's.
    """
    checkpoint = SafetensorsIO().load_checkpoint(run.best)
    module.on_load_checkpoint(checkpoint)
    module.load_state_dict(checkpoint["state_dict"])
    rounded(module.twin)
    return module.eval()


@contextmanager
def _alone(config: TrainingConfig, run: Run) -> Iterator[None]:
    """Let nobody else train the run meanwhile, and clear away what a killed training was about to write.

    Raises:
        RunError: Another process trains it.
    """
    if is_follower(config):  # comes with the process that holds the lock
        yield
        return
    with run.recipe.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system unlocks it, however this process ends
        except BlockingIOError as error:
            raise RunError(
                f"{run.folder} is being trained by another process.", "Wait, or choose another folder with --out."
            ) from error
        remove_leftovers(run.folder)
        remove_leftovers(run.checkpoints)
        yield


def _fit(module: SiameseModule, config: TrainingConfig, run: Run, watch: Watch | None) -> None:
    history = History(run, config.patience)
    averaging = Averaging(config.average_decay) if config.average_decay else None
    keeping = Keeping(config, history, run, averaging, watch)
    fit(module, config, run, [history, *([averaging] if averaging else []), keeping])
    if not is_follower(config):
        write_text(run.training, _summary(module, history, config).model_dump_json(indent=1) + "\n")


def _summary(module: SiameseModule, history: History, config: TrainingConfig) -> TrainingSummary:
    epochs = tuple(history.epochs)
    best = best_epoch(epochs, config)
    layers = layer_rows(module)
    return TrainingSummary(
        epochs=epochs,
        best_epoch=best,
        seconds=sum(epoch.seconds for epoch in epochs),
        seconds_to_best=sum(epoch.seconds for epoch in epochs[:best]),
        stopped_by="patience" if is_stalled(epochs, config) else "max_epochs",
        parameters=sum(layer.parameters for layer in layers),  # what is shipped: not the softmax over the classes
        layers=layers,
    )
