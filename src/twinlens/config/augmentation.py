"""Distortions of the training crops."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twinlens.config.base import NonNegative, Positive, Section


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
