"""Distortions of the training crops."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twinlens.config.base import NonNegative, Positive, Section

Chance = Annotated[float, Field(ge=0, le=1)]


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
    probability: Chance = 0.5
    rotation: NonNegative = 10.0
    shear: NonNegative = 0.3
    scale: tuple[Positive, Positive] = (0.8, 1.2)
    translation: NonNegative = 2.0
    flip: Chance = 0.0

    @model_validator(mode="after")
    def _scale_is_ordered(self) -> AffineAugmentation:
        if self.scale[0] > self.scale[1]:
            raise ValueError("scale must be [smallest, largest]")
        return self


class PhotoAugmentation(Section):
    """Strong distortions for photos: everything that may change without changing who it is.

    Each is drawn uniformly, anew for every crop.

    Attributes:
        flip: Chance of a left-right flip.
        rotation: Largest angle in degrees, either way.
        scale: Largest change of size, as a share, either way.
        shift: Largest shift along each axis, as a share of the crop, either way.
        brightness: Largest change of brightness, as a share of white, either way.
        contrast: Largest change of contrast, as a share, either way.
        saturation: Largest change of saturation, as a share, either way; of colour crops only.
        grey: Chance that a colour crop loses its colours.
        erase: Chance that a rectangle is replaced by noise.
        erase_area: Largest share of the crop that is erased.

    References:
        Z. Zhong et al. (2020), Random erasing data augmentation, AAAI.
    """

    kind: Literal["photo"] = "photo"
    flip: Chance = 0.5
    rotation: NonNegative = 15.0
    scale: Chance = 0.15
    shift: Chance = 0.08
    brightness: Chance = 0.2
    contrast: Chance = 0.4
    saturation: Chance = 0.4
    grey: Chance = 0.2
    erase: Chance = 0.5
    erase_area: Chance = 0.25


Augmentation = Annotated[
    NoAugmentation | AffineAugmentation | PhotoAugmentation,
    Field(discriminator="kind"),
]


class NoMixing(Section):
    """Every crop shows one class."""

    kind: Literal["none"] = "none"


class MixUp(Section):
    """Each crop is blended with another one of the batch, and belongs to both classes by their shares.

    Attributes:
        alpha: Shares are drawn from Beta(alpha, alpha), one for each batch: near 0 or 1 for a small alpha, uniformly
            for 1.
        probability: Chance that a batch is mixed.

    References:
        H. Zhang, M. Cisse, Y. Dauphin and D. Lopez-Paz (2018), mixup: beyond empirical risk minimization, ICLR.
    """

    kind: Literal["mixup"] = "mixup"
    alpha: Positive = 0.2
    probability: Chance = 1.0


class CutMix(Section):
    """A rectangle of each crop comes from another one of the batch; it belongs to both classes by their areas.

    Attributes:
        alpha: Shares of the area are drawn from Beta(alpha, alpha), one for each batch.
        probability: Chance that a batch is mixed.

    References:
        S. Yun et al. (2019), CutMix: regularization strategy to train strong classifiers, ICCV.
    """

    kind: Literal["cutmix"] = "cutmix"
    alpha: Positive = 1.0
    probability: Chance = 0.5


Mixing = Annotated[NoMixing | MixUp | CutMix, Field(discriminator="kind")]
