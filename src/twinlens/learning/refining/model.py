"""The model that a refinement ends in: a network or descriptor in its space, or several joined."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import normalize

from twinlens.comparison import Comparison, Cosine, Plda
from twinlens.learning.descriptors.lbp import PatternFeatures
from twinlens.learning.networks import Twin
from twinlens.learning.refining.apart import SpacesApart
from twinlens.learning.refining.spaces import Space


class Part(nn.Module):
    """What turns crops into features, and the space in which these are compared.

    Args:
        features: A network or descriptor.
        space: Takes features further, if given.
        comparison: How what comes out is compared.
    """

    def __init__(
        self, features: Twin | PatternFeatures, space: Space | SpacesApart | None, comparison: Comparison
    ) -> None:
        super().__init__()
        self.features = features
        self.space = space
        self.comparison = comparison
        self.dim = features.dim if space is None else space.dim

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Embed crops uint8 ``(n, height, width, channels)`` as float ``(n, dim)``."""
        features: torch.Tensor = self.features(crops)
        return features if self.space is None else self.space(features)


class Joined(nn.Module):
    """Several parts whose scores are added up with weights.

    An embedding is made of the parts' embeddings, those compared by a cosine at length 1, each times the square root
    of its weight; its last number, where a part has one of its own, is the weighted sum of theirs, less half of the
    constant. So the comparison of two is the weighted sum of the parts' scores plus the constant.

    Args:
        parts: Compared by :class:`~twinlens.comparison.Cosine` or :class:`~twinlens.comparison.Plda`.
        weights: One each, above 0.
        constant: Is added. Where all parts are cosines it is not, and only the proportions of the weights count: a mean
            of cosines is a cosine again.
    """

    def __init__(self, parts: Sequence[Part], weights: Sequence[float], constant: float) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.plda = tuple(isinstance(part.comparison, Plda) for part in parts)
        total = 1.0 if any(self.plda) else sum(weights)
        self.weights = tuple(weight / total for weight in weights)
        self.constant = constant
        self.comparison: Comparison = Plda() if any(self.plda) else Cosine()
        self.dim = sum(part.dim for part in parts) - sum(self.plda) + any(self.plda)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Embed crops uint8 ``(n, height, width, channels)`` as float ``(n, dim)``."""
        return self.join([part(crops) for part in self.parts])

    def join(self, embeddings: Sequence[torch.Tensor]) -> torch.Tensor:
        """Make one embedding of those of the parts, float ``(n, its dim)`` each."""
        products, own = [], []
        for part, weight, plda in zip(embeddings, self.weights, self.plda, strict=True):
            if plda:
                own.append(part[:, -1:] * weight)
            products.append((part[:, :-1] if plda else normalize(part)) * weight**0.5)
        if own:
            products.append(torch.stack(own).sum(dim=0) - self.constant / 2)
        return torch.cat(products, dim=1)


Model = Part | Joined
