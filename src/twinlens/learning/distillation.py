"""What a network learns from earlier ones: to find alike what they find alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import linear, normalize

from twinlens.config.predecessors import Distillation
from twinlens.types import Float32Array, IntArray


class DistillationLoss(nn.Module):
    """How far the embeddings of a batch are from what the teachers say.

    The teachers embed each training crop once and undistorted. So they may see crops in a frame of their own, cost
    nothing in a step, and the network learns from them what distortions are not to change.

    Args:
        config: What is followed, and its weight.
        samples: int64 ``(m,)``, the training samples, sorted.
        teachers: float32 ``(m, its dim)`` each, their embeddings of the samples.
        dim: Dimension of the network's embeddings.

    References:
        W. Park, D. Kim, Y. Lu and M. Cho (2019), Relational knowledge distillation, CVPR.
        F. Tung and G. Mori (2019), Similarity-preserving knowledge distillation, ICCV.
    """

    def __init__(self, config: Distillation, samples: IntArray, teachers: Sequence[Float32Array], dim: int) -> None:
        super().__init__()
        self.weight = config.weight
        self.samples = torch.from_numpy(samples)
        self.teachers = [normalize(torch.from_numpy(embeddings)) for embeddings in teachers]
        dims = [embeddings.shape[1] for embeddings in teachers]
        follows = config.follow == "embeddings"
        self.maps = nn.ModuleList(nn.Linear(dim, own, bias=False) for own in dims) if follows else None

    def forward(self, embeddings: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """The weighted cost of embeddings ``(n, dim)`` of ``samples`` int64 ``(n,)``, a scalar."""
        rows = torch.searchsorted(self.samples, samples.cpu())
        targets = [teacher[rows].to(embeddings.device) for teacher in self.teachers]
        with torch.autocast(embeddings.device.type, enabled=False):
            wide = embeddings.float()
            cost = similarity_cost(wide, targets) if self.maps is None else self._embedding_cost(wide, targets)
        return self.weight * cost

    def _embedding_cost(self, embeddings: torch.Tensor, targets: Sequence[torch.Tensor]) -> torch.Tensor:
        """One minus the mean cosine to unit ``targets`` ``(n, its dim)``, over crops and teachers."""
        assert self.maps is not None
        cosines = [(normalize(own(embeddings)) * target).sum(1) for own, target in zip(self.maps, targets, strict=True)]
        return 1 - torch.stack(cosines).mean()


def similarity_cost(embeddings: torch.Tensor, targets: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean square over all pairs of crops of how far their cosine is from the mean of the teachers'.

    Args:
        embeddings: float ``(n, dim)``.
        targets: Of each teacher, unit embeddings ``(n, its dim)`` of the same crops.
    """
    unit = normalize(embeddings)
    wanted = torch.stack([linear(target, target) for target in targets]).mean(0)
    squares = (linear(unit, unit) - wanted).square()
    n = len(unit)
    return (squares.sum() - squares.diagonal().sum()) / max(1, n * (n - 1))
