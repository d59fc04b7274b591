"""What turns a crop into an embedding: normalisation, network, and how its weights are drawn."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twinlens.config.base import Count, Frame, Normal, Portion, Positive, Section

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


class _Network(Section):
    region: tuple[Portion, Portion] = (1.0, 1.0)
    input: tuple[Count, Count] | None = None

    def middle(self, frame: Frame) -> tuple[int, int]:
        """Height and width in pixels of what the network looks at of a crop, as much left over on either side."""
        return frame.middle(self.region)

    def seen(self, frame: Frame) -> Frame:
        """The frame of smaller crops that would show the network the same, without a region or input of its own."""
        middle = self.middle(frame)
        height, width = self.input or middle
        return frame.model_copy(
            update={
                "crop_height": round(frame.crop_height * middle[0] / frame.height, 6),
                "crop_width": round(frame.crop_width * middle[1] / frame.width, 6),
                "height": height,
                "width": width,
            }
        )


class KochNetwork(_Network):
    """The convolutional twin of Koch, Zemel and Salakhutdinov (2015), figure 4.

    Attributes:
        region: Shares of a crop's height and width, around its middle, that the network looks at. For what is joined
            with the network and sees more.
        input: Height and width in pixels that this is scaled down to, inside the model; as it is if not given.
        widths: Filters of the four convolutions.
        kernels: Their square kernel sizes.
        dense: Units of the dense layer, which are the embedding.
        output: What these units end in; ``linear`` suits a cosine comparison, which sigmoids keep above 0.
        batch_norm: Batch normalisation after each convolution, before its pooling.
        conv_dropout: Share of feature maps dropped after each convolution block.
        dense_dropout: Share of inputs dropped before the dense layer.
        init: How weights are drawn.
    """

    kind: Literal["koch"] = "koch"
    widths: tuple[Count, Count, Count, Count] = (64, 128, 128, 256)
    kernels: tuple[Count, Count, Count, Count] = (10, 7, 4, 4)
    dense: Count = 4096
    output: Literal["sigmoid", "linear"] = "sigmoid"
    batch_norm: bool = False
    conv_dropout: Dropout = 0.0
    dense_dropout: Dropout = 0.0
    init: Annotated[NormalInit | FanInInit, Field(discriminator="kind")] = NormalInit()


class CompactNetwork(_Network):
    """A small residual network for little data and for CPUs.

    A stem of stride 2, stages of pre-activation blocks (He et al., 2016) that halve the resolution from the second
    stage on, a weight for every place of the last maps (as in MobileFaceNets; Chen et al., 2018), and a linear
    embedding with batch normalisation.

    Attributes:
        region: Shares of a crop's height and width, around its middle, that the network looks at. For what is joined
            with the network and sees more.
        input: Height and width in pixels that this is scaled down to, inside the model; as it is if not given.
        widths: Channels of the stages.
        blocks: Blocks of each stage, of two convolutions each.
        dim: Dimension of the embedding.
        dropout: Share of inputs dropped before the embedding.
    """

    kind: Literal["compact"] = "compact"
    widths: Annotated[tuple[Count, ...], Field(min_length=1, max_length=6)] = (24, 48, 96, 192)
    blocks: Count = 2
    dim: Count = 256
    dropout: Dropout = 0.3


Network = Annotated[KochNetwork | CompactNetwork, Field(discriminator="kind")]


class Inference(Section):
    """What is done with a crop where nothing is learned: in validation, in tests and in use.

    Attributes:
        flip: Embed each crop and its mirror image and take the mean; twice the work. Not for characters.
        shift: Embed each crop as it is and shifted to the four sides by this share of its size, and take the mean; five
            times the work, unless 0. What comes in from outside the crop repeats its border.
    """

    flip: bool = False
    shift: Annotated[float, Field(ge=0, le=0.25)] = 0.0
