"""Losses over classes; a batch holds crops with the class of each."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize

from twinlens.comparison import Cosine
from twinlens.config.losses import ClassLoss, SumOfLosses, WeightedLoss
from twinlens.learning.mixing import Mixture
from twinlens.learning.objectives.criteria import build_criterion
from twinlens.learning.objectives.margin import MarginClassifier
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

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor, mixture: Mixture | None = None) -> Outcome:
        """Judge embeddings ``(n, dim)`` by ``labels`` int64 ``(n,)``, below the number of classes.

        Where crops are mixed, only a softmax can judge them; right is then the class with the larger share.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            wide = embeddings.float()
            costs, predicted = [], None
            for weight, criterion in zip(self.weights, self.criteria, strict=True):
                if isinstance(criterion, MarginClassifier):
                    cosines = criterion(wide)
                    costs.append(weight * criterion.cost(cosines, labels, mixture))
                    predicted = cosines.detach().argmax(dim=1)
                else:
                    costs.append(weight * criterion(wide, labels))
            if predicted is None:
                predicted = _nearest(wide.detach(), labels)
        main = labels if mixture is None or mixture.share >= 0.5 else labels[mixture.partner]
        return Outcome(torch.stack(costs).sum(), len(labels), int((predicted == main).sum()))

    def comparison(self) -> Cosine:
        """How two embeddings are compared."""
        return Cosine()

    def start_epoch(self, epoch: int) -> None:
        """Let margins rise."""
        for criterion in self.criteria:
            if isinstance(criterion, MarginClassifier):
                criterion.start_epoch(epoch)


def _nearest(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The label of the nearest other one of embeddings ``(n, dim)``; int64 ``(n,)``."""
    unit = normalize(embeddings)
    return labels[(unit @ unit.T).fill_diagonal_(-2).argmax(dim=1)]
