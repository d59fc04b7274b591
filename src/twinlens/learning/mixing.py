"""Crops that show two classes at once, so that a network learns what lies between them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.distributions import Beta

from twinlens.config.augmentation import CutMix, Mixing, MixUp


class Mixture(NamedTuple):
    """What the crops of a batch are made of.

    Attributes:
        partner: int64 ``(n,)``, the position in the batch of the crop that each one was mixed with.
        share: What is left of the crop itself, in [0, 1]; the same for the whole batch.
    """

    partner: torch.Tensor
    share: float


def mix(images: torch.Tensor, config: Mixing) -> tuple[torch.Tensor, Mixture | None]:
    """Mix each of float images ``(n, channels, height, width)`` with another one of the batch, or none of them.

    Random numbers come from torch's default generator.
    """
    if not isinstance(config, MixUp | CutMix) or float(torch.rand(())) >= config.probability:
        return images, None
    partner = torch.randperm(len(images), device=images.device)
    share = float(Beta(config.alpha, config.alpha).sample())
    if isinstance(config, MixUp):
        return share * images + (1 - share) * images[partner], Mixture(partner, share)
    return _patched(images, partner, share)


def _patched(images: torch.Tensor, partner: torch.Tensor, share: float) -> tuple[torch.Tensor, Mixture]:
    """Images with a rectangle of their partners, of the shape of a crop; what the border cuts off stays."""
    height, width = images.shape[-2:]
    side = (1 - share) ** 0.5
    top, bottom = _span(height, side)
    left, right = _span(width, side)
    patched = images.clone()
    patched[:, :, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
    replaced = (bottom - top) * (right - left) / (height * width)
    return patched, Mixture(partner, 1 - replaced)


def _span(length: int, share: float) -> tuple[int, int]:
    """Ends of an interval of ``share`` of the length about a uniformly drawn place, as far as it lies inside."""
    centre, half = int(torch.randint(length, ())), round(share * length) // 2
    return max(0, centre - half), min(length, centre + half)
