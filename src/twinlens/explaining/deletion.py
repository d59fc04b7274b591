"""Whether an explanation is true of the network: what it calls important must matter more than what it does not.

References:
    V. Petsiuk, A. Das and K. Saenko (2018), RISE: randomized input sampling for explanation of black-box models, BMVC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinlens.comparison import Comparison
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.patches import GRID, covered, spread
from twinlens.types import Encoder, Float64Array, UInt8Array

SHARE = 0.1
# Random tenths of each photo, over which the mean is taken.
RANDOM = 8


@dataclass(frozen=True, slots=True)
class Deletion:
    """How far the score moves towards the other decision when a tenth of each photo is covered.

    Attributes:
        salient: When it is the tenth that speaks most for the decision.
        random: When it is a tenth of the same form somewhere else; mean over :data:`RANDOM` places.
    """

    salient: float
    random: float


def delete(
    encoder: Encoder,
    comparison: Comparison,
    first: UInt8Array,
    second: UInt8Array,
    saliency: Saliency,
    *,
    is_match: bool,
    seed: int,
) -> Deletion:
    """Cover the most salient tenth of both photos, and random tenths, and see how far the score moves.

    Args:
        encoder: What embeds crops.
        comparison: What scores two embeddings.
        first: A crop, uint8 ``(height, width, channels)``.
        second: Another one of the same shape.
        saliency: Of this pair.
        is_match: The decision; what speaks for it is covered.
        seed: Of the random places.
    """
    towards = 1.0 if is_match else -1.0
    rng = np.random.default_rng(seed)
    sides = []
    for crop, changes in ((first, saliency.first), (second, saliency.second)):
        # The map moved elsewhere, around the edges: as large and as connected as the true one.
        moves = rng.integers(1, GRID, (RANDOM, 2))
        maps = [changes, *(np.roll(changes, move, (0, 1)) for move in moves)]
        masks = [highest(towards * spread(each, *crop.shape[:2])) for each in maps]
        sides.append(encoder(np.concatenate([covered(crop, mask[None]) for mask in masks])))
    moved = towards * (saliency.score - comparison.pairs(sides[0], sides[1]))
    return Deletion(float(moved[0]), float(moved[1:].mean()))


def highest(values: Float64Array, share: float = SHARE) -> Float64Array:
    """1 where a map is highest and 0 elsewhere, so that a ``share`` of its pixels is 1; equal ones count by place."""
    count = round(share * values.size)
    mask = np.zeros(values.size)
    mask[np.argsort(-values, axis=None, kind="stable")[:count]] = 1
    return mask.reshape(values.shape)
