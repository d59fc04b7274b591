"""An exponential moving average of the weights, which is judged and kept in place of the weights themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback


class Averaging(Callback):
    """Follows the weights after every step of the optimiser, and lends the average to whatever judges them.

    Running statistics of batch normalisation are averaged like weights: they were measured with the weights of their
    step, so that a mean of weights goes with the mean of statistics. Counts are copied.

    Early on the decay is smaller, ``(1 + n) / (10 + n)`` at step n, or the average would be of random weights for long.

    Lightning's own callback is not used, as it copies the training data with the module and takes the average away
    before the validation pairs are scored.

    Args:
        decay: What is left of the average after a step, in (0, 1).

    References:
        B. Polyak and A. Juditsky (1992), Acceleration of stochastic approximation by averaging, SIAM J. Control Optim.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.average: dict[str, torch.Tensor] = {}
        self._current: list[torch.Tensor] = []

    def state_dict(self) -> dict[str, Any]:
        """The average and how many steps made it."""
        return {"steps": self.steps, "average": self.average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the average of a checkpoint."""
        self.steps, self.average = state_dict["steps"], dict(state_dict["average"])

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Begin with the weights as they are, unless a checkpoint has more to say."""
        state = pl_module.state_dict()  # shares its memory with the module, also after every step
        known = self.average or state
        self.average = {name: torch.empty_like(value).copy_(known[name]) for name, value in state.items()}
        self._current = list(state.values())

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Let the average follow, if the batch has ended in a step."""
        if trainer.global_step == self.steps:
            return
        self.steps = trainer.global_step
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for average, current in zip(self.average.values(), self._current, strict=True):
                if average.is_floating_point():
                    average.lerp_(current, 1 - decay)
                else:
                    average.copy_(current)

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put the average in the weights' place; of several processes that of the first, for statistics differ."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            for average in self.average.values():
                torch.distributed.broadcast(average, 0)
        self._exchange()

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put the weights back."""
        self._exchange()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """The average in the weights' place for as long as this lasts."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        with torch.no_grad():
            for average, current in zip(self.average.values(), self._current, strict=True):
                kept = current.clone()
                current.copy_(average)
                average.copy_(kept)
