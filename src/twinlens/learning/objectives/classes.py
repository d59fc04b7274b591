"""Losses over classes; a batch holds crops with the class of each."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize

from twinlens.comparison import Cosine
from twinlens.config.losses import ClassLoss, SumOfLosses, WeightedLoss
from twinlens.learning.objectives.criteria import MarginClassifier, build_criterion
from twinlens.learning.objectives.outcome import Outcome


class ClassObjective(nn.Module):
    """One loss over classes, or a weighted sum of several.

    A crop is decided rightly if a softmax takes it for its class or, without one, if the nearest other crop of the
    batch is of its class.

    Args:
        config: The loss or losses.
        dim: Dimension of the embeddings.
        classes: Number of training classes.
    """

    by_pairs = False

    def __init__(self, config: ClassLoss | SumOfLosses, dim: int, classes: int) -> None:
        super().__init__()
        terms = config.terms if isinstance(config, SumOfLosses) else (WeightedLoss(loss=config),)
        self.weights = tuple(term.weight for term in terms)
        self.criteria = nn.ModuleList(build_criterion(term.loss, dim, classes) for term in terms)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> Outcome:
        """Judge embeddings ``(n, dim)`` by ``labels`` int64 ``(n,)``, below the number of classes."""
        with torch.autocast(embeddings.device.type, enabled=False):
            wide = embeddings.float()
            costs = [w * criterion(wide, labels) for w, criterion in zip(self.weights, self.criteria, strict=True)]
            with torch.no_grad():
                right = int((self._predicted(wide, labels) == labels).sum())
        return Outcome(torch.stack(costs).sum(), len(labels), right)

    def _predicted(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        for classifier in self._classifiers():
            return classifier.predict(embeddings)
        unit = normalize(embeddings)
        return labels[(unit @ unit.T).fill_diagonal_(-2).argmax(dim=1)]

    def comparison(self) -> Cosine:
        """How two embeddings are compared."""
        return Cosine()

    def start_epoch(self, epoch: int) -> None:
        """Let margins rise."""
        for classifier in self._classifiers():
            classifier.start_epoch(epoch)

    def _classifiers(self) -> list[MarginClassifier]:
        return [criterion for criterion in self.criteria if isinstance(criterion, MarginClassifier)]
