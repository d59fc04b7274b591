"""Losses over pairs; a batch holds the embeddings of all firsts, then those of all seconds."""

from __future__ import annotations

import torch
from pytorch_metric_learning.losses import ContrastiveLoss
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

from twinlens.comparison import Cosine, WeightedL1
from twinlens.config.losses import Contrastive
from twinlens.learning.heads import WeightedL1Head
from twinlens.learning.networks import CompactEncoder, KochEncoder
from twinlens.learning.objectives.outcome import Outcome


class LogisticObjective(nn.Module):
    """The paper's: cross-entropy of the match probability that a weighted L1 distance yields.

    A pair is decided rightly if its probability lies on the right side of one half.

    Args:
        network: Whose embeddings are judged; it says how the comparison's weights are drawn.
    """

    by_pairs = True

    def __init__(self, network: KochEncoder | CompactEncoder) -> None:
        super().__init__()
        self.head = WeightedL1Head(network.dim, network.head_init, network.difference)

    def forward(self, embeddings: torch.Tensor, is_genuine: torch.Tensor) -> Outcome:
        """Judge embeddings ``(2b, dim)`` by ``is_genuine`` float ``(b,)``."""
        logits = self.head(*embeddings.chunk(2))
        loss = binary_cross_entropy_with_logits(logits, is_genuine)
        return Outcome(loss, len(logits), int(((logits > 0) == (is_genuine > 0.5)).sum()))

    def comparison(self) -> WeightedL1:
        """How two embeddings are compared."""
        return self.head.comparison()

    def start_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""


class ContrastiveObjective(nn.Module):
    """Distance for genuine pairs, what is missing to the margin for impostor pairs.

    Each kind is averaged over the pairs that cost anything. A pair is decided rightly if its distance lies on the
    right side of half the margin.

    Args:
        config: The margin.

    References:
        S. Chopra, R. Hadsell and Y. LeCun (2005), Learning a similarity metric discriminatively, with application to
        face verification, CVPR.
    """

    by_pairs = True

    def __init__(self, config: Contrastive) -> None:
        super().__init__()
        self.margin = config.margin
        self.loss = ContrastiveLoss(pos_margin=0, neg_margin=config.margin)

    def forward(self, embeddings: torch.Tensor, is_genuine: torch.Tensor) -> Outcome:
        """Judge embeddings ``(2b, dim)`` by ``is_genuine`` float ``(b,)``."""
        with torch.autocast(embeddings.device.type, enabled=False):
            unit = normalize(embeddings.float())
            genuine, impostor = (torch.nonzero(is_genuine == kind)[:, 0] for kind in (1, 0))
            n = len(is_genuine)
            loss = self.loss(unit, indices_tuple=(genuine, genuine + n, impostor, impostor + n))
            near = (unit[:n] - unit[n:]).norm(dim=1) < self.margin / 2
        return Outcome(loss, n, int((near == (is_genuine > 0.5)).sum()))

    def comparison(self) -> Cosine:
        """How two embeddings are compared; on the unit sphere the cosine falls as the distance rises."""
        return Cosine()

    def start_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""
