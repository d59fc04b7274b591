"""The losses over classes, each as pytorch-metric-learning has it."""

from __future__ import annotations

import math

import torch
from pytorch_metric_learning.losses import (
    ArcFaceLoss,
    CosFaceLoss,
    MultiSimilarityLoss,
    SupConLoss,
    TripletMarginLoss,
)
from pytorch_metric_learning.miners import TripletMarginMiner
from torch import nn

from twinlens.config.losses import ClassLoss, MarginSoftmax, MultiSimilarity, SupervisedContrastive, Triplet


class MinedTriplets(nn.Module):
    """Triplet loss over the triplets of a batch that are worth it.

    Args:
        config: Margin and mining.
    """

    def __init__(self, config: Triplet) -> None:
        super().__init__()
        self.miner = TripletMarginMiner(margin=config.margin, type_of_triplets=config.mining)
        self.loss = TripletMarginLoss(margin=config.margin)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean over the triplets that cost anything; embeddings ``(n, dim)``, labels int64 ``(n,)``."""
        cost: torch.Tensor = self.loss(embeddings, labels, self.miner(embeddings, labels))
        return cost


class MarginClassifier(nn.Module):
    """Softmax with a margin, which rises in the first epochs.

    Args:
        config: Margin, scale, label smoothing.
        dim: Dimension of the embeddings.
        classes: Number of training classes.
    """

    def __init__(self, config: MarginSoftmax, dim: int, classes: int) -> None:
        super().__init__()
        self.config = config
        kind = CosFaceLoss if config.margin_type == "cosine" else ArcFaceLoss
        margin = config.margin if config.margin_type == "cosine" else math.degrees(config.margin)
        self.loss = kind(classes, dim, margin=margin, scale=config.scale)
        self.loss.cross_entropy = nn.CrossEntropyLoss(reduction="none", label_smoothing=config.label_smoothing)

    def start_epoch(self, epoch: int) -> None:
        """Set the margin of ``epoch``, counted from 0."""
        # Both losses keep it in their own unit, cosine or radians, from here on.
        self.loss.margin = self.config.margin * min(1.0, (epoch + 1) / (self.config.warmup_epochs + 1))

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy; embeddings ``(n, dim)``, labels int64 ``(n,)``."""
        cost: torch.Tensor = self.loss(embeddings, labels)
        return cost

    def predict(self, embeddings: torch.Tensor) -> torch.Tensor:
        """The nearest class, without margin; int64 ``(n,)``."""
        chosen: torch.Tensor = self.loss.get_logits(embeddings).argmax(dim=1)
        return chosen


def build_criterion(config: ClassLoss, dim: int, classes: int) -> nn.Module:
    """A module that takes embeddings ``(n, dim)`` and labels int64 ``(n,)`` and gives the cost, a scalar."""
    criterion: nn.Module
    match config:
        case Triplet():
            criterion = MinedTriplets(config)
        case SupervisedContrastive():
            criterion = SupConLoss(temperature=config.temperature)
        case MultiSimilarity():
            criterion = MultiSimilarityLoss(alpha=config.alpha, beta=config.beta, base=config.base)
        case MarginSoftmax():
            criterion = MarginClassifier(config, dim, classes)
    return criterion
