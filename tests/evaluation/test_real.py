"""Real photos and the official lists, with raw pixels as the embedding: figures of the order that is published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinlens.comparison import Cosine
from twinlens.config import Frame
from twinlens.config.sections import EvaluationConfig
from twinlens.data.dataset import Dataset, Part
from twinlens.data.lfw import read_lfw, read_pairs
from twinlens.data.omniglot import read_runs
from twinlens.data.protocols import lfw_view1_test
from twinlens.data.sources import locate_lfw, locate_omniglot
from twinlens.evaluation.evaluate import evaluate_part
from twinlens.evaluation.judge import calibrate
from twinlens.evaluation.oneshot import oneshot_accuracy
from twinlens.images import read_crop
from twinlens.types import Float32Array, IntArray


def pixels(dataset: Dataset, samples: IntArray, frame: Frame) -> Float32Array:
    crops = np.stack([read_crop(dataset.path(i), frame) for i in samples])
    flat = crops.reshape(len(crops), -1).astype(np.float32)
    return flat - flat.mean(axis=1, keepdims=True)


@pytest.mark.lfw
def test_pixels_on_lfw_view_1(data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    files = locate_lfw(data_folder / "lfw")
    dataset = read_lfw(files)
    frame = Frame(crop_height=0.6, crop_width=0.5, height=24, width=20)
    (train,) = read_pairs(files.lists / "pairsDevTrain.txt", dataset)
    pairs = train.pairs[np.r_[:150, 1100:1250]]
    validation, test = Part(pairs.samples, pairs), lfw_view1_test(dataset, files.lists)
    settings = EvaluationConfig(resamples=200, oneshot_trials=200)
    judge, points, _ = calibrate(
        pixels(dataset, validation.samples, frame), dataset, validation, Cosine(), "pairs-only", settings, 0
    )
    found, _ = evaluate_part(
        pixels(dataset, test.samples, frame),
        dataset,
        test,
        judge,
        settings,
        protocol="lfw-view1",
        name="test",
        seed=0,
    )
    assert (found.genuine_pairs, found.impostor_pairs) == (500, 500)
    assert (found.subjects, found.images) == (963, 1549)
    # Eigenfaces score 0.600 on LFW; raw pixels are of that order.
    assert 0.57 < found.accuracy.value < 0.70
    assert 0.60 < found.auc.low < found.auc.value < 0.75
    assert 0.9 < found.calibration.cllr.value < 1
    assert [task.n_way for task in found.oneshot] == [5, 20]
    assert all(task.accuracy.low > task.chance for task in found.oneshot)
    assert [rate.supported for rate in found.tar_at_fmr] == [True, False, False]
    # A threshold of validation people keeps about its promise on others.
    promised = next(point.threshold.value for point in points if point.fmr == 0.1)
    assert found.curve.fmr[int(np.argmin(np.abs(np.array(found.curve.threshold) - promised)))] < 0.2


@pytest.mark.omniglot
def test_pixels_on_the_official_omniglot_runs(
    data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    dataset, episodes = read_runs(locate_omniglot(data_folder / "omniglot"))
    embeddings = pixels(dataset, np.arange(len(dataset)), Frame())
    found = oneshot_accuracy(episodes, embeddings, dataset.subject_codes, Cosine(), name="official")
    assert (found.n_way, found.k_shot, found.tasks) == (20, 1, 400)
    # Nearest neighbours in pixels are right in 21.7 % of the official runs, says table 2 of Koch et al. (2015).
    assert found.accuracy.value == pytest.approx(0.217, abs=0.02)
    constant = np.ones_like(embeddings)
    assert oneshot_accuracy(episodes, constant, dataset.subject_codes, Cosine()).accuracy.value == 0.05
