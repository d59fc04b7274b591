"""A run's ``result.json``: what training and validation say as soon as it is trained, and the test, once."""

from __future__ import annotations

from typing import Literal

from twinlens.bundle import CARD, Bundle, read_bundle
from twinlens.config import Config
from twinlens.data.describe import describe, lists_of
from twinlens.data.leaks import refuse_seen
from twinlens.evaluation.evaluate import evaluate_part, write_scores
from twinlens.evaluation.figures import Evaluation, Folds
from twinlens.evaluation.judge import Judge
from twinlens.evaluation.result import Provenance, Refinement, Result, TrainingSummary
from twinlens.evaluation.scoring import embed
from twinlens.evaluation.thresholds import usual_points
from twinlens.files import write_text
from twinlens.reporting.card import make_card
from twinlens.reporting.scores import read_result
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder
from twinlens.tracking import share
from twinlens.types import Encoder, Float32Array
from twinlens.workflow.preparation import Prepared, prepare

PartName = Literal["train", "validation", "test"]


def bundle_judge(bundle: Bundle) -> Judge:
    """What the bundle decides with."""
    manifest = bundle.manifest
    return Judge(manifest.comparison, manifest.calibration, manifest.threshold)


def start_result(
    run: Run,
    config: Config,
    prepared: Prepared,
    bundle: Bundle,
    encoder: Encoder,
    validation: Float32Array,
    refinement: Refinement | None,
) -> Result:
    """Write the result of a run that has just been trained; its test part has not been looked at.

    Args:
        run: Where to write.
        config: What was run.
        prepared: Its photos and parts.
        bundle: What the training ended in.
        encoder: The bundle's network.
        validation: Embeddings of the validation samples, which calibration needed already.
        refinement: What was fitted on top of the network, if anything was.
    """
    training = bundle.manifest.training
    train = embed(encoder, prepared.store.crops, prepared.partition.train.samples)
    origin = run.origin()
    result = Result(
        name=config.name,
        recipe=config.model_dump(mode="json"),
        provenance=Provenance(
            setting=config.data.setting.kind,
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
        refinement=refinement,
        calibration=bundle.manifest.calibration,
        operating_points=usual_points(bundle.manifest.operating_points),
        train=_judge(run, "train", config, prepared, bundle, train),
        validation=_judge(run, "validation", config, prepared, bundle, validation),
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
    embeddings = embed(load_encoder(bundle), prepared.store.crops, partition.test.samples)
    test = _judge(run, "test", config, prepared, bundle, embeddings)
    return _write(run, result.model_copy(update={"test": test}))


def add_view2(run: Run, folds: Folds) -> Result:
    """Add the ten folds of View 2 to the run's result."""
    return _write(run, read_result(run.folder).model_copy(update={"view2": folds}))


def _judge(
    run: Run, name: PartName, config: Config, prepared: Prepared, bundle: Bundle, embeddings: Float32Array
) -> Evaluation:
    partition = prepared.partition
    part = {"train": partition.train, "validation": partition.validation, "test": partition.test}[name]
    judge = bundle_judge(bundle)
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
    return evaluation.model_copy(update={"unaligned": prepared.store.count_unaligned(part.samples)})


def _write(run: Run, result: Result) -> Result:
    # The card is no part of the bundle's fingerprint, so it can tell of a test that came later. The result is what
    # a run is finished by, so it comes last.
    write_text(run.bundle / CARD, make_card(result))
    write_text(run.result, result.model_dump_json(indent=1) + "\n")
    share(run, _final_figures(result), [run.result, run.recipe, run.bundle / CARD])
    return result


def _final_figures(result: Result) -> dict[str, float]:
    """What a table of many runs should show of this one."""
    figures: dict[str, float] = {"best_epoch": result.training.best_epoch}
    for part in (result.train, result.validation, result.test):
        if part is not None:
            figures |= {f"final/{part.part}_accuracy": part.accuracy.value, f"final/{part.part}_auc": part.auc.value}
    if result.view2 is not None:
        figures["final/view2_accuracy"] = result.view2.accuracy_mean
    return figures
