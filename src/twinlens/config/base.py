"""What all sections share, and the two that everything uses: the frame and the numbers of a Gaussian."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]
Portion = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: object) -> object:
        """Let ``optimiser: {learning_rate: 0.1}`` change one key of the default and keep its kind and the others."""
        if not isinstance(values, dict):
            return values
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return {name: _completed(value, defaults.get(name)) for name, value in values.items()}


def _completed(value: object, default: object) -> object:
    if not isinstance(value, dict) or not isinstance(default, Section):
        return value
    if value.get("kind", getattr(default, "kind", None)) != getattr(default, "kind", None):
        return value
    fields = type(default).model_fields
    # No more than it takes, so that it stays known which keys were given.
    kept = {
        name: getattr(default, name)
        for name, field in fields.items()
        if name == "kind" or getattr(default, name) != field.default
    }
    return kept | {name: _completed(item, getattr(default, name, None)) for name, item in value.items()}


class Frame(Section):
    """How a photo becomes a crop: align the face in it, cut out the middle, resize, choose the colours.

    Attributes:
        align: Find the face and bring it into the frame of deep-funnelled LFW, 250 by 250 pixels; without it
            photos are taken as they are. Needs the extra ``faces``.
        crop_height: Share of the photo's height that is kept, centred; 1 keeps all.
        crop_width: Share of the photo's width that is kept, centred; 1 keeps all.
        shift: How far below the photo's centre that of the crop lies, as a share of the photo's height.
        height: Height of the crop in pixels.
        width: Width of the crop in pixels.
        colour: ``grey`` gives one channel (ITU-R 601 luma), ``rgb`` three.
    """

    # Left out where they change nothing, so that fingerprints from before there was such a choice hold.
    align: Annotated[bool, Field(exclude_if=lambda align: not align)] = False
    crop_height: Annotated[float, Field(gt=0, le=1)] = 1.0
    crop_width: Annotated[float, Field(gt=0, le=1)] = 1.0
    shift: Annotated[float, Field(ge=-0.5, le=0.5, exclude_if=lambda shift: shift == 0)] = 0.0
    height: Annotated[int, Field(ge=8, le=1024)] = 105
    width: Annotated[int, Field(ge=8, le=1024)] = 105
    colour: Literal["grey", "rgb"] = "grey"

    @model_validator(mode="after")
    def _crop_stays_inside(self) -> Frame:
        if abs(self.shift) > (1 - self.crop_height) / 2 + 1e-9:
            raise ValueError(f"shift {self.shift:g} takes a crop of height {self.crop_height:g} out of the photo")
        return self

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return 1 if self.colour == "grey" else 3

    def middle(self, shares: tuple[float, float]) -> tuple[int, int]:
        """Height and width in pixels of the middle of a crop that has such shares of it, as much left over on either
        side.
        """
        height, width = (
            max(1, size - 2 * round(size * (1 - share) / 2))
            for size, share in zip((self.height, self.width), shares, strict=True)
        )
        return height, width

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a crop."""
        return self.height, self.width, self.channels


class Normal(Section):
    """A Gaussian that weights are drawn from.

    Attributes:
        mean: Mean.
        std: Standard deviation; 0 makes all equal to the mean.
    """

    mean: float = 0.0
    std: NonNegative = 0.01
