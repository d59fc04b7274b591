"""How the weights are changed, and how the rates of change develop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twinlens.config.base import Count, NonNegative, Positive, Section
from twinlens.config.networks import KochLayer


class LayerRates(Section):
    """What one layer has of its own; anything left out is the optimiser's.

    Attributes:
        learning_rate: In place of the optimiser's; the schedule applies to it, too.
        momentum: What the layer's momentum rises to; not with ``adam``, which has ``beta1``.
        l2: Weight λ of the penalty λ·‖w‖² on the layer's weights.
    """

    learning_rate: Positive | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    l2: NonNegative | None = None


class _Optimiser(Section):
    learning_rate: Positive
    l2: NonNegative = 0.0
    layers: dict[KochLayer, LayerRates] = Field(default={})


class Sgd(_Optimiser):
    """Stochastic gradient descent; the momentum rises linearly, as in the paper.

    Attributes:
        learning_rate: Of every layer without its own.
        l2: Weight λ of the penalty λ·‖w‖² on each layer's weights (not on biases).
        momentum: What the momentum rises to.
        momentum_start: Momentum in the first epoch.
        momentum_epochs: Epochs until ``momentum`` is reached.
        layers: Rates of single layers.
    """

    kind: Literal["sgd"] = "sgd"
    learning_rate: Positive = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    momentum_start: Annotated[float, Field(ge=0, lt=1)] = 0.5
    momentum_epochs: Count = 20


class Adam(_Optimiser):
    """Adam (Kingma and Ba, 2015), with the L2 penalty in its gradient.

    Attributes:
        learning_rate: Of every layer without its own.
        l2: Weight λ of the penalty λ·‖w‖² on each layer's weights (not on biases).
        beta1: Decay of the mean of the gradients.
        beta2: Decay of the mean of their squares.
        layers: Rates of single layers.
    """

    kind: Literal["adam"] = "adam"
    learning_rate: Positive = 1e-4
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999

    @model_validator(mode="after")
    def _no_momentum(self) -> Adam:
        if any(rates.momentum is not None for rates in self.layers.values()):
            raise ValueError("adam has beta1 in place of a layer's momentum")
        return self


class AdamW(Section):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    Attributes:
        learning_rate: Of every layer.
        weight_decay: Share of each weight (not of biases and norms) that a step takes away, times the learning rate.
        beta1: Decay of the mean of the gradients.
        beta2: Decay of the mean of their squares.
    """

    kind: Literal["adamw"] = "adamw"
    learning_rate: Positive = 1e-3
    weight_decay: NonNegative = 0.05
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999


Optimiser = Annotated[Sgd | Adam | AdamW, Field(discriminator="kind")]


class ExponentialSchedule(Section):
    """Learning rates are multiplied by ``factor`` after every epoch; 1 keeps them.

    Attributes:
        factor: The paper's is 0.99.
    """

    kind: Literal["exponential"] = "exponential"
    factor: Annotated[float, Field(gt=0, le=1)] = 0.99


class CosineSchedule(Section):
    """Learning rates rise linearly over ``warmup_epochs``, then fall along a cosine to zero at the end.

    Attributes:
        warmup_epochs: Epochs before the full rate is reached; the end is ``training.max_epochs``.
    """

    kind: Literal["cosine"] = "cosine"
    warmup_epochs: Annotated[int, Field(ge=0)] = 1
