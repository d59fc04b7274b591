"""Fit what a configuration wants on top of a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from twinlens.comparison import Comparison
from twinlens.config import Config
from twinlens.config.refinement import FittedMetric, LocalPatterns, NoFusion, NoMetric, PcaWhitening
from twinlens.data.dataset import Partition
from twinlens.evaluation.blending import Blend, fit_blend
from twinlens.evaluation.calibration import cllr, fit_calibration
from twinlens.evaluation.result import RefinedPart, Refinement, RefinementStage
from twinlens.learning.descriptors.lbp import PatternFeatures, PatternHistograms, fit_features
from twinlens.learning.networks import Twin
from twinlens.learning.refining.apart import SpacesApart
from twinlens.learning.refining.candidates import Candidate, candidates
from twinlens.learning.refining.covariances import repeated
from twinlens.learning.refining.ground import Ground, through
from twinlens.learning.refining.model import Joined, Model, Part
from twinlens.learning.refining.spaces import Space
from twinlens.progress import track
from twinlens.types import Float32Array, IntArray, UInt8Array

# Training crops whose histograms are enough for the principal components of a histogram: each has many.
_HISTOGRAM_CROPS = 512
_BATCH = 64


@dataclass(frozen=True)
class Refined:
    """A network with all that was fitted on top of it.

    Attributes:
        model: What is exported; it says how embeddings are compared.
        report: What was fitted, and what it brought; none if nothing was to be fitted.
    """

    model: Model
    report: Refinement | None


@dataclass(frozen=True)
class _Fitted:
    """One part, what was fitted for it, and its embeddings of the validation samples."""

    name: str
    part: Part
    metric: Literal["none", "pca", "whitening", "plda"]
    chosen: Candidate | None
    embeddings: Float32Array


def refine(twin: Twin, comparison: Comparison, config: Config, partition: Partition, crops: UInt8Array) -> Refined:
    """Fit spaces and descriptors on the training part, if wanted, and choose among them by the validation part.

    Args:
        twin: The trained network.
        comparison: How its embeddings are compared.
        config: Says what is fitted: ``metric`` and ``fusion``.
        partition: Its test part is not looked at.
        crops: uint8 ``(n, height, width, channels)``, one row per sample of the partition's dataset.

    Raises:
        TrainingError: The training photos are too few for it.
        EvaluationError: The validation part has no genuine or no impostor pairs, or nothing tells them apart.
    """
    if isinstance(config.metric, NoMetric) and isinstance(config.fusion, NoFusion):
        return Refined(Part(twin, None, comparison), None)
    ground = Ground(config, partition, crops)
    network = _as_it_is(twin.eval(), comparison, ground)
    stages = [ground.stage("network as trained", network.embeddings, comparison)]
    parts = [network]
    if not isinstance(config.metric, NoMetric):
        parts = [_in_space("network", twin, config.metric, network.embeddings, ground)]
    if isinstance(config.fusion, LocalPatterns):
        patterns = _pattern_features(config.fusion, ground)
        features = ground.features(patterns, partition.validation.samples)
        places = patterns.parts() if config.fusion.apart else ()
        parts.append(_in_space(config.fusion.kind, patterns, config.fusion.metric, features, ground, places))
    stages += [_stage(part, ground) for part in parts if part.chosen]
    return _joined(parts, stages, ground)


def _as_it_is(twin: Twin, comparison: Comparison, ground: Ground) -> _Fitted:
    embeddings = ground.features(twin, ground.partition.validation.samples)
    return _Fitted("network", Part(twin, None, comparison), "none", None, embeddings)


def _in_space(
    name: str,
    module: Twin | PatternFeatures,
    metric: FittedMetric,
    validation: Float32Array,
    ground: Ground,
    places: Sequence[IntArray] = (),
) -> _Fitted:
    """Fit spaces for the features of ``module``, and take that of least cost on the validation pairs.

    Args:
        name: Of the part.
        module: Makes the features.
        metric: What is fitted.
        validation: Features of the validation samples.
        ground: Has the training samples.
        places: Which features have a space of their own, if not all have one together.
    """
    train = ground.features(module, ground.partition.train.samples)
    labels = np.zeros(len(train), np.int64) if isinstance(metric, PcaWhitening) else ground.labels
    fitted = list(track(candidates(train, labels, metric, ground.config.seed, places), "Fitting spaces", None))
    chosen = min(fitted, key=lambda one: _cost(one.space, validation, ground))
    part = Part(module, chosen.space, chosen.space.comparison)
    return _Fitted(name, part, metric.kind, chosen, through(chosen.space, validation))


def _cost(space: Space | SpacesApart, validation: Float32Array, ground: Ground) -> float:
    """Cllr of the validation pairs, calibrated on themselves, in bits."""
    scores = ground.scores(through(space, validation), space.comparison)
    return cllr(scores, fit_calibration(scores))


def _pattern_features(config: LocalPatterns, ground: Ground) -> PatternFeatures:
    samples = ground.partition.train.samples
    chosen = samples[np.linspace(0, len(samples) - 1, min(_HISTOGRAM_CROPS, len(samples))).astype(np.int64)]
    histograms = PatternHistograms(config, ground.config.frame, ground.config.inference.flip)
    starts = range(0, len(chosen), _BATCH)
    with torch.inference_mode():
        found = [histograms(torch.tensor(ground.crops[chosen[start : start + _BATCH]])) for start in starts]
    return fit_features(histograms, torch.cat(found), config.components)


def _joined(parts: Sequence[_Fitted], stages: Sequence[RefinementStage], ground: Ground) -> Refined:
    scores = [ground.scores(part.embeddings, part.part.comparison) for part in parts]
    weights, constant = fit_blend(scores) if len(parts) > 1 else Blend((1.0,), 0.0)
    kept = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight > 0]
    model: Model = kept[0][0].part
    if len(kept) > 1:
        model = Joined([part.part for part, _ in kept], [weight for _, weight in kept], constant)
        embeddings = model.join([torch.from_numpy(part.embeddings) for part, _ in kept]).numpy()
        stages = [*stages, ground.stage("joined", embeddings, model.comparison)]
    spreads = [weight * float(one.values.std()) for weight, one in zip(weights, scores, strict=True)]
    shares = [spread / sum(spreads) for spread in spreads] if len(parts) > 1 else [1.0]
    genuine = int(np.count_nonzero(scores[0].is_genuine))
    report = Refinement(
        parts=tuple(
            _row(part, weight, share, ground) for part, weight, share in zip(parts, weights, shares, strict=True)
        ),
        stages=tuple(stages),
        genuine_pairs=genuine,
        impostor_pairs=len(scores[0]) - genuine,
    )
    return Refined(model, report)


def _row(fitted: _Fitted, weight: float, share: float, ground: Ground) -> RefinedPart:
    chosen, needs_classes = fitted.chosen, fitted.metric in ("whitening", "plda")
    several = ground.labels[repeated(ground.labels)] if needs_classes else np.zeros(0, np.int64)
    return RefinedPart(
        name=fitted.name,
        metric=fitted.metric,
        dims=None if chosen is None else chosen.dims,
        shrinkage=None if chosen is None else chosen.shrinkage,
        photos=0 if chosen is None else len(ground.partition.train.samples),
        classes=len(np.unique(several)),
        weight=weight,
        share=share,
    )


def _stage(fitted: _Fitted, ground: Ground) -> RefinementStage:
    return ground.stage(f"{fitted.name}, {fitted.metric}", fitted.embeddings, fitted.part.comparison)
