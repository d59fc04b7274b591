"""What a network wants of the pixels of a crop, and the ONNX nodes that do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from twinlens.errors import ConfigError
from twinlens.workflow.importing.chain import Chain

_WORDS: dict[str, Literal["raw", "per-image"]] = {"raw": "raw", "per-image": "per-image"}


@dataclass(frozen=True, slots=True)
class Pixels:
    """What a network expects of the pixels of a crop.

    Attributes:
        kind: ``raw`` takes them as they are, 0 to 255; ``per-image`` brings each crop to zero mean and unit
            variance; ``fixed`` computes ``(pixel / 255 − mean) / std``; none if nobody has said.
        mean: With ``fixed``, one number, or one for each channel in the network's order.
        std: Likewise, above 0.
        order: Of the colours.
    """

    kind: Literal["raw", "per-image", "fixed"] | None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    order: Literal["rgb", "bgr"] = "rgb"


def parse_pixels(text: str | None, order: Literal["rgb", "bgr"] = "rgb") -> Pixels:
    """``raw``, ``per-image``, or ``MEAN/STD`` with one number each or three with commas between.

    Raises:
        ConfigError: The text is none of these.
    """
    if text is None:
        return Pixels(None, order=order)
    if text in _WORDS:
        return Pixels(_WORDS[text], order=order)
    try:
        mean, std = (tuple(float(number) for number in part.split(",")) for part in text.split("/"))
    except ValueError:
        mean, std = (), ()
    if len(mean) not in (1, 3) or len(mean) != len(std) or not np.isfinite([*mean, *std]).all() or min(std) <= 0:
        raise ConfigError(
            f"--normalise {text!r} is not raw, per-image or MEAN/STD.",
            "Give e.g. 0.5/0.5 for pixels from -1 to 1, or 0.485,0.456,0.406/0.229,0.224,0.225.",
        )
    return Pixels("fixed", mean, std, order)


def normalise(chain: Chain, pixels: Pixels, kind: int) -> None:
    """Order the colours, scale their numbers, and make them of the ``kind`` (as ONNX counts) that a network takes."""
    from onnx import TensorProto

    if pixels.order == "bgr":
        chain.add("Gather", np.array([2, 1, 0], np.int64), axis=3)
    if pixels.kind == "fixed":
        chain.add("Cast", to=TensorProto.FLOAT)
        chain.add("Sub", 255 * np.array(pixels.mean, np.float32))
        chain.add("Div", 255 * np.array(pixels.std, np.float32))
    elif pixels.kind == "per-image":
        chain.add("Cast", to=TensorProto.FLOAT)
        chain.add("MeanVarianceNormalization", axes=[1, 2, 3])
    chain.add("Cast", to=kind)
