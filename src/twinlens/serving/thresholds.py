"""Which threshold keeps a wanted error rate, as far as a model's calibration can say."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twinlens.bundle import Manifest
from twinlens.errors import ConfigError
from twinlens.types import OperatingPoint


@dataclass(frozen=True, slots=True)
class IdentificationThreshold:
    """A threshold for a search among many.

    Attributes:
        threshold: A candidate counts iff its score is at least this.
        fmr: False match rate of a single comparison that it stands for.
        fpir: Chance that somebody who is not enrolled is taken for somebody who is, at most.
        subjects: Among how many.
        extrapolated: Whether ``fmr`` is rarer than what calibration has seen often enough, so that the threshold
            rests on the form of the distribution's tail.
    """

    threshold: float
    fmr: float
    fpir: float
    subjects: int
    extrapolated: bool


def threshold_for(manifest: Manifest, fmr: float) -> OperatingPoint:
    """The operating point with the largest tabulated false match rate that is not above the wanted one.

    Args:
        manifest: Of the model.
        fmr: The wanted rate, in (0, 1).

    Raises:
        ConfigError: It is no rate, or so small that too few impostor pairs were seen to support it.
    """
    if not 0 < fmr < 1:
        raise ConfigError(f"The false match rate {fmr:g} is no rate.", "Give a number between 0 and 1.")
    supported = [point for point in manifest.operating_points if point.supported]
    fitting = [point for point in supported if point.fmr <= fmr]
    if fitting:
        return max(fitting, key=lambda point: point.fmr)
    if not supported:
        raise ConfigError(f"{manifest.name} has no threshold for any false match rate.", "Leave the rate out.")
    least = min(supported, key=lambda point: point.fmr)
    raise ConfigError(
        f"{manifest.name} cannot support a false match rate of {fmr:g}: it was calibrated on "
        f"{least.impostor_pairs:,} impostor pairs.",
        f"The smallest rate that they support is {least.fmr:g}.",
    )


def identification_threshold(manifest: Manifest, fpir: float, subjects: int) -> IdentificationThreshold:
    """The threshold at which a stranger is hardly ever taken for somebody enrolled.

    One comparison may match a stranger with chance f = 1 − (1 − FPIR)^(1/N), so that N comparisons do with FPIR at
    most: exactly that if they are independent, and less often if a stranger who is like one is like others, too.

    Args:
        manifest: Of the model.
        fpir: The wanted false positive identification rate, in (0, 1).
        subjects: Templates that are compared, N; where everybody has one, this is the number of people.

    Raises:
        ConfigError: It is no rate, or the model cannot support it among so many.
    """
    if not 0 < fpir < 1:
        raise ConfigError(f"The false positive identification rate {fpir:g} is no rate.", "Give one between 0 and 1.")
    fmr = -math.expm1(math.log1p(-fpir) / max(1, subjects))
    tail = manifest.tail
    if tail is not None and fmr < tail.fmr:
        return IdentificationThreshold(tail.threshold_for(fmr), fmr, fpir, subjects, extrapolated=True)
    try:
        point = threshold_for(manifest, fmr)
    except ConfigError as error:
        raise ConfigError(
            f"{manifest.name} cannot keep false identifications among {subjects:,} at {fpir:g}: that takes a false "
            f"match rate of {fmr:.2g} for each, and nothing is known of its rarest false matches.",
            "Export it again, or enrol fewer.",
        ) from error
    return IdentificationThreshold(point.threshold.value, point.fmr, fpir, subjects, extrapolated=False)
