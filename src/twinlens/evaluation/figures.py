"""The form of an evaluation: every figure of one model on one list of pairs, or on the ten folds of LFW View 2."""

from __future__ import annotations

import sys
from typing import Literal

from pydantic import BaseModel, ConfigDict

from twinlens.types import Interval

# The threshold of a model that knows nothing: above every score, finite, and so possible in JSON.
NOTHING_MATCHES = sys.float_info.max


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RateAtFmr(_Value):
    """TAR@FAR: the share of genuine pairs matched where the false match rate on these pairs is ``fmr``."""

    fmr: float
    tar: Interval
    threshold: float
    impostor_pairs: int
    expected_errors: float
    supported: bool


class Confusion(_Value):
    """Decisions at the threshold fixed on validation; the rates have Clopper-Pearson intervals."""

    matched_genuine: int
    missed_genuine: int
    matched_impostor: int
    rejected_impostor: int
    fmr: Interval
    fnmr: Interval


class ReliabilityBin(_Value):
    """One bar of the reliability diagram: probabilities in ``[low, high)`` and how often they were right."""

    low: float
    high: float
    count: int
    mean_probability: float
    genuine_share: float


class CalibrationFigures(_Value):
    """How true the match probability is, with genuine and impostor pairs weighted to ``prior``."""

    prior: float
    cllr: Interval
    cllr_min: float
    brier: Interval
    expected_calibration_error: Interval
    bins: tuple[ReliabilityBin, ...]


class OneShot(_Value):
    """N-way k-shot accuracy: ties count as 1/(number tied), so that a constant scores chance."""

    name: str
    n_way: int
    k_shot: int
    tasks: int
    accuracy: Interval
    chance: float


class Curve(_Value):
    """ROC and DET in one: error rates over thresholds, from strict to lax (FMR rises)."""

    threshold: tuple[float, ...]
    fmr: tuple[float, ...]
    fnmr: tuple[float, ...]


class Histogram(_Value):
    """Distribution of the scores; ``edges`` has one entry more than the counts."""

    edges: tuple[float, ...]
    genuine: tuple[int, ...]
    impostor: tuple[int, ...]


class Evaluation(_Value):
    """Every figure of one model on one list of pairs.

    Attributes:
        threshold: Fixed on validation; :data:`NOTHING_MATCHES` where the validation scores told nothing.
        loss: Cross-entropy in nats of the network's own match probability, which training lowered; none where the
            comparison's score is no logit. The other figures rest on the calibrated probability.
        unaligned: Photos in which no face was found to be aligned, and which were scored as they are; none where
            faces are not looked for.
    """

    protocol: str
    part: Literal["train", "validation", "test"]
    genuine_pairs: int
    impostor_pairs: int
    subjects: int
    images: int
    level: float
    threshold: float
    loss: float | None = None
    accuracy: Interval
    auc: Interval
    eer: Interval
    tar_at_fmr: tuple[RateAtFmr, ...]
    confusion: Confusion
    calibration: CalibrationFigures
    oneshot: tuple[OneShot, ...]
    curve: Curve
    histogram: Histogram
    unaligned: int | None = None


class FoldResult(_Value):
    """One fold of LFW View 2.

    Attributes:
        threshold: From the other nine folds.
        training_seconds: That a training on the other nine took; none where nothing was trained.
    """

    fold: int
    accuracy: float
    auc: float
    threshold: float
    training_seconds: float | None = None


class Folds(_Value):
    """View 2: mean over folds and its standard error (sample standard deviation over √10).

    Attributes:
        unaligned: As in :class:`Evaluation`.
    """

    folds: tuple[FoldResult, ...]
    accuracy_mean: float
    accuracy_standard_error: float
    auc_mean: float
    auc_standard_error: float
    unaligned: int | None = None
