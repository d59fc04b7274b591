"""The losses over classes, each but the softmax as pytorch-metric-learning has it."""

from __future__ import annotations

import torch
from pytorch_metric_learning.losses import MultiSimilarityLoss, SupConLoss, TripletMarginLoss
from pytorch_metric_learning.miners import TripletMarginMiner
from torch import nn

from twinlens.config.losses import ClassLoss, MarginSoftmax, MultiSimilarity, SupervisedContrastive, Triplet
from twinlens.learning.objectives.margin import MarginClassifier


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


def build_criterion(config: ClassLoss, dim: int, classes: int) -> nn.Module:
    """A module that takes embeddings ``(n, dim)`` and labels int64 ``(n,)`` and gives the cost, a scalar.

    A :class:`MarginClassifier` takes embeddings alone and gives cosines, of which it makes the cost.
    """
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
