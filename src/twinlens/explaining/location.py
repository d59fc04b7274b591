"""Where an attribution lies: on which parts of a crop, how much of it outside the face, and where it is strongest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinlens.explaining.face_region import Regions
from twinlens.explaining.patches import spots, spread
from twinlens.types import Float64Array


@dataclass(frozen=True, slots=True)
class Location:
    """Where the attribution of one photo lies.

    Attributes:
        shares: By part of the crop, the share of the attribution that lies on it, the largest first, whether it
            speaks for a match or against it. Empty if covering no spot changes the score.
        outside: The share that lies outside the face; none where nobody knows where the face is, or if there is no
            attribution.
    """

    shares: dict[str, float]
    outside: float | None


def locate(changes: Float64Array, regions: Regions) -> Location:
    """Where the attribution of one photo lies.

    Args:
        changes: float64 ``(GRID, GRID)``, of a :class:`~twinlens.explaining.occlusion.Saliency`.
        regions: The parts of its crop.
    """
    height, width = next(iter(regions.parts.values())).shape
    weight = np.abs(spread(changes, height, width))
    total = weight.sum()
    if total == 0:
        return Location({}, None)
    shares = {name: float((weight * part).sum() / total) for name, part in regions.parts.items()}
    ranked = dict(sorted(shares.items(), key=lambda share: -share[1]))
    outside = None if regions.face is None else float((weight * (1 - regions.face)).sum() / total)
    return Location(ranked, outside)


def part_of_spot(spot: int, regions: Regions) -> str:
    """Which part of a crop a spot, counted row by row, covers most of."""
    height, width = next(iter(regions.parts.values())).shape
    mask = spots(height, width, np.array([spot]))[0]
    return max(regions.parts, key=lambda name: float((mask * regions.parts[name]).sum()))


def area_outside(regions: Regions) -> float | None:
    """The share of the crop that lies outside the face: what an attribution has there that is the same everywhere."""
    return None if regions.face is None else float(1 - regions.face.mean())
