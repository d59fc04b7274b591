"""One trial: a training that tells the study of every epoch, and is given up when the study says so."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
import torch

from twinlens.config import Config
from twinlens.config.sweep import SweepConfig
from twinlens.config.training import Monitor, TrainingConfig
from twinlens.data.dataset import Partition
from twinlens.errors import ConfigError, TrainingError
from twinlens.evaluation.result import Epoch, TrainingSummary
from twinlens.learning.keeping import best_epoch, is_stalled
from twinlens.learning.networks import Twin
from twinlens.learning.sweep.claim import Claim
from twinlens.learning.train import train
from twinlens.learning.validation import ValidationPart
from twinlens.runs import Run
from twinlens.types import Float32Array, UInt8Array

# From a configuration to the pairs that train and validate, the crops, uint8 (n, height, width, channels), and the
# teachers' embeddings of the training samples.
Prepare = Callable[[Config], tuple[Partition, UInt8Array, tuple[Float32Array, ...]]]


def run_trial(claim: Claim, config: SweepConfig, values: Mapping[str, Any], run: Run, prepare: Prepare) -> None:
    """Train a trial, from where it was left if somebody has begun it, and write down what it came to.

    A training that diverges or collapses, or values that do not go together, make a failed trial.

    Args:
        claim: The trial.
        config: What is looked for.
        values: What the trial has of its own.
        run: The trial's folder.
        prepare: Where pairs, crops and teachers come from; no pairs but those of validation are scored.

    Raises:
        TakenOverError: Another process has taken the trial over.
        TwinlensError: As training, if it is no fault of the trial's own values.
    """
    try:
        trial = config.trial(values, claim.number)
        watch = _Watch(claim, trial.training, config.metric)
        partition, crops, teachers = prepare(trial)
        train(trial, partition, crops, run, watch, teachers)
    except optuna.TrialPruned:
        claim.end()
    except (ConfigError, TrainingError) as error:
        claim.end(reason=str(error))
    else:
        epochs = TrainingSummary.model_validate_json(run.training.read_bytes()).epochs
        watch.tell(epochs)
        value = _value(epochs[best_epoch(epochs, trial.training) - 1], config.metric)
        finite = math.isfinite(value)
        claim.end(value if finite else None, reason=None if finite else f"Its objective is {value}.")


def remove_checkpoints(run: Run) -> None:
    """Free the place that a trial's weights take; its history stays."""
    shutil.rmtree(run.checkpoints, ignore_errors=True)


def refuse_untrainable(config: SweepConfig, partition: Partition) -> None:
    """Say before anything is trained what would make trials fail, as far as it can be known.

    Raises:
        ConfigError: With a value that varies, and otherwise as the recipe says, the network cannot be built.
        TrainingError: The objective cannot be measured.
    """
    shaping = {key: values for key, values in config.vary.items() if key.startswith(("network", "frame"))}
    for own in ({key: end} for key, values in shaping.items() for end in values.ends):
        trial = config.trial(own, 0)
        with torch.device("meta"):  # shapes without numbers
            Twin(trial.network, trial.normalisation, trial.frame)
    if config.metric == "validation_oneshot" and not ValidationPart(partition, 1, config.recipe).episodes:
        raise TrainingError(
            "The validation part is too small for a one-shot task.",
            "Enlarge split.validation, or let another figure decide with --objective.",
        )


class _Watch:
    """Tells the study what it does not know yet, and asks whether the training is worth going on with."""

    def __init__(self, claim: Claim, config: TrainingConfig, metric: Monitor) -> None:
        self.claim = claim
        self.config = config
        self.metric = metric

    def __call__(self, epochs: Sequence[Epoch]) -> None:
        """End the training if there is no use in it.

        Raises:
            TrialPruned: The study says so; not of a training that has just come to its end.
            TakenOverError: Another process goes on with the trial.
        """
        self.claim.refuse_takeover()
        self.tell(epochs)
        over = len(epochs) == self.config.max_epochs or is_stalled(epochs, self.config)
        if not over and self.claim.trial.should_prune():
            raise optuna.TrialPruned

    def tell(self, epochs: Sequence[Epoch]) -> None:
        """Report every epoch once, and keep the figures of the best at hand."""
        trial, known = self.claim.trial, self.claim.frozen().intermediate_values
        for epoch in epochs:
            if epoch.epoch not in known:
                trial.report(_value(epoch, self.metric), epoch.epoch)
        if epochs:
            best = epochs[best_epoch(epochs, self.config) - 1]
            trial.set_user_attr("best", best.model_dump(mode="json"))
            trial.set_user_attr("seconds", sum(epoch.seconds for epoch in epochs))


def _value(epoch: Epoch, metric: Monitor) -> float:
    value: float | None = getattr(epoch, metric)
    assert value is not None, "refuse_untrainable has seen to that"
    return value
