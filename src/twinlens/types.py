"""The vocabulary as frozen values, and the one seam: :class:`Encoder`.

The words follow ISO/IEC 2382-37 and 19795-1: a *sample* is one photo, a *crop* the part of it that a network
sees, an *embedding* what the network makes of it, a *score* always a similarity (higher is more alike), and a
pair matches iff ``score >= threshold``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

UInt8Array = npt.NDArray[np.uint8]
Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@runtime_checkable
class Encoder(Protocol):
    """Crops in, embeddings out: what a torch module and an ONNX session have in common."""

    def __call__(self, crops: UInt8Array) -> Float32Array:
        """Embed ``crops`` (uint8, ``(n, height, width, channels)``) as float32 ``(n, dim)``."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo of one subject.

    Attributes:
        name: Path relative to the dataset's root with forward slashes, e.g. ``Ann_Lee/Ann_Lee_0001.jpg``.
        subject_id: The identity, unique within the dataset.
    """

    name: str
    subject_id: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of samples, by index into a dataset's samples, and whether each shows one subject.

    Attributes:
        first: int64 ``(n,)``.
        second: int64 ``(n,)``.
        is_genuine: bool ``(n,)``; true iff both samples show the same subject.
    """

    first: IntArray
    second: IntArray
    is_genuine: BoolArray

    def __post_init__(self) -> None:
        if not self.first.shape == self.second.shape == self.is_genuine.shape == (len(self.first),):
            raise ValueError("first, second and is_genuine must be vectors of one length")

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, chosen: IntArray | BoolArray | slice) -> Pairs:
        """The chosen pairs, by index array, mask or slice."""
        return Pairs(self.first[chosen], self.second[chosen], self.is_genuine[chosen])

    @property
    def samples(self) -> IntArray:
        """The distinct sample indices that occur, sorted; int64 ``(m,)``."""
        return np.unique(np.concatenate([self.first, self.second]))

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> Pairs:
        """The pairs of at least one ``parts``, one after the other."""
        return cls(
            np.concatenate([part.first for part in parts]),
            np.concatenate([part.second for part in parts]),
            np.concatenate([part.is_genuine for part in parts]),
        )

    @classmethod
    def from_rows(cls, rows: list[tuple[int, int, bool]]) -> Pairs:
        """Pairs from ``(first, second, is_genuine)`` rows; an empty list gives no pairs."""
        first, second, genuine = zip(*rows, strict=True) if rows else ((), (), ())
        return cls(np.array(first, np.int64), np.array(second, np.int64), np.array(genuine, np.bool_))


@dataclass(frozen=True, slots=True)
class Scores:
    """Scored pairs, with the subjects that intervals are resampled over.

    Attributes:
        values: float64 ``(n,)`` similarities, higher is more alike.
        is_genuine: bool ``(n,)``.
        first_subject: ``(n,)`` integer codes of the subject in the first photo.
        second_subject: ``(n,)`` likewise for the second; equal to the first for genuine pairs.
    """

    values: Float64Array
    is_genuine: BoolArray
    first_subject: IntArray
    second_subject: IntArray

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, chosen: IntArray | BoolArray | slice) -> Scores:
        """The chosen pairs, by index array, mask or slice."""
        return Scores(
            self.values[chosen],
            self.is_genuine[chosen],
            self.first_subject[chosen],
            self.second_subject[chosen],
        )

    @property
    def genuine(self) -> Float64Array:
        """Scores of the genuine pairs."""
        return self.values[self.is_genuine]

    @property
    def impostor(self) -> Float64Array:
        """Scores of the impostor pairs."""
        return self.values[~self.is_genuine]


