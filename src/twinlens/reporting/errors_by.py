"""What went wrong, in measured terms: error rates by how the photos look and by the score's margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from twinlens.config import Frame
from twinlens.evaluation.intervals import clopper_pearson
from twinlens.images import to_crop
from twinlens.looks import brightness_and_sharpness
from twinlens.progress import track
from twinlens.reporting.photos import Photos
from twinlens.reporting.scores import ScoredPairs
from twinlens.types import BoolArray, Float64Array, Interval, UInt8Array

_QUARTERS = 4


@dataclass(frozen=True)
class Look:
    """How one photo looks, measured on the grey crop.

    Attributes:
        brightness: As :func:`brightness_and_sharpness` has it, 0 (black) to 1 (white).
        sharpness: Likewise; blur lowers it.
        asymmetry: See :func:`asymmetry`, 0 to 2; a turned head or light from one side raises it.
    """

    brightness: float
    sharpness: float
    asymmetry: float


@dataclass(frozen=True)
class Quarter:
    """A quarter of the pairs by one factor; rates are ``None`` where there is no such pair.

    Attributes:
        low: Smallest value of the factor.
        high: Largest value of the factor.
        pairs: How many pairs these are.
        error_rate: Share of wrong decisions.
        fmr: Share of the impostor pairs matched.
        fnmr: Share of the genuine pairs not matched.
    """

    low: float
    high: float
    pairs: int
    error_rate: Interval
    fmr: Interval | None
    fnmr: Interval | None


@dataclass(frozen=True)
class Factor:
    """Error rates in the quarters of the pairs by one factor, from its lowest values to its highest."""

    name: str
    meaning: str
    quarters: tuple[Quarter, ...]

    @property
    def matters(self) -> bool:
        """Whether the intervals of the first and the last quarter are apart.

        That asks for more than a test at the same level would, which makes up for asking it of several factors
        and for pairs that share people.
        """
        first, last = self.quarters[0].error_rate, self.quarters[-1].error_rate
        return first.low > last.high or last.low > first.high


def measure_looks(names: list[str], photos: Photos, frame: Frame) -> dict[str, Look]:
    """Measure the named photos where the network looked, in grey."""
    grey = frame.model_copy(update={"colour": "grey"})
    return {name: measure_look(to_crop(photos(name), grey)) for name in track(names, "Measuring photos", len(names))}


def measure_look(crop: UInt8Array) -> Look:
    """Measure one grey crop, uint8 ``(height, width, 1)``."""
    bright, sharp = brightness_and_sharpness(crop[None], np.arange(1))
    return Look(float(bright[0]), float(sharp[0]), asymmetry(crop))


def asymmetry(crop: UInt8Array) -> float:
    """1 − correlation of a grey crop with its mirror image; 0 for a blank one, which is its own mirror image."""
    centred = crop - crop.mean()
    energy = np.vdot(centred, centred)
    return float(1 - np.vdot(centred, centred[:, ::-1]) / energy) if energy > 0 else 0.0


def errors_by(
    pairs: ScoredPairs, threshold: float, level: float, looks: Mapping[str, Look] | None
) -> tuple[Factor, ...]:
    """Error rates by quarters of every factor that can be measured.

    Args:
        pairs: Scored pairs with their decisions.
        threshold: Of those decisions.
        level: Of the Clopper-Pearson intervals.
        looks: How the photos look; without it only the score's margin is left.
    """
    named = [
        (
            "Score margin",
            "Distance of the score from the threshold: how clear the case was to the network.",
            np.abs(pairs.score - threshold),
        )
    ]
    if looks is not None:
        named += _photo_factors([looks[name] for name in pairs.first], [looks[name] for name in pairs.second])
    return tuple(Factor(name, meaning, _quarters(pairs, values, level)) for name, meaning, values in named)


def finding(factors: tuple[Factor, ...]) -> str:
    """Which of the factors matter, in a sentence."""
    named = [factor.name.lower() for factor in factors if factor.matters]
    return f"Here that holds for: {', '.join(named)}." if named else "Here that holds for none of them."


def _photo_factors(first: list[Look], second: list[Look]) -> list[tuple[str, str, Float64Array]]:
    sides = (first, second)
    bright = np.array([[look.brightness for look in side] for side in sides])
    sharp = np.array([[look.sharpness for look in side] for side in sides])
    skew = np.array([[look.asymmetry for look in side] for side in sides])
    return [
        ("Brightness", "Mean brightness of the darker photo, 0 to 1.", bright.min(0)),
        ("Brightness difference", "How differently bright the two photos are.", np.abs(bright[0] - bright[1])),
        ("Sharpness", "Sharpness of the more blurred photo.", sharp.min(0)),
        ("Sharpness difference", "How differently sharp the two photos are.", np.abs(sharp[0] - sharp[1])),
        (
            "Asymmetry",
            "Left-right asymmetry of the less symmetric photo, a stand-in for a turned head.",
            skew.max(0),
        ),
    ]


def _quarters(pairs: ScoredPairs, values: Float64Array, level: float) -> tuple[Quarter, ...]:
    inner = np.quantile(values, np.arange(1, _QUARTERS) / _QUARTERS)
    group = np.searchsorted(inner, values, side="right")
    wrong = pairs.is_match != pairs.is_genuine
    found = []
    for quarter in np.unique(group):  # equal values stay together, so a quarter may be empty
        inside = group == quarter
        found.append(
            Quarter(
                low=float(values[inside].min()),
                high=float(values[inside].max()),
                pairs=int(inside.sum()),
                error_rate=clopper_pearson(int(wrong[inside].sum()), int(inside.sum()), level),
                fmr=_rate(wrong, inside & ~pairs.is_genuine, level),
                fnmr=_rate(wrong, inside & pairs.is_genuine, level),
            )
        )
    return tuple(found)


def _rate(wrong: BoolArray, among: BoolArray, level: float) -> Interval | None:
    total = int(among.sum())
    return clopper_pearson(int(wrong[among].sum()), total, level) if total else None
