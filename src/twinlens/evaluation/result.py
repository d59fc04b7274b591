"""The form of ``result.json``: where a run comes from, how its training went, and what its evaluation says.

Reports, comparisons, model cards and tables read these values and never recompute them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from twinlens.data.description import Description
from twinlens.evaluation.figures import Evaluation, Folds
from twinlens.types import Calibration, OperatingPoint


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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
