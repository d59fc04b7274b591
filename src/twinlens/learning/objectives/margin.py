"""Softmax over the training classes, whose right one must win by a margin."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import cross_entropy, linear, normalize

from twinlens.config.losses import MarginSoftmax
from twinlens.learning.mixing import Mixture

# The arc cosine's slope is infinite at 1.
_LARGEST_COSINE = 1 - 1e-7


class MarginClassifier(nn.Module):
    """A direction for each class, and the cross-entropy of the cosines to them; the margin rises in the first epochs.

    As the losses of pytorch-metric-learning in half of their time: the cosines of a batch are computed once, for the
    cost, for its second half where crops are mixed, and for the accuracy.

    Args:
        config: Margin, scale, label smoothing.
        dim: Dimension of the embeddings.
        classes: Number of training classes.

    References:
        H. Wang et al. (2018), CosFace: large margin cosine loss for deep face recognition, CVPR.
        J. Deng, J. Guo, N. Xue and S. Zafeiriou (2019), ArcFace: additive angular margin loss, CVPR.
    """

    def __init__(self, config: MarginSoftmax, dim: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.margin = config.margin
        # Of length about 1: Adam moves every number by the learning rate, however large it is; long ones turn slowly.
        self.directions = nn.Parameter(torch.randn(classes, dim) * dim**-0.5)

    def start_epoch(self, epoch: int) -> None:
        """Set the margin of ``epoch``, counted from 0."""
        self.margin = self.config.margin * min(1.0, (epoch + 1) / (self.config.warmup_epochs + 1))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Cosines ``(n, classes)`` of embeddings ``(n, dim)``; the largest is the nearest class's."""
        return linear(normalize(embeddings), normalize(self.directions))

    def cost(self, cosines: torch.Tensor, labels: torch.Tensor, mixture: Mixture | None = None) -> torch.Tensor:
        """Mean cross-entropy of cosines ``(n, classes)``; labels int64 ``(n,)``.

        A mixed crop costs what it would cost for each of its two classes, by their shares.
        """
        cost = self._cost(cosines, labels)
        if mixture is None:
            return cost
        return mixture.share * cost + (1 - mixture.share) * self._cost(cosines, labels[mixture.partner])

    def _cost(self, cosines: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        right = cosines.gather(1, labels[:, None])
        lowered = cosines.scatter_add(1, labels[:, None], self._with_margin(right) - right)
        return cross_entropy(lowered * self.config.scale, labels, label_smoothing=self.config.label_smoothing)

    def _with_margin(self, cosines: torch.Tensor) -> torch.Tensor:
        if self.config.margin_type == "cosine":
            return cosines - self.margin
        angles = cosines.clamp(-_LARGEST_COSINE, _LARGEST_COSINE).acos()
        # Beyond half a turn the cosine would rise again.
        falling = cosines - self.margin * math.sin(self.margin)
        return torch.where(angles <= math.pi - self.margin, (angles + self.margin).cos(), falling)
