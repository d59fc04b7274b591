"""The form of every result: what an evaluation says and what a run writes into ``result.json``.

Reports, comparisons, model cards and tables read these values and never recompute them.
"""

from __future__ import annotations

import sys
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from twinlens.data.description import Description
from twinlens.types import Calibration, Interval, OperatingPoint

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


class Epoch(_Value):
    """One row of the training's history.

    Attributes:
        epoch: Counted from 1.
        seconds: That this epoch took, validation included.
        score_spread: Highest minus lowest score of the validation pairs.
        l2_penalty: The penalty on the weights after the epoch, which the losses leave out.
        learning_rate: Of the first layer.
        gradient_norm: Mean over the epoch's steps.
    """

    epoch: int
    seconds: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_auc: float
    validation_oneshot: float | None
    score_spread: float
    l2_penalty: float
    learning_rate: float
    gradient_norm: float
    images_per_second: float


class TrainingSummary(_Value):
    """How the training went."""

    epochs: tuple[Epoch, ...]
    best_epoch: int
    seconds: float
    seconds_to_best: float
    stopped_by: str
    parameters: int
    layers: tuple[LayerRow, ...]


class LayerRow(_Value):
    """One row of the architecture table."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    kernel: str
    filters: int | None
    parameters: int


class RefinedPart(_Value):
    """What was fitted on training photos for one part of a refined model.

    Attributes:
        name: ``network`` or the kind of a descriptor.
        metric: Kind of the space; ``none`` where features are compared as they are.
        dims: Principal components, chosen on validation; none without a space.
        shrinkage: Of the covariance within classes, chosen on validation; none where it is not needed.
        photos: Training photos that it was fitted on.
        classes: Classes of two or more of these photos, as far as the setting lets one know; 0 where none are needed.
        weight: Of its score in the sum of all parts, fitted on validation; 1 where there is no sum.
        share: Of this part in the sum's spread: weight times standard deviation over the validation pairs, of all such.
    """

    name: str
    metric: Literal["none", "pca", "whitening", "plda"]
    dims: int | None
    shrinkage: float | None
    photos: int
    classes: int
    weight: float
    share: float


class RefinementStage(_Value):
    """What the validation pairs say after one step of a refinement.

    Attributes:
        name: What is scored with.
        cllr: Cost in bits of the likelihood ratio, calibrated on these very pairs; what chooses.
        auc: Area under the ROC curve, over the same pairs.
        accuracy: Share of the listed validation pairs decided rightly at even odds.
    """

    name: str
    cllr: float
    auc: float
    accuracy: float


class Refinement(_Value):
    """What was fitted on top of a trained network, and what it brought on validation.

    Attributes:
        parts: The network and what is joined with it.
        stages: From the network as trained to the model as shipped.
        genuine_pairs: Validation pairs that chose.
        impostor_pairs: Likewise.
    """

    parts: tuple[RefinedPart, ...]
    stages: tuple[RefinementStage, ...]
    genuine_pairs: int
    impostor_pairs: int


class Provenance(_Value):
    """Where a result comes from, and under which rules."""

    setting: Literal["pairs-only", "identities"]
    outside_data: Literal["none", "label-free", "labelled"]
    leaks: bool
    synthetic: bool
    commit: str
    seed: int
    machine: str
    versions: dict[str, str]
    started: str


class Result(_Value):
    """``result.json``: all that is known about one run."""

    format: Literal[1] = 1
    name: str
    recipe: dict[str, Any]
    provenance: Provenance
    data: Description
    training: TrainingSummary
    refinement: Refinement | None = None
    calibration: Calibration
    operating_points: tuple[OperatingPoint, ...]
    train: Evaluation
    validation: Evaluation
    test: Evaluation | None
    view2: Folds | None = None
