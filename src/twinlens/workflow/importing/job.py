"""Make a bundle of a network from elsewhere: wrapped, calibrated on pairs that are no test, and described."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from twinlens.bundle import Bundle, Manifest, Training, refuse_other_folder, write_bundle
from twinlens.comparison import Comparison, Cosine, Euclidean
from twinlens.config import Frame
from twinlens.config.explain import explain
from twinlens.config.sections import EvaluationConfig
from twinlens.data.leaks import subject_digests
from twinlens.errors import BundleError, ConfigError
from twinlens.evaluation.evaluate import evaluate_part
from twinlens.evaluation.figures import NOTHING_MATCHES, Evaluation
from twinlens.evaluation.judge import Calibrated, Judge, calibrate
from twinlens.evaluation.scoring import embed
from twinlens.faces.finder import model_file
from twinlens.origin import source_commit
from twinlens.reporting.card import make_imported_card
from twinlens.serving.encoder import OnnxEncoder
from twinlens.types import Float32Array
from twinlens.workflow.importing.dlib_resnet import FRAME, MODEL_FILE, dlib_resnet
from twinlens.workflow.importing.network import Network
from twinlens.workflow.importing.pixels import parse_pixels
from twinlens.workflow.importing.wrapped import mirrored, probed, with_dim
from twinlens.workflow.protocols import Trial, calibration_trial

DLIB = "dlib-resnet"
_NAME = r"[a-z0-9][a-z0-9.-]*"  # as a recipe's
_COMPARISONS: dict[str, Comparison] = {"cosine": Cosine(), "euclidean": Euclidean()}
_SEED = 0
# Photos that the network is tried on before all others.
_PROBES = 3


@dataclass(frozen=True, slots=True)
class Declaration:
    """What only its maker knows of a network.

    Attributes:
        outside_data: Data from elsewhere than the calibration list's that went into it; none if nobody has said.
        seen: Whether it has learned from people on the calibration list.
        normalise: What it expects of pixels, see :func:`~twinlens.workflow.importing.pixels.parse_pixels`.
        order: Of the colours that it expects.
        compare: How two of its embeddings are compared; cosine if nobody has said.
        mirror: Whether the embeddings of a photo and of its mirror image are averaged, which takes twice the time
            and makes many networks a little better.
    """

    outside_data: Literal["none", "label-free", "labelled"] | None = None
    seen: bool = False
    normalise: str | None = None
    order: Literal["rgb", "bgr"] | None = None
    compare: Literal["cosine", "euclidean"] | None = None
    mirror: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    """A network that takes crops, and what is known of it."""

    content: bytes
    frame: Frame
    comparison: Comparison
    outside_data: Literal["none", "label-free", "labelled"]
    mirror: bool


def import_model(
    model: str,
    out: Path,
    calibrate_on: str,
    declaration: Declaration,
    frame: Mapping[str, Any],
    *,
    name: str | None = None,
    skip_broken: bool = False,
) -> tuple[Bundle, Evaluation]:
    """Turn an embedding network into a bundle with a threshold, a calibration and a card.

    Args:
        model: An ONNX file, or ``dlib-resnet``.
        out: The bundle's folder; a bundle that lies there is replaced.
        calibrate_on: ``lfw-view1`` for the 2,200 training pairs of LFW's View 1, or a CSV of pairs.
        declaration: What only its maker knows of the network.
        frame: How a photo becomes a crop, by the keys of a recipe's frame.
        name: Of the bundle; after the file if not given.
        skip_broken: Leave out photos that cannot be read.

    Returns:
        The bundle, and how good it is on the pairs that it was calibrated on, which flatters a little.

    Raises:
        BundleError: The network cannot be used; the error says why.
        ConfigError: An option is missing, or contradicts the network.
        DataError: The pairs are missing or wrong.
    """
    if find_spec("onnx") is None:
        raise ConfigError("Importing a model needs onnx.", "Install it: pip install 'twinlens[import]'.")
    title = _valid_name(name, model)
    refuse_other_folder(out)
    source = _dlib(declaration, frame) if model == DLIB else _foreign(Path(model), declaration, frame)
    trial = calibration_trial(calibrate_on, source.frame, skip_broken=skip_broken)
    probes = np.ascontiguousarray(trial.store.crops[trial.part.samples[:_PROBES]])
    dim = probed(source.content, probes, model).shape[1]
    content = with_dim(source.content, dim)
    if source.mirror:
        content = mirrored(content, source.frame, dim)
    encoder = OnnxEncoder(content, source.frame.shape, dim)
    embeddings = embed(encoder, trial.store.crops, trial.part.samples)
    judge, points, tail = _calibrated(embeddings, trial, source.comparison, model)
    manifest = Manifest(
        name=title,
        frame=source.frame,
        dim=dim,
        comparison=judge.comparison,
        threshold=judge.threshold,
        calibration=judge.calibration,
        operating_points=points,
        tail=tail,
        training=_training(Path(model).name, trial, source.outside_data, seen=declaration.seen),
    )
    evaluation = _evaluated(embeddings, trial, judge)
    card = make_imported_card(manifest, evaluation)
    return write_bundle(out, content, manifest, card), evaluation


def _valid_name(name: str | None, model: str) -> str:
    """The bundle's name; from the file's where none is given."""
    found = name or re.sub(r"[^a-z0-9.-]+", "-", Path(model).stem.lower()).strip("-.")
    if not re.fullmatch(_NAME, found):
        raise ConfigError(
            f"{found!r} is no name for a bundle.", "Give --name with lower case letters, digits, dots and hyphens."
        )
    return found


def _dlib(declaration: Declaration, frame: Mapping[str, Any]) -> _Source:
    """dlib's network, of which everything is known."""
    given = {
        "--frame": bool(frame),
        "--normalise": declaration.normalise is not None,
        "--order": declaration.order is not None,
        "--compare": declaration.compare is not None,
        "--outside-data": declaration.outside_data not in (None, "labelled"),
        "--mirror": declaration.mirror,
    }
    wrong = [option for option, is_given in given.items() if is_given]
    if wrong:
        raise ConfigError(f"{DLIB} has its own {', '.join(wrong)}.", "Leave it out.")
    content = dlib_resnet(model_file(MODEL_FILE).read_bytes())
    # Its author reports 99.13 % on LFW without, and 99.38 % with the mean over 100 photos jittered and mirrored.
    return _Source(content, FRAME, Euclidean(), "labelled", mirror=True)


