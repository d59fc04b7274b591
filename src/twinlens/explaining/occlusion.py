"""Which parts of two photos speak for a match and which against it: cover a spot, and see what the score does.

References:
    M. D. Zeiler and R. Fergus (2014), Visualizing and understanding convolutional networks, ECCV, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinlens.comparison import Comparison
from twinlens.evaluation.scoring import score_rows
from twinlens.explaining.patches import EVERY, GRID, covered, spots
from twinlens.progress import track
from twinlens.types import Encoder, Float32Array, Float64Array, UInt8Array

# Crops that an encoder gets at once, and numbers in them, so that large crops fit into memory, too.
_BATCH, _NUMBERS = 25, 1 << 21
# Embeddings have 32 bits, and the last of them depend on the batch: a smaller change of the score is none.
_ROUNDING = 1e-5
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
    height, width, channels = first.shape
    step = max(1, min(_BATCH, _NUMBERS // (height * width * channels)))
    batches = [EVERY[start : start + step] for start in range(0, len(EVERY), step)]
    embeddings: list[list[Float32Array]] = []
    for numbers in track(batches, progress, len(batches)) if progress else batches:
        masks = spots(height, width, numbers)
        embeddings.append([encoder(covered(crop, masks)) for crop in (first, second)])
    sides = [np.concatenate(side) for side in zip(*embeddings, strict=True)]
    # Rows 0 and 1 are the photos as they are; each covered one is held against the other photo.
    rows = np.concatenate([encoder(np.stack([first, second])), *sides])
    other = np.repeat([1, 0], len(EVERY))
    scores = score_rows(rows, np.append(0, np.arange(2, len(rows))), np.append(1, other), comparison)
    changes = scores[0] - scores[1:]
    changes[np.abs(changes) < _ROUNDING * max(1.0, abs(scores[0]))] = 0
    one, two = changes.reshape(2, GRID, GRID)
    return Saliency(float(scores[0]), one, two)
