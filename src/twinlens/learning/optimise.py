"""Optimisers with the paper's rates per layer, its rising momentum and its falling learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from twinlens.config.optimisation import Adam, AdamW, CosineSchedule, ExponentialSchedule, LayerRates, Sgd


def build_optimiser(layers: dict[str, nn.Module], config: Sgd | Adam | AdamW) -> torch.optim.Optimizer:
    """One parameter group for the weights of each layer and one for its biases and norms.

    Args:
        layers: The network's layers by the names that ``optimiser.layers`` uses.
        config: Rates, of all layers and of single ones.
    """
    groups = [group for name, layer in layers.items() for group in _groups(name, layer, config)]
    if isinstance(config, Sgd):
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum_start)
    kind = torch.optim.Adam if isinstance(config, Adam) else torch.optim.AdamW
    return kind(groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=True)


def schedule_factor(config: ExponentialSchedule | CosineSchedule, epoch: int, max_epochs: int) -> float:
    """What the learning rates are multiplied by in ``epoch``, counted from 0."""
    if isinstance(config, ExponentialSchedule):
        return float(config.factor**epoch)
    if epoch < config.warmup_epochs:
        return (epoch + 1) / (config.warmup_epochs + 1)
    progress = (epoch - config.warmup_epochs) / max(1, max_epochs - config.warmup_epochs)
    return 0.5 * (1 + math.cos(math.pi * progress))


def set_momentum(optimiser: torch.optim.Optimizer, config: Sgd | Adam | AdamW, epoch: int) -> None:
    """Let the momentum of every layer rise linearly to its own, as in Koch et al. (2015), section 3.2."""
    if not isinstance(config, Sgd):
        return
    progress = min(1.0, epoch / config.momentum_epochs)
    for group in optimiser.param_groups:
        own = config.layers.get(group["layer"], LayerRates()).momentum
        final = config.momentum if own is None else own
        group["momentum"] = config.momentum_start + (final - config.momentum_start) * progress


def l2_penalty(optimiser: torch.optim.Optimizer) -> float:
    """The penalty ``Σ λ·‖w‖²`` as it stands now; its gradient is the optimiser's weight decay ``2λ·w``.

    Decoupled weight decay is no penalty: 0.
    """
    if isinstance(optimiser, torch.optim.AdamW):
        return 0.0
    with torch.no_grad():
        return sum(
            float(group["weight_decay"]) / 2 * float(parameter.float().square().sum())
            for group in optimiser.param_groups
            if group["weight_decay"]
            for parameter in group["params"]
        )


def _groups(name: str, layer: nn.Module, config: Sgd | Adam | AdamW) -> Iterator[dict[str, Any]]:
    own = LayerRates() if isinstance(config, AdamW) else config.layers.get(name, LayerRates())  # type: ignore[call-overload]
    rate = own.learning_rate or config.learning_rate
    decay = config.weight_decay if isinstance(config, AdamW) else 2 * (config.l2 if own.l2 is None else own.l2)
    # A bias or a norm's scale is no weight: a penalty would only pull it to a place that means nothing.
    weights = [p for p in layer.parameters() if p.ndim > 1]
    others = [p for p in layer.parameters() if p.ndim <= 1]
    yield {"params": weights, "lr": rate, "weight_decay": decay, "layer": name}
    if others:
        yield {"params": others, "lr": rate, "weight_decay": 0.0, "layer": name}
