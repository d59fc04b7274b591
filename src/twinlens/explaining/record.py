"""``explanations.json``: what drove the decisions that a report shows, and a random sample of them.

Numbers only: names of photos as in the scores, and a grid of changes for each; no pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twinlens.errors import RunError
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.patches import GRID
from twinlens.types import Float64Array, Interval

_GRID_LONG = Field(min_length=GRID, max_length=GRID)
Grid = Annotated[tuple[Annotated[tuple[float, ...], _GRID_LONG], ...], _GRID_LONG]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExplainedPair(_Value):
    """A pair by the names of its photos, and by how much covering each spot lowers its score."""

    first: str
    second: str
    score: float
    first_changes: Grid
    second_changes: Grid

    @classmethod
    def of(cls, first: str, second: str, saliency: Saliency) -> ExplainedPair:
        """From a saliency, its figures rounded to what can be seen."""
        grids = (as_grid(saliency.first), as_grid(saliency.second))
        return cls(first=first, second=second, score=saliency.score, first_changes=grids[0], second_changes=grids[1])

    @property
    def saliency(self) -> Saliency:
        """What it was made of."""
        return Saliency(self.score, np.array(self.first_changes), np.array(self.second_changes))


class SampleFigures(_Value):
    """What a random sample of the pairs says about the network.

    Attributes:
        pairs: How many.
        outside: Share of the attribution outside the face, mean over the photos; none where nobody knows where the
            face is.
        area_outside: Share of the crop outside the face.
        salient: How far covering the most salient tenth of both photos moves the score towards the other decision,
            mean over the pairs.
        random: The same for a random tenth.
        level: Of the intervals.
        mean: Where the attribution lies, mean over the photos, each counting the same; adds up to 1, or is 0
            everywhere for a network that looks at nothing.
    """

    pairs: int
    outside: Interval | None
    area_outside: float | None
    salient: Interval
    random: Interval
    level: float
    mean: Grid


class Explanations(_Value):
    """What drove the decisions of one model on one part.

    Attributes:
        shown: The most confident decisions, which a report shows.
        sample: Figures of pairs drawn at random.
    """

    format: Literal[1] = 1
    shown: tuple[ExplainedPair, ...]
    sample: SampleFigures


def read_explanations(path: Path) -> Explanations | None:
    """What a run has stored, or nothing if it was not explained.

    Raises:
        RunError: The file is not what this version writes.
    """
    if not path.is_file():
        return None
    try:
        return Explanations.model_validate_json(path.read_bytes())
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(str(part) for part in detail["loc"])
        raise RunError(
            f"{path} is not one of this version of twinlens: {place}: {detail['msg']}.",
            "Delete it and evaluate the run again.",
        ) from error


def as_grid(changes: Float64Array) -> Grid:
    """Changes with three digits each, which is more than an eye sees and a quarter of the file."""
    return tuple(tuple(float(f"{value:.3g}") for value in row) for row in changes)
