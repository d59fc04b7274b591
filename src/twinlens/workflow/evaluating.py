"""Judge a run or a bundle on people it has never seen."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from twinlens.bundle import MANIFEST, Bundle, read_bundle
from twinlens.config.sections import EvaluationConfig
from twinlens.errors import ConfigError, DataError, RunError
from twinlens.evaluation.acquisition import WholePath
from twinlens.evaluation.evaluate import evaluate_part, write_scores
from twinlens.evaluation.figures import Evaluation, Folds, OneShot
from twinlens.evaluation.folds import evaluate_folds
from twinlens.evaluation.oneshot import oneshot_accuracy
from twinlens.evaluation.result import Result
from twinlens.evaluation.scoring import embed, score_part
from twinlens.files import write_text
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder
from twinlens.workflow.detecting import evaluate_whole_path
from twinlens.workflow.explanations import explain_run
from twinlens.workflow.protocols import OMNIGLOT, VIEW1, VIEW2, omniglot_runs, pair_trial, view2_folds
from twinlens.workflow.result import bundle_judge, finish_run
from twinlens.workflow.view2 import retrain_folds

Outcome = Result | Evaluation | Folds | OneShot | WholePath


def evaluate(
    target: str | Path,
    *,
    protocol: str | None = None,
    detect: bool = False,
    out: Path | None = None,
    skip_broken: bool = False,
) -> Outcome:
    """Judge a run or a bundle.

    Args:
        target: A run's folder or a bundle's.
        protocol: ``lfw-view1``, ``lfw-view2``, ``omniglot-20way`` or the path of a pairs CSV; a run's own test
            part if not given.
        detect: Find the face in every photo of the pairs first, as for whoever has only photos, and count what fails.
        out: Folder for the figures and scored pairs; not for a run's own test part, which has its place. If not given,
            ``evaluation-PROTOCOL`` in a run's folder, of a bundle ``NAME-PROTOCOL`` where one stands, each with
            ``-detected`` behind it if faces were looked for.
        skip_broken: Leave out images that cannot be read.

    Returns:
        A run's :class:`Result` for its own test part or View 2, else what the protocol yields.

    Raises:
        TwinlensError: The target is neither, its data is missing or wrong, or the model has seen the people.
    """
    run = Run(Path(target))
    is_bundle = (run.folder / MANIFEST).is_file()
    if not is_bundle and not run.recipe.is_file():
        raise RunError(f"{target} is neither a run nor a bundle.", "Give the folder that 'twinlens train' wrote.")
    if detect and protocol in (None, VIEW2, OMNIGLOT):
        raise ConfigError("Faces are looked for in the photos of pairs.", f"Say --protocol {VIEW1} or a CSV file.")
    if not is_bundle and protocol in (None, VIEW2):
        if out is not None:
            raise ConfigError("--out is for bundles and other protocols; a run keeps its own figures.")
        return evaluate_run(run.folder, view2=protocol == VIEW2, skip_broken=skip_broken)
    if protocol is None:
        raise ConfigError("A bundle has no test part of its own.", "Say --protocol lfw-view1 or another.")
    bundle = read_bundle(run.folder if is_bundle else run.bundle)
    name = f"{Path(protocol).stem}-detected" if detect else Path(protocol).stem
    folder = out or (Path(f"{bundle.manifest.name}-{name}") if is_bundle else run.folder / f"evaluation-{name}")
    settings = EvaluationConfig() if is_bundle else run.config().evaluation
    outcome: Evaluation | Folds | OneShot | WholePath
    if detect:
        outcome = evaluate_whole_path(bundle, pair_trial(protocol, bundle, skip_broken=skip_broken), settings)
    else:
        outcome = _judge(bundle, protocol, folder, settings, skip_broken=skip_broken)
    write_text(folder / "evaluation.json", outcome.model_dump_json(indent=1) + "\n")
    return outcome


def evaluate_run(folder: str | Path, *, view2: bool = False, skip_broken: bool = False) -> Result:
    """Judge a run on its own test part, or its recipe by the ten retrainings of LFW View 2.

    Raises:
        TwinlensError: As :func:`evaluate`.
    """
    run = Run(Path(folder))
    if view2:
        return retrain_folds(run, skip_broken=skip_broken)
    result = finish_run(run, skip_broken=skip_broken)
    if not run.explanations.is_file():
        _explain(run, skip_broken=skip_broken)
    return result


def _explain(run: Run, *, skip_broken: bool) -> None:
    """Explain decisions, unless they were made by an earlier version and the photos are gone since."""
    try:
        explain_run(run, skip_broken=skip_broken)
    except DataError as error:
        print(f"The decisions are not explained: {error}", file=sys.stderr)


def _judge(
    bundle: Bundle, protocol: str, folder: Path, settings: EvaluationConfig, *, skip_broken: bool
) -> Evaluation | Folds | OneShot:
    if protocol == VIEW2:
        return _on_view2(bundle, skip_broken=skip_broken)
    if protocol == OMNIGLOT:
        if skip_broken:
            raise ConfigError("--skip-broken: the official runs need every one of their drawings.")
        return _on_omniglot(bundle, settings)
    return _on_pairs(bundle, protocol, folder, settings, skip_broken=skip_broken)


def _on_pairs(
    bundle: Bundle, protocol: str, folder: Path, settings: EvaluationConfig, *, skip_broken: bool
) -> Evaluation:
    trial = pair_trial(protocol, bundle, skip_broken=skip_broken)
    dataset, judge = trial.store.dataset, bundle_judge(bundle)
    embeddings = embed(load_encoder(bundle), trial.store.crops, trial.part.samples)
    evaluation, scores = evaluate_part(
        embeddings, dataset, trial.part, judge, settings, protocol=trial.protocol, name="test", seed=0
    )
    write_scores(folder / "scores-test.csv", dataset, trial.part.pairs, scores, judge, settings.prior)
    return evaluation.model_copy(update={"unaligned": trial.store.count_unaligned(trial.part.samples)})


def _on_view2(bundle: Bundle, *, skip_broken: bool) -> Folds:
    store, folds = view2_folds(bundle, skip_broken=skip_broken)
    encoder, comparison = load_encoder(bundle), bundle.manifest.comparison
    outcome = evaluate_folds(
        [score_part(embed(encoder, store.crops, fold.samples), store.dataset, fold, comparison) for fold in folds]
    )
    samples = np.unique(np.concatenate([fold.samples for fold in folds]))
    return outcome.model_copy(update={"unaligned": store.count_unaligned(samples)})


def _on_omniglot(bundle: Bundle, settings: EvaluationConfig) -> OneShot:
    store, episodes = omniglot_runs(bundle)
    embeddings = embed(load_encoder(bundle), store.crops, np.arange(len(store.dataset)))
    return oneshot_accuracy(
        episodes,
        embeddings,
        store.dataset.subject_codes,
        bundle.manifest.comparison,
        name="official 20 runs",
        level=settings.level,
        resamples=settings.resamples,
    )
