"""Networks: crops in, embeddings out. A new one is a file here, a case below and a variant in the config."""

from __future__ import annotations

import torch
from torch import nn

from twinlens.config.base import Frame
from twinlens.config.networks import (
    CompactNetwork,
    Inference,
    KochNetwork,
    Network,
    Normalisation,
    PerImageNormalisation,
)
from twinlens.learning.networks.compact import CompactEncoder
from twinlens.learning.networks.koch import KochEncoder
from twinlens.learning.networks.views import Downscale, views

__all__ = ["CompactEncoder", "KochEncoder", "Twin", "build_network", "normalise", "to_images"]

_PLAIN = Inference()


def build_network(config: Network, frame: Frame) -> KochEncoder | CompactEncoder:
    """The network of a configuration, for crops of ``frame``."""
    match config:
        case KochNetwork():
            return KochEncoder(config, frame)
        case CompactNetwork():
            return CompactEncoder(config, frame)


class Twin(nn.Module):
    """What both sides of a pair go through: normalisation, then the network.

    Args:
        config: The network.
        normalisation: How 0..255 becomes what the network sees.
        frame: Size and colours of a crop.
        inference: What else is done with a crop where nothing is learned.
    """

    def __init__(
        self, config: Network, normalisation: Normalisation, frame: Frame, inference: Inference = _PLAIN
    ) -> None:
        super().__init__()
        seen, whole = config.seen(frame), (frame.height, frame.width)
        self.size = (seen.height, seen.width)
        self.network = build_network(config, seen)
        self.scale = Downscale(whole, config.middle(frame), self.size) if self.size != whole else nn.Identity()
        self.normalisation = normalisation
        self.inference = inference
        self.dim = self.network.dim

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Embed uint8 crops ``(n, height, width, channels)`` as float ``(n, dim)``, as a bundle does."""
        return self.infer(self.images(crops))

    def images(self, crops: torch.Tensor) -> torch.Tensor:
        """Crops uint8 ``(n, height, width, channels)`` as float images in [0, 1], as large as the network wants them.

        The memory is channels-last.
        """
        images: torch.Tensor = self.scale(to_images(crops))
        return images

    def infer(self, images: torch.Tensor) -> torch.Tensor:
        """Embed float images in [0, 1], ``(n, channels, height, width)``, as a bundle does."""
        return torch.stack([self.embed(view) for view in views(images, self.inference)]).mean(dim=0)

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed float images in [0, 1], ``(n, channels, height, width)``, once, as a training does."""
        embeddings: torch.Tensor = self.network(normalise(images, self.normalisation))
        return embeddings


def to_images(crops: torch.Tensor) -> torch.Tensor:
    """Crops uint8 ``(n, height, width, channels)`` as float images ``(n, channels, height, width)`` in [0, 1].

    Only the view changes, so the memory stays channels-last.
    """
    return (crops.float() / 255).permute(0, 3, 1, 2)


def normalise(images: torch.Tensor, config: Normalisation) -> torch.Tensor:
    """Apply ``config`` to float images ``(n, channels, height, width)`` in [0, 1]."""
    if isinstance(config, PerImageNormalisation):
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        centred = images - mean
        return centred / (centred.square().mean(dim=(1, 2, 3), keepdim=True) + 1e-6).sqrt()
    return (images - config.mean) / config.std
