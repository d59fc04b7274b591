"""Many small spaces, each of some of the features, whose scores are added up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from twinlens.comparison import Cosine, Plda
from twinlens.learning.refining.spaces import Space
from twinlens.types import Float32Array, IntArray

# Directions in which embeddings are kept. Scores add up products of embeddings, and 256 directions hold nearly all.
_DIRECTIONS = 256
_BATCH = 1024


class SpacesApart(nn.Module):
    """Spaces of parts of the features; the score is the sum of their scores, or of cosines the mean.

    The embeddings of all spaces in a row would be long. They are turned to the directions in which those of training
    photos are longest, and the others are dropped: that changes no score by much, as scores add up their products.

    Args:
        spaces: All with the same comparison.
        places: Which features each takes, int64.
        turn: half ``(sum of their dimensions, directions)`` with columns of length 1; none turns nothing.
    """

    def __init__(self, spaces: Sequence[Space], places: Sequence[torch.Tensor], turn: torch.Tensor | None) -> None:
        super().__init__()
        self.spaces = nn.ModuleList(spaces)
        self.comparison: Cosine | Plda = spaces[0].comparison
        self.turn = None if turn is None else nn.Parameter(turn, requires_grad=False)
        self.places = nn.ParameterList(nn.Parameter(place, requires_grad=False) for place in places)
        own = int(isinstance(self.comparison, Plda))
        self.dim = own + (sum(space.dim - own for space in spaces) if turn is None else turn.shape[1])

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Take features float ``(n, D)`` to ``(n, dim)``."""
        products, own = self.products(features)
        if self.turn is not None:
            products = products @ self.turn.float()
        return products if own is None else torch.cat([products, own], dim=1)

    def products(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What is multiplied in a comparison, in a row, and for PLDA the sum of what each photo adds by itself."""
        found = [space(features[:, place]) for space, place in zip(self.spaces, self.places, strict=True)]
        if isinstance(self.comparison, Cosine):
            return torch.cat([normalize(one) for one in found], dim=1) / len(found) ** 0.5, None
        own = torch.stack([one[:, -1:] for one in found]).sum(dim=0)
        return torch.cat([one[:, :-1] for one in found], dim=1), own


def join_spaces(spaces: Sequence[Space], parts: Sequence[IntArray], features: Float32Array) -> SpacesApart:
    """Spaces of parts of the features as one, turned to where embeddings of training photos are longest.

    Args:
        spaces: One for each part.
        parts: Which features each takes, int64.
        features: float32 ``(n, D)``, of the training photos.
    """
    places = [torch.from_numpy(part) for part in parts]
    joined = SpacesApart(spaces, places, None).eval()
    width = joined.dim - int(isinstance(joined.comparison, Plda))
    if width <= _DIRECTIONS:
        return joined
    moment = torch.zeros(width, width, dtype=torch.float64)
    with torch.inference_mode():
        for start in range(0, len(features), _BATCH):
            products = joined.products(torch.from_numpy(features[start : start + _BATCH]))[0].double()
            moment += products.T @ products
    _, directions = np.linalg.eigh(moment.numpy())
    turn = torch.from_numpy(np.ascontiguousarray(directions[:, ::-1][:, :_DIRECTIONS])).half()
    return SpacesApart(spaces, places, turn).eval()
