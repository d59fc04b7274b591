"""Train a recipe and turn the best epoch into a calibrated bundle."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twinlens.bundle import Manifest, Training, write_bundle
from twinlens.config import Config, load_config
from twinlens.data.dataset import Partition
from twinlens.data.leaks import subject_digests
from twinlens.errors import ConfigError
from twinlens.evaluation.judge import calibrate
from twinlens.evaluation.scoring import embed
from twinlens.runs import Run, find_run, is_follower
from twinlens.serving.encoder import OnnxEncoder
from twinlens.workflow.predecessors import Predecessors, find_predecessors, inherit, teacher_embeddings
from twinlens.workflow.preparation import Prepared, prepare
from twinlens.workflow.refinement import refined
from twinlens.workflow.result import start_result
from twinlens.workflow.sizing import resolve_aloud, warn_of_too_little

if TYPE_CHECKING:
    from twinlens.learning.module import SiameseModule

# Crops that the exported model is compared with the trained one on, and what rounding may change.
_PARITY_CROPS = 32
_PARITY_BOUND = 1e-3


def train(
    recipe: str | Path | Config,
    *,
    overrides: Iterable[str] = (),
    out: str | Path | None = None,
    resume: bool = False,
    skip_broken: bool = False,
) -> Run:
    """Train a verifier; ends with a calibrated bundle in the run's folder.

    Where several processes train together, the first returns and the others end here.

    Args:
        recipe: A recipe's name or path, or a configuration.
        overrides: ``section.key=value`` strings.
        out: The run's folder; ``runs/NAME`` if not given.
        resume: Go on with an interrupted run, if there is one; a finished one is left as it is.
        skip_broken: Leave out images that cannot be read.

    Raises:
        TwinlensError: Something is wrong with recipe, data or folder, or the network collapsed or diverged.
    """
    config = resolve_aloud(recipe if isinstance(recipe, Config) else load_config(recipe, overrides))
    run = find_run(Path(out) if out else Path("runs") / config.name, config, resume=resume)
    if run.result.is_file():
        return run
    refuse_missing(config)
    prepared = prepare(config, skip_broken=skip_broken)
    warn_of_too_little(config, prepared.partition)
    predecessors = find_predecessors(config, prepared.partition)
    if run.training.is_file():  # nothing learns from them any more, and the network's form rests on their width alone
        teachers = tuple(np.empty((0, teacher.manifest.dim), np.float32) for teacher in predecessors.teachers)
    else:
        teachers = teacher_embeddings(predecessors, config, prepared, skip_broken=skip_broken)
    from twinlens.learning import train as learning

    module = learning.train(config, prepared.partition, prepared.store.crops, run, teachers=teachers)
    if is_follower(config.training):
        sys.exit()  # all that is left is one process's work
    _write_bundle(module, config, prepared, predecessors, run)
    return run


def refuse_missing(config: Config) -> None:
    """Say what a training needs that is not installed.

    Raises:
        ConfigError: Something is missing.
    """
    if find_spec("lightning") is None:
        raise ConfigError("Training needs torch.", "Install it: pip install 'twinlens[train]'.")
    if config.logger == "mlflow" and find_spec("mlflow") is None:
        raise ConfigError(
            "The recipe wants to be shown in MLflow, which is not installed.",
            "Install it: pip install 'twinlens[mlflow]', or take TensorBoard: --set logger=tensorboard.",
        )


def _write_bundle(
    module: SiameseModule, config: Config, prepared: Prepared, predecessors: Predecessors, run: Run
) -> None:
    from twinlens.learning.export import TorchEncoder, refuse_disparity, to_onnx

    validation, crops = prepared.partition.validation, prepared.store.crops
    final, refinement = refined(module, config, prepared, run)
    model = to_onnx(final, config.frame.shape)
    encoder = OnnxEncoder(model, config.frame.shape, final.dim)
    sample = np.ascontiguousarray(crops[validation.samples[:_PARITY_CROPS]])
    difference = refuse_disparity(TorchEncoder(final), encoder, sample, _PARITY_BOUND)
    run.log(f"exported; embeddings differ from the trained network's by at most {difference:.1e}")
    comparison = final.comparison
    embeddings = embed(encoder, crops, validation.samples)
    judge, points, tail = calibrate(
        embeddings,
        prepared.partition.dataset,
        validation,
        comparison,
        config.data.setting.kind,
        config.evaluation,
        config.seed,
    )
    manifest = Manifest(
        name=config.name,
        frame=config.frame,
        dim=final.dim,
        comparison=comparison,
        threshold=judge.threshold,
        calibration=judge.calibration,
        operating_points=points,
        tail=tail,
        training=inherit(_training(config, prepared.partition, run.origin().commit), predecessors),
    )
    bundle = write_bundle(run.bundle, model, manifest)
    start_result(run, config, prepared, bundle, encoder, embeddings, refinement)


def _training(config: Config, partition: Partition, commit: str) -> Training:
    dataset = partition.dataset
    learned, chosen_on = (
        subject_digests(dataset.name, (dataset.subjects[code] for code in part.subject_codes(dataset)))
        for part in (partition.train, partition.validation)
    )
    return Training(
        recipe=config.name,
        dataset=dataset.name,
        protocol=partition.protocol,
        setting=config.data.setting.kind,
        outside_data="label-free" if config.frame.align else "none",  # the landmarks were learned from other faces
        leaks=partition.leaks,
        synthetic=config.data.kind == "synthetic",
        seed=config.seed,
        commit=commit,
        seen=tuple(sorted(learned | chosen_on)),
        chosen_on=tuple(sorted(chosen_on - learned)),
    )
