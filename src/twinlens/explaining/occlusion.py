"""Which parts of two photos speak for a match and which against it: cover a spot, and see what the score does.

References:
    M. D. Zeiler and R. Fergus (2014), Visualizing and understanding convolutional networks, ECCV, section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from twinlens.comparison import Comparison
from twinlens.evaluation.scoring import score_rows
from twinlens.explaining.patches import GRID, covered, spots
from twinlens.progress import track
from twinlens.types import Encoder, Float64Array, UInt8Array

# Crops that an encoder gets at once.
_BATCH = 25
# What explaining one pair costs: each photo as it is, and once for every spot.
ENCODINGS = 2 + 2 * GRID**2


@dataclass(frozen=True, slots=True, eq=False)
class Saliency:
    """What drove the score of one pair.

    Attributes:
        score: Of the two photos as they are.
        first: float64 ``(GRID, GRID)``, by how much covering a spot of the first photo lowers the score. Above 0
            the spot speaks for a match, below 0 against it.
        second: The same for the second photo.
    """

    score: float
    first: Float64Array
    second: Float64Array

    @property
    def limit(self) -> float:
        """The largest change of all, whichever way it goes; the end of a scale that both photos share."""
        return float(max(np.abs(self.first).max(), np.abs(self.second).max()))


def explain_pair(
    encoder: Encoder, comparison: Comparison, first: UInt8Array, second: UInt8Array, progress: str = ""
) -> Saliency:
    """Cover every spot of each photo in turn while the other photo stays as it is.

    Both photos are treated alike: swapping them swaps the maps.

    Args:
        encoder: What embeds crops.
        comparison: What scores two embeddings.
        first: A crop, uint8 ``(height, width, channels)``.
        second: Another one of the same shape.
        progress: What a progress bar calls it; empty for none.

    Raises:
        EvaluationError: A score is not a finite number.
    """
    batches = _crops(first, second)
    if progress:
        batches = track(batches, progress, 1 + 2 * GRID**2 // _BATCH)
    embeddings = np.concatenate([encoder(batch) for batch in batches])
    # Rows 0 and 1 are the two photos; the covered ones follow, each to be held against the other photo.
    mine = np.arange(2, len(embeddings))
    other = np.repeat([1, 0], GRID**2)
    scores = score_rows(embeddings, np.append(0, mine), np.append(1, other), comparison)
    changes = (scores[0] - scores[1:]).reshape(2, GRID, GRID)
    return Saliency(float(scores[0]), changes[0], changes[1])


def _crops(first: UInt8Array, second: UInt8Array) -> Iterator[UInt8Array]:
    yield np.stack([first, second])
    masks = spots(*first.shape[:2])
    for photo in (first, second):
        for start in range(0, len(masks), _BATCH):
            yield covered(photo, masks[start : start + _BATCH])
