"""A run's ``result.json``: what training and validation say as soon as it is trained, and the test, once."""

from __future__ import annotations

from typing import Literal

from twinlens.bundle import CARD, Bundle, read_bundle
from twinlens.config import Config
from twinlens.data.describe import describe, lists_of
from twinlens.data.leaks import refuse_seen
from twinlens.evaluation.evaluate import evaluate_part, write_scores
from twinlens.evaluation.judge import Judge
from twinlens.evaluation.result import Evaluation, Folds, Provenance, Result, TrainingSummary
from twinlens.evaluation.scoring import embed
from twinlens.files import write_text
from twinlens.reporting.card import make_card
from twinlens.reporting.scores import read_result
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder
from twinlens.types import Encoder
from twinlens.workflow.preparation import Prepared, prepare

PartName = Literal["train", "validation", "test"]


def bundle_judge(bundle: Bundle) -> Judge:
    """What the bundle decides with."""
    manifest = bundle.manifest
    return Judge(manifest.comparison, manifest.calibration, manifest.threshold)


def start_result(run: Run, config: Config, prepared: Prepared, bundle: Bundle, encoder: Encoder) -> Result:
    """Write the result of a run that has just been trained; its test part has not been looked at."""
    training = bundle.manifest.training
    origin = run.origin()
    result = Result(
        name=config.name,
        recipe=config.model_dump(mode="json"),
        provenance=Provenance(
            setting=training.setting,
            outside_data=training.outside_data,
            leaks=training.leaks,
            synthetic=training.synthetic,
            seed=config.seed,
            commit=origin.commit,
            machine=origin.machine,
            versions=origin.versions,
            started=origin.started,
        ),
        data=describe(prepared.partition, prepared.store, lists_of(config.data)),
        training=TrainingSummary.model_validate_json(run.training.read_bytes()),
        calibration=bundle.manifest.calibration,
        operating_points=bundle.manifest.operating_points,
        train=_judge(run, "train", config, prepared, bundle, encoder),
        validation=_judge(run, "validation", config, prepared, bundle, encoder),
        test=None,
    )
    return _write(run, result)


def finish_run(run: Run, *, skip_broken: bool) -> Result:
    """Look at the run's test part and add it to the result; asked again, the answer is the one already there.

    Raises:
        RunError: The run has not been trained to its end.
        LeakError: Training and test share people.
    """
    result = read_result(run.folder)
    if result.test is not None:
        return result
    config = run.config()
    prepared = prepare(config, skip_broken=skip_broken)
    bundle = read_bundle(run.bundle)
    partition = prepared.partition
    refuse_seen(bundle.manifest.training.seen, partition.dataset, partition.test, partition.protocol)
    test = _judge(run, "test", config, prepared, bundle, load_encoder(bundle))
    return _write(run, result.model_copy(update={"test": test}))


def add_view2(run: Run, folds: Folds) -> Result:
    """Add the ten folds of View 2 to the run's result."""
    return _write(run, read_result(run.folder).model_copy(update={"view2": folds}))


def _judge(
    run: Run, name: PartName, config: Config, prepared: Prepared, bundle: Bundle, encoder: Encoder
) -> Evaluation:
    partition = prepared.partition
    part = {"train": partition.train, "validation": partition.validation, "test": partition.test}[name]
    judge = bundle_judge(bundle)
    embeddings = embed(encoder, prepared.store.crops, part.samples)
    evaluation, scores = evaluate_part(
        embeddings,
        partition.dataset,
        part,
        judge,
        config.evaluation,
        protocol=partition.protocol,
        name=name,
        seed=config.seed,
    )
    write_scores(run.scores(name), partition.dataset, part.pairs, scores, judge, config.evaluation.prior)
    return evaluation


def _write(run: Run, result: Result) -> Result:
    write_text(run.result, result.model_dump_json(indent=1) + "\n")
    # The card is no part of the bundle's fingerprint, so it can tell of a test that came later.
    write_text(run.bundle / CARD, make_card(result))
    return result
