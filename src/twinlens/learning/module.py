"""One training as Lightning sees it: what a step, an epoch and a validation are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import lightning
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from twinlens.config import Config
from twinlens.config.losses import PairLoss
from twinlens.data.dataset import Partition
from twinlens.data.epochs import pairs_of_epoch
from twinlens.errors import EvaluationError, RunError, TrainingError
from twinlens.learning.augment import augment
from twinlens.learning.batches import ClassBatches, CropBatch, CropBatches, PairBatches, TrainingBatch, loader
from twinlens.learning.classes import class_labels
from twinlens.learning.distillation import DistillationLoss
from twinlens.learning.material import material_digest
from twinlens.learning.mixing import mix
from twinlens.learning.networks import Twin
from twinlens.learning.objectives import build_objective
from twinlens.learning.optimise import build_optimiser, l2_penalty, schedule_factor, set_momentum
from twinlens.learning.validation import ValidationPart, figures
from twinlens.types import Float32Array, Scores, UInt8Array

_EMBED_BATCH = 64


class SiameseModule(lightning.LightningModule):
    """Twin network and objective, with the data they learn from.

    All randomness of an epoch follows from the seed and the epoch's number, so that a resumed training repeats
    an uninterrupted one exactly.

    Args:
        config: The run's configuration.
        partition: Training and validation pairs.
        crops: uint8 ``(n, height, width, channels)``, one row per sample of the partition's dataset.
        teachers: float32 ``(m, dim of its own)`` each, embeddings of the training samples by earlier models.
    """

    def __init__(
        self, config: Config, partition: Partition, crops: UInt8Array, teachers: Sequence[Float32Array] = ()
    ) -> None:
        super().__init__()
        torch.manual_seed(config.seed)
        self.config = config
        self.partition = partition
        self.crops = crops
        self.twin = Twin(config.network, config.normalisation, config.frame, config.inference)
        self.labels = np.zeros(0, np.int64)
        if not isinstance(config.loss, PairLoss):
            by_photo = config.training.classes == "photos"
            self.labels = class_labels(partition, config.data.setting, photos=by_photo)
        classes = int(self.labels.max(initial=-1)) + 1
        self.objective = build_objective(config.loss, self.twin.network, classes)
        samples = partition.train.samples
        assert len(teachers) == len(config.distillation.teachers)
        self.distillation = (
            DistillationLoss(config.distillation, samples, teachers, self.twin.dim) if teachers else None
        )
        if config.training.channels_last:
            self.twin = self.twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._material = material_digest(partition)
        self.validating = ValidationPart(partition, self.twin.dim, config)
        self.scores: Scores | None = None
        self.figures: dict[str, float | None] = {}
        self.rates: dict[str, float] = {}
        self._sums: dict[str, float] = {}
        self._started = self._seconds = 0.0

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Embed uint8 crops ``(n, height, width, channels)`` as ``(n, dim)``."""
        embeddings: torch.Tensor = self.twin(crops)
        return embeddings

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Note what the weights were learned from."""
        checkpoint["material"] = self._material

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse weights that were learned from something else.

        Raises:
            RunError: They were.
        """
        if checkpoint.get("material") != self._material:
            raise RunError(
                "The run was started with other photos or pairs than there are now.",
                "Bring them back, or start a run in another folder with --out.",
            )

    # --- training -----------------------------------------------------------------------------------------

    def train_dataloader(self) -> DataLoader[tuple[torch.Tensor, ...]]:
        """The batches of the current epoch; Lightning asks anew before each."""
        batches = self._pair_batches() if self.objective.by_pairs else self._class_batches()
        return loader(batches, self.global_rank, self.trainer.world_size)

    def _pair_batches(self) -> PairBatches:
        size, seed, epoch = self.config.training.batch_size, self.config.seed, self.current_epoch
        pairs = pairs_of_epoch(self.config.data.setting, self.partition, seed, epoch)
        return PairBatches(self.crops, pairs, size, seed, epoch)

    def _class_batches(self) -> ClassBatches:
        training, seed, epoch = self.config.training, self.config.seed, self.current_epoch
        samples = self.partition.train.samples
        return ClassBatches(self.crops, samples, self.labels, training.batch_size, training.per_class, seed, epoch)

    def on_train_epoch_start(self) -> None:
        """Raise the momentum, note each layer's learning rate, and begin to count."""
        set_momentum(self._optimiser, self.config.optimiser, self.current_epoch)
        self.objective.start_epoch(self.current_epoch)
        # Noted here, as Lightning lets the schedule go on before the epoch is over.
        self.rates = {group["layer"]: float(group["lr"]) for group in self._optimiser.param_groups}
        self._sums = dict.fromkeys(("images", "judged", "loss", "right", "steps", "norm"), 0.0)
        self._started = time.perf_counter()

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> torch.Tensor:
        """Loss of one batch of pairs or classes.

        Raises:
            TrainingError: The loss is no number any more.
        """
        self._seed(batch_idx)
        crops, targets, samples = batch
        images, mixture = mix(augment(self._images(crops), self.config.augment), self.config.mixing)
        embeddings = self.twin.embed(images)
        judge = self.objective
        loss, judged, right = judge(embeddings, targets, mixture) if mixture else judge(embeddings, targets)
        if self.distillation is not None:
            loss = loss + self.distillation(embeddings, samples)
        value = float(loss.detach())
        if not np.isfinite(value):
            raise self._divergence(f"the loss of epoch {self.current_epoch + 1} is {value}")
        self._add(images=len(crops), judged=judged, loss=value * judged, right=right)
        return torch.as_tensor(loss)

    def _divergence(self, what: str) -> TrainingError:
        return TrainingError(
            f"The training diverged: {what}.", "Lower optimiser.learning_rate, or set training.precision=32."
        )

    def _images(self, crops: torch.Tensor) -> torch.Tensor:
        images = self.twin.images(crops)  # channels-last, and a network computes in the layout of its input
        return images if self.config.training.channels_last else images.contiguous()

    def _seed(self, batch: int) -> None:
        """Make distortions and dropout depend on seed, epoch, process and batch alone.

        Once per epoch would not do: a resumed epoch draws from torch's generator elsewhere before its first batch.
        """
        sequence = np.random.SeedSequence([self.config.seed, self.current_epoch, self.global_rank, batch])
        torch.manual_seed(int(sequence.generate_state(1)[0]))

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Note the norm of the gradient of this step."""
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        self._add(steps=1, norm=float(nn.utils.get_total_norm(gradients)))

    def _add(self, **values: float) -> None:
        for name, value in values.items():
            self._sums[name] += value

    def training_figures(self) -> dict[str, float]:
        """Figures of the epoch that has just been trained, over all processes."""
        sums = {name: float(self._everywhere(torch.tensor(value))) for name, value in self._sums.items()}
        return {
            "train_loss": sums["loss"] / sums["judged"],
            "train_accuracy": sums["right"] / sums["judged"],
            "gradient_norm": sums["norm"] / sums["steps"],
            "images_per_second": sums["images"] / self._seconds,
            "l2_penalty": l2_penalty(self._optimiser),
            "learning_rate": next(iter(self.rates.values())),
        }

    def _everywhere(self, value: torch.Tensor) -> torch.Tensor:
        """The sum of ``value`` over all processes."""
        return torch.as_tensor(self.trainer.strategy.reduce(value.to(self.device), reduce_op="sum"))

    # --- validation ---------------------------------------------------------------------------------------

    def val_dataloader(self) -> DataLoader[tuple[torch.Tensor, ...]]:
        """Every validation sample once; pairs are made of the embeddings."""
        batches = CropBatches(self.crops, self.partition.validation.samples, _EMBED_BATCH)
        return loader(batches, self.global_rank, self.trainer.world_size)

    def on_validation_epoch_start(self) -> None:
        """End the clock of the training steps, and forget the embeddings of the last epoch."""
        self._seconds = time.perf_counter() - self._started
        self.validating.start()

    def validation_step(self, batch: CropBatch, batch_idx: int) -> None:
        """Embed one batch of validation samples."""
        crops, positions = batch
        self.validating.add(positions, self.twin.infer(self._images(crops)))

    def on_validation_epoch_end(self) -> None:
        """Score the validation pairs and the one-shot tasks.

        Raises:
            TrainingError: Embeddings or scores are no numbers any more, as after a last step that diverged.
        """
        comparison = self.objective.comparison()
        embeddings = self.validating.embeddings(self._everywhere)
        try:
            self.scores = self.validating.scores(comparison, embeddings)
            oneshot = self.validating.oneshot(comparison, embeddings)
        except EvaluationError as error:
            what = f"after epoch {self.current_epoch + 1} embeddings or scores are not finite"
            raise self._divergence(what) from error
        found = figures(self.scores, comparison) | {"validation_oneshot": oneshot}
        # Processes decide by them when to stop, so they may not differ in the last digit.
        self.figures = self.trainer.strategy.broadcast(found)

    # --- optimisation -------------------------------------------------------------------------------------

    @property
    def _optimiser(self) -> torch.optim.Optimizer:
        optimiser = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimiser, torch.optim.Optimizer)
        return optimiser

    def configure_optimizers(self) -> Any:
        """The configured optimiser, with rates that follow the schedule epoch by epoch."""
        optimiser = build_optimiser(self.layers(), self.config.optimiser)
        epochs = self.config.training.max_epochs
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda epoch: schedule_factor(self.config.schedule, epoch, epochs)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "epoch"}}

    def layers(self) -> dict[str, nn.Module]:
        """The layers with weights, by the names of the configuration."""
        named = dict(self.twin.network.layers.named_children()) | {"head": self.objective}
        if self.distillation is not None:
            named["distillation"] = self.distillation
        return {name: layer for name, layer in named.items() if any(True for _ in layer.parameters())}
