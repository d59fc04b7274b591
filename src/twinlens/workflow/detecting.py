"""Judge the whole path from a photo to a decision, as whoever has only photos goes it."""

from __future__ import annotations

import numpy as np

from twinlens.bundle import Bundle
from twinlens.config.sections import EvaluationConfig
from twinlens.data.dataset import Dataset, Part
from twinlens.errors import ConfigError, ImageError, SeveralFacesError
from twinlens.evaluation.acquisition import Failure, WholePath, judge_whole_path
from twinlens.evaluation.metrics import check_scores
from twinlens.evaluation.scoring import embed, score_part
from twinlens.progress import track
from twinlens.serving.verifier import Verifier
from twinlens.types import IntArray, UInt8Array
from twinlens.workflow.protocols import Trial


def evaluate_whole_path(bundle: Bundle, trial: Trial, settings: EvaluationConfig) -> WholePath:
    """Find the face in every photo of a trial, decide on its pairs, and count what fails.

    Args:
        bundle: Of a model that sees faces.
        trial: Photos and pairs, none of whose people the model has seen.
        settings: Level and resamples.

    Raises:
        ConfigError: The model does not see faces, or what finds them is not installed.
        EvaluationError: There are no genuine or no impostor pairs.
    """
    verifier = Verifier.load(bundle.folder)
    if not verifier.intake.sees_faces:
        raise ConfigError(f"{bundle.manifest.name} does not see faces, so none can be found for it.")
    dataset, pairs, manifest = trial.store.dataset, trial.part.pairs, bundle.manifest
    part = Part(pairs.samples, pairs)
    crops, failures = _acquired(verifier, dataset, part.samples)
    broken = list(failures)
    embeddings = np.zeros((len(part.samples), manifest.dim), np.float32)
    if crops:
        embeddings[~np.isin(part.samples, broken)] = verifier.embed(np.stack(crops))
    framed = embed(verifier.encoder, trial.store.crops, part.samples)
    scores, found = (score_part(each, dataset, part, manifest.comparison) for each in (framed, embeddings))
    check_scores(scores)
    return judge_whole_path(
        scores,
        found,
        ~(np.isin(pairs.first, broken) | np.isin(pairs.second, broken)),
        manifest.threshold,
        tuple(failures.values()),
        len(part.samples),
        settings,
        protocol=trial.protocol,
        seed=0,
    )


def _acquired(verifier: Verifier, dataset: Dataset, samples: IntArray) -> tuple[list[UInt8Array], dict[int, Failure]]:
    """The crops of those samples whose faces are found, in order, and of the others, by index, why they are not."""
    crops, failures = [], {}
    for index in track(samples.tolist(), "Finding faces", len(samples)):
        name = dataset.samples[index].name
        try:
            crops.append(verifier.acquire(dataset.path(index), name=name).crop)
        except ImageError as error:
            several = isinstance(error, SeveralFacesError)
            failures[index] = Failure(photo=name, several_faces=several, reason=error.message)
    return crops, failures
