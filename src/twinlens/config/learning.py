"""The network, its loss, how it is optimised and when it stops."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twinlens.config.base import Count, NonNegative, Normal, Positive, Section

Dropout = Annotated[float, Field(ge=0, lt=1)]
KochLayer = Literal["conv1", "conv2", "conv3", "conv4", "dense", "head"]


class FixedNormalisation(Section):
    """``(crop / 255 − mean) / std``, the same for every pixel; the defaults give values in [0, 1].

    Attributes:
        mean: Subtracted from pixels in [0, 1].
        std: What the difference is divided by.
    """

    kind: Literal["fixed"] = "fixed"
    mean: float = 0.0
    std: Positive = 1.0


class PerImageNormalisation(Section):
    """Each crop to zero mean and unit variance, which takes out its brightness and contrast."""

    kind: Literal["per-image"] = "per-image"


Normalisation = Annotated[FixedNormalisation | PerImageNormalisation, Field(discriminator="kind")]


class NormalInit(Section):
    """Gaussian weights and biases; the defaults are those of Koch et al. (2015), section 3.2.

    Attributes:
        conv_weight: Weights of the convolutions.
        conv_bias: Their biases.
        dense_weight: Weights of the sigmoid layer.
        dense_bias: Its biases.
        head_weight: Weights that the comparison gives to the dimensions of an embedding.
        head_bias: Bias of the comparison.
    """

    kind: Literal["normal"] = "normal"
    conv_weight: Normal = Normal(mean=0, std=0.01)
    conv_bias: Normal = Normal(mean=0.5, std=0.01)
    dense_weight: Normal = Normal(mean=0, std=0.2)
    dense_bias: Normal = Normal(mean=0.5, std=0.01)
    head_weight: Normal = Normal(mean=0, std=0.2)
    head_bias: Normal = Normal(mean=0, std=0)


class FanInInit(Section):
    """He-normal weights for convolutions, Glorot-normal for the dense layers, zero biases."""

    kind: Literal["fan-in"] = "fan-in"


class KochNetwork(Section):
    """The convolutional twin of Koch, Zemel and Salakhutdinov (2015), figure 4.

    Attributes:
        widths: Filters of the four convolutions.
        kernels: Their square kernel sizes.
        dense: Units of the sigmoid layer, which are the embedding.
        batch_norm: Batch normalisation after each convolution, before its pooling.
        conv_dropout: Share of feature maps dropped after each convolution block.
        dense_dropout: Share of inputs dropped before the dense layer.
        init: How weights are drawn.
    """

    kind: Literal["koch"] = "koch"
    widths: tuple[Count, Count, Count, Count] = (64, 128, 128, 256)
    kernels: tuple[Count, Count, Count, Count] = (10, 7, 4, 4)
    dense: Count = 4096
    batch_norm: bool = False
    conv_dropout: Dropout = 0.0
    dense_dropout: Dropout = 0.0
    init: Annotated[NormalInit | FanInInit, Field(discriminator="kind")] = NormalInit()


class BinaryCrossEntropy(Section):
    """Cross-entropy of the pair's match probability, the paper's loss; L2 belongs to the optimiser."""

    kind: Literal["binary-cross-entropy"] = "binary-cross-entropy"


class NoAugmentation(Section):
    """Crops as they are."""

    kind: Literal["none"] = "none"


class AffineAugmentation(Section):
    """The paper's affine distortions: each component is applied with ``probability`` on its own.

    Attributes:
        probability: Chance of each component.
        rotation: Largest angle in degrees, either way.
        shear: Largest shear factor along each axis, either way.
        scale: Smallest and largest factor for each axis, in this order.
        translation: Largest shift in pixels of a 105-pixel crop, either way; scaled with the crop.
        flip: Chance of a left-right flip (not in the paper; faces have no handedness, characters do).
    """

    kind: Literal["affine"] = "affine"
    probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    rotation: NonNegative = 10.0
    shear: NonNegative = 0.3
    scale: tuple[Positive, Positive] = (0.8, 1.2)
    translation: NonNegative = 2.0
    flip: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _scale_is_ordered(self) -> AffineAugmentation:
        if self.scale[0] > self.scale[1]:
            raise ValueError("scale must be [smallest, largest]")
        return self


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


class TrainingConfig(Section):
    """How long, how fast, and what decides.

    Attributes:
        batch_size: Pairs in a batch, on each process.
        accumulate: Batches whose mean gradient makes one optimiser step, where memory is short.
        max_epochs: Never more than these.
        monitor: What decides on the best epoch and on stopping: the validation loss or the N-way one-shot
            accuracy on validation subjects, N being the largest of ``evaluation.n_way`` that they allow.
        patience: Epochs without improvement before stopping.
        min_delta: What counts as an improvement: more than this.
        precision: ``auto`` takes bfloat16 where the processor computes it natively.
        channels_last: Memory layout NHWC, which is faster in bfloat16.
        threads: CPU threads of each process; the cores, shared evenly, if not given.
        devices: Processes (CPU) or accelerators (GPU) per machine.
        nodes: Machines.
    """

    batch_size: Count = 32
    accumulate: Count = 1
    max_epochs: Count = 200
    monitor: Literal["validation_loss", "validation_oneshot"] = "validation_loss"
    patience: Count = 20
    min_delta: NonNegative = 0.0
    precision: Literal["auto", "bf16-mixed", "32"] = "auto"
    channels_last: bool = True
    threads: Count | None = None
    devices: Count = 1
    nodes: Count = 1

    @model_validator(mode="before")
    @classmethod
    def _precision_may_be_a_number(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("precision") == 32:
            return {**values, "precision": "32"}
        return values
