"""One decision with its explanation, as values that can be printed, drawn and stored."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from twinlens.evaluation.judge import Judge
from twinlens.explaining.face_region import Regions
from twinlens.explaining.location import area_outside, locate, part_of_spot
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.record import Grid, as_grid
from twinlens.types import Float64Array


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spot(_Value):
    """The spot of a photo that speaks most for a match, or most against it.

    Attributes:
        part: The part of the photo that it covers most of.
        change: By how much covering it lowers the score; below 0 if it raises it.
        turns: Whether covering it alone turns the decision.
    """

    part: str
    change: float
    turns: bool


class PhotoExplanation(_Value):
    """What one photo contributed.

    Attributes:
        name: The photo.
        shares: By part of the crop, the share of the attribution that lies on it, the largest first.
        outside: The share that lies outside the face; none where nobody knows where the face is.
        strongest_for: The spot that speaks most for a match; none if no spot does.
        strongest_against: The spot that speaks most against it; none if no spot does.
        changes: By how much covering each spot lowers the score, row by row.
    """

    name: str
    shares: dict[str, float]
    outside: float | None
    strongest_for: Spot | None
    strongest_against: Spot | None
    changes: Grid


class ExplainedDecision(_Value):
    """A decision on two photos and what drove it.

    Attributes:
        score: How alike the photos are.
        threshold: Match iff score ≥ this.
        is_match: The decision.
        log_likelihood_ratio: Of the score, natural logarithm.
        probability: Of a match, at the prior.
        prior: Probability of a match before looking.
        first: What the first photo contributed.
        second: What the second photo contributed.
        area_outside: Share of each crop that lies outside the face, as far as anybody knows where that is.
        encodings: How many crops were embedded for this.
    """

    score: float
    threshold: float
    is_match: bool
    log_likelihood_ratio: float
    probability: float
    prior: float
    first: PhotoExplanation
    second: PhotoExplanation
    area_outside: float | None
    encodings: int


def describe_decision(
    saliency: Saliency, judge: Judge, regions: Regions, names: tuple[str, str], prior: float, encodings: int
) -> ExplainedDecision:
    """Say what was decided on a pair, and what spoke for and against a match.

    Args:
        saliency: Of the pair.
        judge: Gives threshold and likelihood ratio.
        regions: The parts of both crops.
        names: Of the two photos.
        prior: Probability of a match before looking, in (0, 1).
        encodings: How many crops were embedded for the saliency.
    """
    first, second = (
        _photo(name, changes, saliency.score, judge.threshold, regions)
        for name, changes in zip(names, (saliency.first, saliency.second), strict=True)
    )
    return ExplainedDecision(
        score=saliency.score,
        threshold=judge.threshold,
        is_match=saliency.score >= judge.threshold,
        log_likelihood_ratio=float(judge.calibration.log_likelihood_ratio(saliency.score)),
        probability=float(judge.calibration.probability(saliency.score, prior)),
        prior=prior,
        first=first,
        second=second,
        area_outside=area_outside(regions),
        encodings=encodings,
    )


def _photo(name: str, changes: Float64Array, score: float, threshold: float, regions: Regions) -> PhotoExplanation:
    location = locate(changes, regions)
    return PhotoExplanation(
        name=name,
        shares=location.shares,
        outside=location.outside,
        strongest_for=_strongest(changes, 1, score, threshold, regions),
        strongest_against=_strongest(changes, -1, score, threshold, regions),
        changes=as_grid(changes),
    )


def _strongest(changes: Float64Array, sign: int, score: float, threshold: float, regions: Regions) -> Spot | None:
    spot = int(np.argmax(sign * changes))
    change = float(changes.flat[spot])
    if sign * change <= 0:
        return None
    turns = (score >= threshold) != (score - change >= threshold)
    return Spot(part=part_of_spot(spot, regions), change=change, turns=turns)
