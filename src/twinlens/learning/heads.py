"""Comparisons that are learned together with the network."""

from __future__ import annotations

import torch
from torch import nn

from twinlens.comparison import WeightedL1
from twinlens.config.networks import FanInInit, NormalInit
from twinlens.learning.networks.koch import draw


class WeightedL1Head(nn.Module):
    """The paper's comparison as a logit: ``Σⱼ αⱼ·|aⱼ − bⱼ| + bias``; the sigmoid is part of the loss.

    The paper's equation has no bias; with one, two equal embeddings may have any probability, not just one half.

    Args:
        dim: Dimension of the embeddings.
        init: How the weights are drawn.
        difference: How far a unit's values for two photos lie apart on average before training, roughly.
    """

    def __init__(self, dim: int, init: NormalInit | FanInInit, difference: float = 0.2) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, 1)
        if isinstance(init, NormalInit):
            draw(self.linear.weight, init.head_weight)
            draw(self.linear.bias, init.head_bias)
        else:
            # Differences count against a match from the start, and the first logits lie around zero, where the
            # cross-entropy teaches most.
            nn.init.constant_(self.linear.weight, -1 / (difference * dim))
            nn.init.ones_(self.linear.bias)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Logits ``(n,)`` of "same subject" for embeddings ``(n, dim)``; symmetric in its arguments."""
        # In float32: the difference of two nearly equal bfloat16 numbers would be noise.
        with torch.autocast(first.device.type, enabled=False):
            logits: torch.Tensor = self.linear((first.float() - second.float()).abs()).squeeze(1)
        return logits

    def comparison(self) -> WeightedL1:
        """The same comparison without torch: its score is this logit."""
        weights = -self.linear.weight.detach().float().cpu()[0]
        return WeightedL1(weights=tuple(weights.tolist()), bias=float(self.linear.bias.detach()))
