"""What is fitted, on whom, and what may be known of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.learning.small import small_config, small_partition
from twinlens.comparison import Cosine
from twinlens.config import Config
from twinlens.data.dataset import Dataset, Partition
from twinlens.data.dataset import Part as DataPart
from twinlens.errors import TrainingError
from twinlens.evaluation.blending import Blend
from twinlens.evaluation.calibration import cllr, fit_calibration
from twinlens.learning.module import SiameseModule
from twinlens.learning.networks import Twin
from twinlens.learning.refining.ground import Ground, refuse_unfit
from twinlens.learning.refining.model import Joined, Part
from twinlens.learning.refining.refine import Refined, refine
from twinlens.learning.train import train
from twinlens.runs import Run
from twinlens.types import Sample, UInt8Array

METRIC = {"kind": "plda", "dims": [4, 8], "shrinkage": [0, 0.2]}
FUSION = {"kind": "lbp", "radii": [1], "cells": [4, 4], "components": 8, "metric": {"kind": "plda", "dims": [4, 8]}}
PAIRS = {"kind": "pairs", "list": "unused.csv", "setting": {"kind": "pairs-only"}}


def some_config(**sections: dict[str, object]) -> Config:
    return small_config(loss={"kind": "contrastive"}, **sections)


def refined(config: Config, partition: Partition, crops: UInt8Array) -> Refined:
    twin = SiameseModule(config, partition, crops).twin
    return refine(twin, Cosine(), config, partition, crops)


def listed(partition: Partition) -> Partition:
    """Of a partition what pairs alone may say: some genuine pairs of the training part, and impostor pairs."""
    pairs = partition.train.pairs
    return replace(partition, train=DataPart(pairs.samples, pairs))


def renamed(partition: Partition) -> Partition:
    """The same photos and pairs, of which the training ones are all of people with other names."""
    trains = set(partition.train.samples.tolist())
    samples = tuple(
        Sample(sample.name, f"x{i}" if i in trains else sample.subject_id)
        for i, sample in enumerate(partition.dataset.samples)
    )
    dataset = Dataset(partition.dataset.name, partition.dataset.root, samples)
    return replace(partition, dataset=dataset)


def test_nothing_is_fitted_unless_asked_for() -> None:
    partition, crops = small_partition()
    found = refined(some_config(), partition, crops)
    assert found.report is None
    assert isinstance(found.model.features, Twin)
    assert found.model.space is None


def test_what_is_chosen_costs_least_on_validation() -> None:
    partition, crops = small_partition()
    found = refined(some_config(metric=METRIC, fusion=FUSION), partition, crops)
    assert found.report is not None
    names = [stage.name for stage in found.report.stages]
    assert names == ["network as trained", "network, plda", "lbp, plda", "joined"]
    costs = {stage.name: stage.cllr for stage in found.report.stages}
    assert costs["joined"] <= min(costs["network, plda"], costs["lbp, plda"]) + 1e-3
    for dims in (4, 8):
        for shrinkage in (0, 0.2):
            alone = {"kind": "plda", "dims": [dims], "shrinkage": [shrinkage]}
            other = refined(some_config(metric=alone), partition, crops).report
            assert other is not None
            assert other.stages[1].cllr >= costs["network, plda"] - 1e-9
    assert [(part.photos, part.classes) for part in found.report.parts] == [(96, 16), (96, 16)]
    assert sum(part.share for part in found.report.parts) == pytest.approx(1)


def test_the_stages_are_what_the_embeddings_say() -> None:
    partition, crops = small_partition()
    config = some_config(metric=METRIC, fusion=FUSION)
    found = refined(config, partition, crops)
    assert isinstance(found.model, Joined)
    assert found.report is not None
    ground = Ground(config, partition, crops)
    embeddings = ground.features(found.model, partition.validation.samples)
    scores = ground.scores(embeddings, found.model.comparison)
    assert cllr(scores, fit_calibration(scores)) == pytest.approx(found.report.stages[-1].cllr, abs=1e-4)
    assert len(scores) == found.report.genuine_pairs + found.report.impostor_pairs


def test_where_only_pairs_are_known_names_are_never_used() -> None:
    partition, crops = small_partition()
    config = some_config(data=PAIRS, metric=METRIC, fusion=FUSION)
    first = refined(config, listed(partition), crops)
    second = refined(config, renamed(listed(partition)), crops)
    assert first.report == second.report
    assert first.report is not None
    genuine = partition.train.pairs[partition.train.pairs.is_genuine]
    assert first.report.parts[0].classes <= len(genuine)
    validation = partition.validation.pairs
    assert first.report.genuine_pairs + first.report.impostor_pairs == len(validation)
    for ours, theirs in zip(first.model.state_dict().values(), second.model.state_dict().values(), strict=True):
        assert ours.equal(theirs)


def test_neither_validation_nor_test_photos_are_fitted_on() -> None:
    """Other validation photos choose otherwise, but what there is to choose from is the same."""
    partition, crops = small_partition()
    config = some_config(metric={"kind": "plda", "dims": [6], "shrinkage": [0.1]})
    changed = np.array(crops)
    changed[partition.validation.samples] = np.random.default_rng(3).integers(
        0, 256, changed[partition.validation.samples].shape
    )
    first, second = (refined(config, partition, some).model.state_dict() for some in (crops, changed))
    assert all(value.equal(second[name]) for name, value in first.items())


def test_photos_that_are_classes_of_their_own_have_no_metric_within() -> None:
    partition, crops = small_partition()
    config = small_config(
        loss={"kind": "margin-softmax"}, training={"classes": "photos", "per_class": 1}, metric=METRIC
    )
    with pytest.raises(TrainingError, match="No two training photos are known to be of one class"):
        refined(config, partition, crops)


@pytest.mark.parametrize("wanted", [{"metric": METRIC}, {"fusion": FUSION}])
def test_what_cannot_be_fitted_is_refused_before_the_training(tmp_path: Path, wanted: dict[str, object]) -> None:
    partition, crops = small_partition()
    singles = partition.train.samples[::6]
    poor = replace(partition, train=DataPart(singles, partition.train.pairs[:0]))
    settings = {"loss": {"kind": "margin-softmax"}, "training": {"per_class": 1, "max_epochs": 1}}
    with pytest.raises(TrainingError, match=r"No two .* --set fusion\.kind=none --set metric\.kind=none"):
        train(small_config(**settings, **wanted), poor, crops, Run(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    few = replace(partition, train=DataPart(partition.train.samples[[0, 1, 2, 3, 6, 7]], partition.train.pairs[:0]))
    with pytest.raises(TrainingError, match=r"Only 4 differences between training photos of one class"):
        refuse_unfit(small_config(**settings, **wanted), few)
    refuse_unfit(small_config(**settings), poor)
    refuse_unfit(small_config(**settings, metric={"kind": "pca"}), poor)


def test_a_part_that_tells_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinlens.learning.refining.refine.fit_blend", lambda parts: Blend((0.7, 0.0), 0.1))
    found = refined(some_config(fusion=FUSION), *small_partition())
    assert found.report is not None
    assert [(part.name, part.share) for part in found.report.parts] == [("network", 1), ("lbp", 0)]
    assert isinstance(found.model, Part)
    assert isinstance(found.model.features, Twin)
    assert [stage.name for stage in found.report.stages] == ["network as trained", "lbp, plda"]
