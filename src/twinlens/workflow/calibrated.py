"""A model with all that validation people fix for it."""

from __future__ import annotations

from dataclasses import dataclass

from twinlens.bundle import Manifest
from twinlens.config import Config
from twinlens.evaluation.judge import calibrate
from twinlens.evaluation.scoring import embed, score_part
from twinlens.serving.encoder import OnnxEncoder
from twinlens.types import Scores
from twinlens.workflow.preparation import Prepared


@dataclass(frozen=True, slots=True)
class CalibratedModel:
    """An ONNX file and what its bundle will say.

    Attributes:
        content: Of the ONNX file.
        manifest: With threshold, calibration and operating points of this very file.
        scores: Of the validation pairs.
    """

    content: bytes
    manifest: Manifest
    scores: Scores


def calibrated(content: bytes, manifest: Manifest, config: Config, prepared: Prepared) -> CalibratedModel:
    """Fix threshold, calibration and operating points of an ONNX file, as at the end of a training.

    Args:
        content: Of the ONNX file.
        manifest: Says everything else.
        config: Of the run.
        prepared: Its photos and parts.
    """
    encoder = OnnxEncoder(content, manifest.frame.shape, manifest.dim)
    dataset, validation = prepared.partition.dataset, prepared.partition.validation
    embeddings = embed(encoder, prepared.store.crops, validation.samples)
    judge, points, tail = calibrate(
        embeddings,
        dataset,
        validation,
        manifest.comparison,
        config.data.setting.kind,
        config.evaluation,
        config.seed,
    )
    # Validated anew, without the format, which becomes today's.
    fixed = Manifest.model_validate(
        manifest.model_dump(exclude={"format"})
        | {"threshold": judge.threshold, "calibration": judge.calibration, "operating_points": points, "tail": tail}
    )
    return CalibratedModel(content, fixed, score_part(embeddings, dataset, validation, manifest.comparison))
