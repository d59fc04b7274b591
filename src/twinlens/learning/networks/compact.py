"""A small residual network for little data and for CPUs."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from twinlens.config.base import Frame
from twinlens.config.networks import CompactNetwork, FanInInit
from twinlens.errors import ConfigError
from twinlens.learning.networks.prelu import FastPReLU


class CompactEncoder(nn.Module):
    """Stem, stages of pre-activation residual blocks, a weight for every place, a linear embedding.

    Faces are aligned, so where something is matters: the last maps are not averaged over all places but weighted by
    place and channel, which costs as little.

    Args:
        config: Widths, blocks, dimension, dropout.
        frame: Size and colours of a crop.

    Raises:
        ConfigError: The crop is too small for so many stages.

    References:
        K. He, X. Zhang, S. Ren and J. Sun (2016), Identity mappings in deep residual networks, ECCV.
        S. Chen, Y. Liu, X. Gao and Z. Han (2018), MobileFaceNets, section 3.1.
    """

    def __init__(self, config: CompactNetwork, frame: Frame) -> None:
        super().__init__()
        halvings = len(config.widths)
        height, width = (-(-size // 2**halvings) for size in (frame.height, frame.width))
        if min(frame.height, frame.width) < 2**halvings:
            raise ConfigError(
                f"network.widths: {halvings} stages halve a {frame.height}×{frame.width} crop to nothing.",
                "Take fewer stages, or enlarge frame.height and frame.width.",
            )
        channels = config.widths[0]
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            stem=nn.Conv2d(frame.channels, channels, 3, stride=2, padding=1, bias=False)
        )
        for i, filters in enumerate(config.widths):
            first = ResidualBlock(channels, filters, stride=1 if i == 0 else 2)
            others = (ResidualBlock(filters, filters, stride=1) for _ in range(config.blocks - 1))
            layers[f"stage{i + 1}"] = nn.Sequential(first, *others)
            channels = filters
        layers["places"] = nn.Sequential(
            _active(channels), Places(channels, channels, (height, width), groups=channels, bias=False), nn.Flatten()
        )
        layers["embedding"] = nn.Sequential(
            nn.BatchNorm1d(channels),
            nn.Dropout(config.dropout),
            nn.Linear(channels, config.dim, bias=False),
            nn.BatchNorm1d(config.dim),
        )
        self.layers = nn.Sequential(layers)
        self.dim = config.dim
        self.head_init = FanInInit()
        self.difference = 1.0  # normalised units have variance 1
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embed float images in [0, 1], ``(n, channels, height, width)``, as ``(n, dim)`` of any sign."""
        embeddings: torch.Tensor = self.layers(images)
        return embeddings


class Places(nn.Conv2d):
    """A convolution for each channel whose kernel is as large as the map."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Float ``(n, channels, height, width)`` to ``(n, channels, 1, 1)``."""
        if not self.training:
            return super().forward(maps)
        # The same sum, whose gradient torch computes five times as fast.
        return torch.einsum("nchw,chw->nc", maps, self.weight[:, 0])[:, :, None, None]


class ResidualBlock(nn.Module):
    """Normalise, activate, convolve, twice, and add what came in.

    Args:
        channels: Of what comes in.
        filters: Of what goes out.
        stride: Of the first convolution; what came in is averaged to the same size.
    """

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(_active(channels), _conv(channels, filters, stride))
        self.second = nn.Sequential(_active(filters), _conv(filters, filters, 1))
        shortcut: list[nn.Module] = []
        if stride > 1:
            shortcut.append(nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False))
        if channels != filters:
            shortcut.append(nn.Conv2d(channels, filters, 1, bias=False))
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Float ``(n, channels, height, width)`` to ``(n, filters, height / stride, width / stride)``."""
        added: torch.Tensor = self.second(self.first(maps)) + self.shortcut(maps)
        return added


def _active(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(channels), FastPReLU(channels))


def _conv(channels: int, filters: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=False)