def _foreign(path: Path, declaration: Declaration, frame: Mapping[str, Any]) -> _Source:
    if declaration.outside_data is None:
        raise ConfigError(
            f"What {path} has learned from is not said.", "Say --outside-data none, label-free or labelled."
        )
    network = Network(path)
    try:
        found = Frame.model_validate(network.frame(dict(frame)))
    except ValidationError as error:
        raise ConfigError(f"--frame: {explain(error, Frame)}.") from error
    pixels = parse_pixels(declaration.normalise, declaration.order or "rgb")
    comparison = _COMPARISONS[declaration.compare or "cosine"]
    return _Source(network.wrapped(found, pixels), found, comparison, declaration.outside_data, declaration.mirror)


def _calibrated(embeddings: Float32Array, trial: Trial, comparison: Comparison, model: str) -> Calibrated:
    # Only the listed pairs calibrate, as only they are like those of a test.
    calibrated = calibrate(
        embeddings, trial.store.dataset, trial.part, comparison, "pairs-only", EvaluationConfig(), _SEED
    )
    if calibrated.judge.threshold == NOTHING_MATCHES:
        raise BundleError(
            f"{model} does not score genuine pairs of {trial.protocol} higher than impostor pairs.",
            "Check --normalise, --order and --frame: does it see the photos as it did in its training?",
        )
    return calibrated


def _training(
    model: str, trial: Trial, outside_data: Literal["none", "label-free", "labelled"], *, seen: bool
) -> Training:
    dataset = trial.store.dataset
    subjects = (dataset.subjects[code] for code in trial.part.subject_codes(dataset))
    digests = tuple(sorted(subject_digests(dataset.name, subjects)))
    return Training(
        recipe=model,
        dataset=dataset.name,
        protocol=trial.protocol,
        setting="imported",
        outside_data=outside_data,
        leaks=seen,
        synthetic=False,
        seed=_SEED,
        commit=source_commit(),
        seen=digests if seen else (),
        calibrated=() if seen else digests,
    )


def _evaluated(embeddings: Float32Array, trial: Trial, judge: Judge) -> Evaluation:
    evaluation, _ = evaluate_part(
        embeddings,
        trial.store.dataset,
        trial.part,
        judge,
        EvaluationConfig(),
        protocol=trial.protocol,
        name="validation",
        seed=_SEED,
    )
    return evaluation.model_copy(update={"unaligned": trial.store.count_unaligned(trial.part.samples)})