@dataclass(frozen=True, slots=True)
class Episode:
    """One N-way k-shot task: classify ``query`` by the most similar ``support`` samples.

    Attributes:
        query: int64 ``(q,)`` sample indices.
        query_class: int64 ``(q,)`` the true class of each query, in ``0..n_way-1``.
        support: int64 ``(n_way, k_shot)`` sample indices, one row a class.
    """

    query: IntArray
    query_class: IntArray
    support: IntArray


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and how sure it is.

    Attributes:
        value: The point estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
        method: How the interval was made, e.g. ``subject bootstrap`` or ``Clopper-Pearson``.
    """

    value: float
    low: float
    high: float
    method: str


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The threshold for a wanted false match rate (FMR), with its evidence.

    Attributes:
        fmr: The false match rate that was asked for.
        threshold: Match iff score ≥ this; its uncertainty is the interval.
        impostor_pairs: Impostor pairs that the threshold rests on.
        expected_errors: ``fmr × impostor_pairs``.
        supported: Whether that is at least 30, below which the rate rests on too little.
    """

    fmr: float
    threshold: Interval
    impostor_pairs: int
    expected_errors: float
    supported: bool


@dataclass(frozen=True, slots=True)
class ImpostorTail:
    """How impostor scores thin out beyond the rarest false match rate that was seen often enough.

    The score at which the rate falls by a factor e lies ``scale`` higher each time: an exponential tail. Of scores
    that have a limit, or thin out as a normal distribution does, it promises more false matches than there are.

    Attributes:
        fmr: The false match rate that it starts from.
        threshold: The score that it starts from: the upper end of the interval of the threshold for ``fmr``.
        scale: Mean excess of the highest impostor scores, at least 0.
    """

    fmr: float
    threshold: float
    scale: float

    def threshold_for(self, fmr: float) -> float:
        """The threshold for a false match rate, in (0, :attr:`fmr`)."""
        return self.threshold + self.scale * math.log(self.fmr / fmr)


@dataclass(frozen=True, slots=True)
class Calibration:
    """An affine map from scores to log-likelihood ratios, fitted on validation pairs.

    Attributes:
        slope: At least 0, so that a higher score is never less evidence of a match.
        intercept: Natural-logarithm units.
        genuine_pairs: Genuine pairs that it was fitted on.
        impostor_pairs: Impostor pairs that it was fitted on.
        covariance: Variance of the slope, covariance of slope and intercept, and variance of the intercept, over
            resampled subjects; none if nobody has estimated it.

    References:
        N. Brümmer and J. du Preez (2006), Application-independent evaluation of speaker detection.
    """

    slope: float
    intercept: float
    genuine_pairs: int
    impostor_pairs: int
    covariance: tuple[float, float, float] | None = None

    def log_likelihood_ratio(self, scores: npt.ArrayLike) -> Float64Array:
        """Natural logarithm of p(score | genuine) / p(score | impostor)."""
        return self.slope * np.asarray(scores, np.float64) + self.intercept

    def probability(self, scores: npt.ArrayLike, prior: float) -> Float64Array:
        """Probability of a match when ``prior`` was its probability before looking; both in (0, 1)."""
        return _probability(self.log_likelihood_ratio(scores) + _log_odds(prior))

    def probability_interval(self, score: float, prior: float, level: float = 0.95) -> Interval | None:
        """The probability of a match with what other people to calibrate on would have changed.

        Args:
            score: Of one pair.
            prior: Probability of a match before looking, in (0, 1).
            level: Of the interval, in (0, 1); it is that of a normal distribution of the log-odds.

        Returns:
            None where :attr:`covariance` is not known.
        """
        if self.covariance is None:
            return None
        of_slope, of_both, of_intercept = self.covariance
        # Rounding may take what is a square below 0.
        variance = max(0.0, score**2 * of_slope + 2 * score * of_both + of_intercept)
        reach = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(variance)
        log_odds = float(self.log_likelihood_ratio(score)) + _log_odds(prior)
        value, low, high = (float(_probability(log_odds + shift)) for shift in (0, -reach, reach))
        return Interval(value, low, high, "normal in log-odds")


def _log_odds(probability: float) -> float:
    return math.log(probability) - math.log1p(-probability)


def _probability(log_odds: npt.ArrayLike) -> Float64Array:
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(log_odds) / 2)), np.float64)
