"""What all sections share, and the two that everything uses: the frame and the numbers of a Gaussian."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _default_kind(cls, values: object) -> object:
        """Let ``optimiser: {learning_rate: 0.1}`` mean the default kind of optimiser."""
        if not isinstance(values, dict):
            return values
        kinds = {name: getattr(field.default, "kind", None) for name, field in cls.model_fields.items()}
        return {
            name: {"kind": kinds[name]} | value if isinstance(value, dict) and kinds.get(name) else value
            for name, value in values.items()
        }


class Frame(Section):
    """How a photo becomes a crop: cut out the middle, resize, choose the colours.

    Attributes:
        crop_height: Share of the photo's height that is kept, centred; 1 keeps all.
        crop_width: Share of the photo's width that is kept, centred; 1 keeps all.
        height: Height of the crop in pixels.
        width: Width of the crop in pixels.
        colour: ``grey`` gives one channel (ITU-R 601 luma), ``rgb`` three.
    """

    crop_height: Annotated[float, Field(gt=0, le=1)] = 1.0
    crop_width: Annotated[float, Field(gt=0, le=1)] = 1.0
    height: Annotated[int, Field(ge=8, le=1024)] = 105
    width: Annotated[int, Field(ge=8, le=1024)] = 105
    colour: Literal["grey", "rgb"] = "grey"

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return 1 if self.colour == "grey" else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a crop."""
        return self.height, self.width, self.channels


class Normal(Section):
    """A Gaussian that weights are drawn from."""

    mean: float = 0.0
    std: NonNegative = 0.01
