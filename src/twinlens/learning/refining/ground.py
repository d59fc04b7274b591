"""What a refinement is fitted on and chosen by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from twinlens.comparison import Comparison
from twinlens.config import Config
from twinlens.config.refinement import LocalPatterns, TwoCovariance, WithinClassWhitening
from twinlens.data.dataset import Partition
from twinlens.evaluation.calibration import cllr, fit_calibration, threshold_at_even_odds
from twinlens.evaluation.judge import deciding_scores
from twinlens.evaluation.metrics import accuracy, auc
from twinlens.evaluation.result import RefinementStage
from twinlens.evaluation.scoring import embed, score_part
from twinlens.learning.classes import class_labels
from twinlens.learning.export import TorchEncoder
from twinlens.learning.refining.apart import SpacesApart
from twinlens.learning.refining.covariances import refuse_few
from twinlens.learning.refining.spaces import Space
from twinlens.types import Float32Array, IntArray, Scores, UInt8Array

# From fewer within classes, the covariances are luck, and may well find that photos of two differ no more.
_FEWEST_DIFFERENCES = 5


@dataclass(frozen=True)
class Ground:
    """Training photos to fit on, and validation pairs to choose by; the test part is not looked at.

    Attributes:
        config: Of the run.
        partition: Its parts.
        crops: uint8 ``(n, height, width, channels)``, one row per sample of the partition's dataset.
    """

    config: Config
    partition: Partition
    crops: UInt8Array

    @cached_property
    def labels(self) -> IntArray:
        """The class of each training sample as far as the setting lets one know, from 0 without gaps; int64."""
        return known_labels(self.config, self.partition)

    def features(self, module: nn.Module, samples: IntArray) -> Float32Array:
        """What ``module`` makes of some samples; float32 ``(n, D)``."""
        return embed(TorchEncoder(module), self.crops, samples)

    def scores(self, embeddings: Float32Array, comparison: Comparison) -> Scores:
        """The validation pairs that choose, scored by embeddings of the validation samples."""
        dataset, validation, config = self.partition.dataset, self.partition.validation, self.config
        return deciding_scores(embeddings, dataset, validation, comparison, config.data.setting.kind, config.seed)

    def stage(self, name: str, embeddings: Float32Array, comparison: Comparison) -> RefinementStage:
        """What the validation pairs say of embeddings of the validation samples."""
        scores = self.scores(embeddings, comparison)
        fitted = fit_calibration(scores)
        listed = score_part(embeddings, self.partition.dataset, self.partition.validation, comparison)
        return RefinementStage(
            name=name,
            cllr=cllr(scores, fitted),
            auc=auc(scores),
            accuracy=accuracy(listed, threshold_at_even_odds(fitted)),
        )


def known_labels(config: Config, partition: Partition) -> IntArray:
    """The class of each training sample as far as the setting lets one know, from 0 without gaps; int64."""
    labels = class_labels(partition, config.data.setting, photos=config.training.classes == "photos")
    return labels[: len(partition.train.samples)]  # those of turned photos come later


def refuse_unfit(config: Config, partition: Partition) -> None:
    """Refuse what is bound to fail once the network has been trained.

    Raises:
        TrainingError: A metric needs classes of several photos, and there are next to none.
    """
    fused = (config.fusion.metric,) if isinstance(config.fusion, LocalPatterns) else ()
    if any(isinstance(metric, WithinClassWhitening | TwoCovariance) for metric in (config.metric, *fused)):
        refuse_few(known_labels(config, partition), _FEWEST_DIFFERENCES)


def through(space: Space | SpacesApart, features: Float32Array) -> Float32Array:
    """Features, float32 ``(n, D)``, taken to a space, float32 ``(n, dim)``."""
    with torch.inference_mode():
        embeddings: Float32Array = space(torch.from_numpy(features)).numpy()
    return embeddings
