"""The convolutional twin of Koch et al. (2015)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from twinlens.config.base import Frame, Normal
from twinlens.config.networks import FanInInit, KochNetwork, NormalInit
from twinlens.errors import ConfigError


class KochEncoder(nn.Module):
    """Four convolutions with ReLU, three max-poolings, and a sigmoid layer whose units are the embedding.

    With the defaults and a 105×105 grey crop the shapes are those of the paper's figure 4: 96×96×64, pooled to
    48, 42×42×128, to 21, 18×18×128, to 9, 6×6×256, and 4,096 sigmoid units.

    Args:
        config: Widths, kernels and what the paper does not have (batch normalisation, dropout).
        frame: Size and colours of a crop.

    Raises:
        ConfigError: The crop is too small for the kernels.

    References:
        G. Koch, R. Zemel and R. Salakhutdinov (2015), Siamese neural networks for one-shot image recognition,
        ICML deep learning workshop, section 3 and figure 4.
    """

    def __init__(self, config: KochNetwork, frame: Frame) -> None:
        super().__init__()
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        channels, height, width = frame.channels, frame.height, frame.width
        last = len(config.widths) - 1
        for i, (filters, kernel) in enumerate(zip(config.widths, config.kernels, strict=True)):
            pools = i < last
            blocks[f"conv{i + 1}"] = _block(channels, filters, kernel, pools, config)
            shrink = 2 if pools else 1
            channels, height, width = filters, (height - kernel + 1) // shrink, (width - kernel + 1) // shrink
            if min(height, width) < 1:
                raise ConfigError(
                    f"network.kernels: nothing of a {frame.height}×{frame.width} crop is left after conv{i + 1}.",
                    "Enlarge frame.height and frame.width, or take smaller kernels.",
                )
        blocks["flatten"] = nn.Flatten()
        blocks["dense"] = nn.Sequential(
            OrderedDict(
                dropout=nn.Dropout(config.dense_dropout),
                linear=nn.Linear(channels * height * width, config.dense),
                sigmoid=nn.Sigmoid() if config.output == "sigmoid" else nn.Identity(),
            )
        )
        self.layers = nn.Sequential(blocks)
        self.dim = config.dense
        self.head_init = config.init
        self.difference = 0.2 if config.output == "sigmoid" else 1.0
        _initialise(self, config.init)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embed float images in [0, 1], ``(n, channels, height, width)``, as ``(n, dim)``; sigmoids end in (0, 1)."""
        embeddings: torch.Tensor = self.layers(images)
        return embeddings


def _block(channels: int, filters: int, kernel: int, pools: bool, config: KochNetwork) -> nn.Sequential:
    parts: OrderedDict[str, nn.Module] = OrderedDict(conv=nn.Conv2d(channels, filters, kernel))
    if config.batch_norm:
        parts["norm"] = nn.BatchNorm2d(filters)
    parts["relu"] = nn.ReLU()
    if pools:
        parts["pool"] = nn.MaxPool2d(2)
    if config.conv_dropout:
        parts["dropout"] = nn.Dropout2d(config.conv_dropout)
    return nn.Sequential(parts)


def _initialise(encoder: nn.Module, init: NormalInit | FanInInit) -> None:
    for module in encoder.modules():
        if not isinstance(module, nn.Conv2d | nn.Linear) or module.bias is None:
            continue
        convolution = isinstance(module, nn.Conv2d)
        if isinstance(init, NormalInit):
            draw(module.weight, init.conv_weight if convolution else init.dense_weight)
            draw(module.bias, init.conv_bias if convolution else init.dense_bias)
        else:
            (nn.init.kaiming_normal_ if convolution else nn.init.xavier_normal_)(module.weight)
            nn.init.zeros_(module.bias)


def draw(parameter: torch.Tensor, normal: Normal) -> None:
    """Fill ``parameter`` with numbers from ``normal``."""
    nn.init.normal_(parameter, normal.mean, normal.std)
