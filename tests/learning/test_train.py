import gc
import json
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch

from tests.learning.small import fit, read_history, rows, small_config, small_partition
from twinlens.config import load_config
from twinlens.data.dataset import Part
from twinlens.errors import TrainingError
from twinlens.evaluation.result import Epoch, TrainingSummary
from twinlens.learning.batches import PairBatches
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.history import History
from twinlens.learning.module import SiameseModule
from twinlens.learning.rounding import rounded
from twinlens.learning.train import train
from twinlens.runs import Run, start_run
from twinlens.types import Pairs, UInt8Array


def test_training_learns_and_leaves_a_whole_run(tmp_path: Path) -> None:
    module, run = fit(small_config(), tmp_path / "run")
    history = read_history(run.history)
    summary = TrainingSummary.model_validate_json(run.training.read_bytes())
    assert [epoch.epoch for epoch in history] == [1, 2, 3, 4, 5, 6]
    assert max(epoch.validation_auc for epoch in history) > 0.65
    assert history[-1].train_loss < history[0].train_loss
    assert summary.epochs == history
    assert summary.parameters == sum(p.numel() for p in module.parameters())
    assert summary.best_epoch == min(history, key=lambda epoch: epoch.validation_loss).epoch
    assert list((run.folder / "tensorboard").glob("events*"))
    assert {path.name for path in run.checkpoints.iterdir()} == {"best.safetensors", "last.safetensors"}


def test_module_that_comes_back_has_the_weights_of_the_best_epoch_in_half_precision(tmp_path: Path) -> None:
    module, run = fit(small_config(), tmp_path / "run")
    best = SafetensorsIO().load_checkpoint(run.best)["state_dict"]
    assert not module.training
    for name, value in module.state_dict().items():
        stored = value.dim() > 1 and name.startswith("twin.")
        expected = best[name].half().float() if stored else best[name]
        assert np.array_equal(expected.numpy(), value.numpy()), name


def test_weights_that_half_precision_cannot_hold_stay(tmp_path: Path) -> None:
    module = SiameseModule(small_config(), *small_partition())
    weights = [parameter for parameter in module.twin.parameters() if parameter.dim() > 1]
    with torch.no_grad():
        weights[0].fill_(1e6 + 1)
        weights[1].fill_(0.1)
    rounded(module.twin)
    assert (weights[0] == 1e6 + 1).all()
    assert (weights[1] == np.float32(np.float16(0.1))).all()


def test_training_leaves_nothing_in_memory_but_the_network(tmp_path: Path) -> None:
    gc.collect()
    module, _ = fit(small_config(training={"max_epochs": 1}), tmp_path / "run")
    kinds = (lightning.Trainer, torch.optim.Optimizer)
    assert not [thing for thing in gc.get_objects() if issubclass(type(thing), kinds)]
    assert all(parameter.grad is None for parameter in module.parameters())
    gc.disable()
    try:
        left = weakref.ref(module)
        del module
        assert left() is None
    finally:
        gc.enable()


def test_same_seed_gives_the_same_training_and_another_seed_another(tmp_path: Path) -> None:
    first, second = (rows(fit(small_config(), tmp_path / name)[1]) for name in "ab")
    other = small_config().model_copy(update={"seed": 1})
    assert first == second
    assert first != rows(fit(other, tmp_path / "c")[1])


def test_learning_rate_of_an_epoch_is_the_one_it_was_trained_with(tmp_path: Path) -> None:
    config = small_config(schedule={"kind": "exponential", "factor": 0.5}, training={"max_epochs": 3})
    _, run = fit(config, tmp_path / "run")
    assert [epoch.learning_rate for epoch in read_history(run.history)] == pytest.approx([0.01, 0.005, 0.0025])


@pytest.mark.slow
def test_two_processes_train_as_one_with_batches_twice_as_large(tmp_path: Path) -> None:
    """What is random in a batch is left out; everything else must be the same, so every pair was seen once."""
    plain: dict[str, dict[str, object]] = {
        "network": {"conv_dropout": 0.0},
        "augment": {"probability": 0.0},
        "optimiser": {"kind": "sgd", "learning_rate": 0.1},
    }
    settings = {"max_epochs": 3, "precision": "32", "threads": 1, "average_decay": 0.8}
    _, one = fit(small_config(training={**settings, "batch_size": 16}, **plain), tmp_path / "one")
    sections = {**plain, "training": {**settings, "batch_size": 8, "devices": 2}}
    command = [sys.executable, "-m", "tests.learning.small", str(tmp_path / "two"), json.dumps(sections)]
    outcome = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    two = Run(tmp_path / "two")
    numbers = np.array([[list(row.values()) for row in rows(run)] for run in (one, two)], float)
    np.testing.assert_allclose(numbers[1], numbers[0], rtol=1e-3)
    assert [line.split()[:2] for line in outcome.stderr.splitlines()] == [["epoch", str(i)] for i in (1, 2, 3)]
    states = [SafetensorsIO().load_checkpoint(run.best)["state_dict"] for run in (one, two)]
    assert all(np.allclose(states[0][name], states[1][name], atol=1e-4) for name in states[0])


def test_patience_stops_the_training_and_is_named(tmp_path: Path) -> None:
    config = small_config(training={"max_epochs": 50, "patience": 2, "min_delta": 10.0})
    _, run = fit(config, tmp_path / "run")
    summary = TrainingSummary.model_validate_json(run.training.read_bytes())
    assert summary.stopped_by == "patience"
    assert len(summary.epochs) == 3


def test_decision_by_oneshot_tasks_needs_subjects_for_them(tmp_path: Path) -> None:
    config = small_config(training={"monitor": "validation_oneshot"})
    partition, crops = small_partition()
    singles = partition.validation.samples[::6]
    poor = replace(partition, validation=Part(singles, partition.validation.pairs[:0]))
    with pytest.raises(TrainingError, match=r"training\.monitor.*validation_loss"):
        train(config, poor, crops, start_run(tmp_path / "run", config, resume=True))


def test_oneshot_accuracy_can_decide(tmp_path: Path) -> None:
    config = small_config(training={"monitor": "validation_oneshot"}, evaluation={"n_way": [4]})
    _, run = fit(config, tmp_path / "run")
    summary = TrainingSummary.model_validate_json(run.training.read_bytes())
    accuracies = [epoch.validation_oneshot for epoch in summary.epochs]
    assert None not in accuracies
    assert summary.best_epoch == int(np.argmax(np.array(accuracies, float))) + 1


@pytest.mark.parametrize(("patience", "epochs"), [(20, 5), (3, 3)])
def test_collapsed_network_stops_with_a_message(tmp_path: Path, patience: int, epochs: int) -> None:
    dead = {"mean": -100.0, "std": 0.0}
    config = small_config(
        network={"init": {"kind": "normal", "conv_bias": dead}}, training={"max_epochs": 20, "patience": patience}
    )
    with pytest.raises(TrainingError, match=r"collapsed.*learning_rate, or try network\.batch_norm=true or"):
        fit(config, tmp_path / "run")
    assert len(read_history(Run(tmp_path / "run").history)) == epochs


def test_collapse_of_a_compact_network_names_keys_that_it_has(tmp_path: Path) -> None:
    config = load_config("own-objects")  # its network is compact
    same = dict.fromkeys(Epoch.model_fields, 0.0)
    history = History(Run(tmp_path), patience=1)
    history.epochs = [Epoch.model_validate({**same, "epoch": 1})]
    with pytest.raises(TrainingError, match=r"collapsed.* Lower optimiser\.learning_rate\.$"):
        history._refuse_collapse(config)


def test_diverged_training_stops_with_a_message(tmp_path: Path) -> None:
    config = small_config(optimiser={"kind": "sgd", "learning_rate": 1e30}, training={"precision": "32"})
    with pytest.raises(TrainingError, match="diverged"):
        fit(config, tmp_path / "run")


@pytest.mark.parametrize("loss", ["binary-cross-entropy", "margin-softmax"])
def test_training_that_diverges_in_the_last_step_of_an_epoch_says_so_after_validation(
    tmp_path: Path, loss: str
) -> None:
    config = small_config(
        loss={"kind": loss},
        optimiser={"kind": "sgd", "learning_rate": 1e38},
        training={"precision": "32", "batch_size": 512, "max_epochs": 1},
    )
    with pytest.raises(TrainingError, match=r"diverged: after epoch 1 .* Lower optimiser\.learning_rate"):
        fit(config, tmp_path / "run")


def test_accumulated_batches_step_like_one_large_batch(tmp_path: Path) -> None:
    settings = {"max_epochs": 1, "precision": "32"}
    sections = {"network": {"conv_dropout": 0.0}, "augment": {"probability": 0.0}, "data": {"setting": {"pairs": 96}}}
    large = small_config(training={**settings, "batch_size": 48}, **sections)
    small = small_config(training={**settings, "batch_size": 24, "accumulate": 2}, **sections)
    first, second = (fit(config, tmp_path / str(i))[0].state_dict() for i, config in enumerate((large, small)))
    assert all(np.allclose(first[name], second[name], atol=1e-5) for name in first)


def test_batches_left_over_at_the_end_of_an_epoch_make_a_step_of_their_share(tmp_path: Path) -> None:
    """Published results rest on it, and so the key says it."""
    settings = {"max_epochs": 1, "precision": "32"}
    sections = {"network": {"conv_dropout": 0.0}, "augment": {"probability": 0.0}, "data": {"setting": {"pairs": 48}}}
    rates = {1: 0.1 / 4, 4: 0.1}  # one batch, of which 4 should make a step
    first, second = (
        fit(
            small_config(
                training={**settings, "batch_size": 48, "accumulate": accumulate},
                optimiser={"kind": "sgd", "learning_rate": rate},
                **sections,
            ),
            tmp_path / str(accumulate),
        )[0].state_dict()
        for accumulate, rate in rates.items()
    )
    assert all(np.allclose(first[name], second[name], atol=1e-6) for name in first)


def test_bfloat16_and_float32_learn_alike(tmp_path: Path) -> None:
    bf16, fp32 = (
        fit(small_config(training={"precision": precision}), tmp_path / precision)[1]
        for precision in ("bf16-mixed", "32")
    )
    last = [read_history(run.history)[-1].validation_loss for run in (bf16, fp32)]
    assert last[0] == pytest.approx(last[1], abs=0.1)


def test_epochs_of_a_pass_share_its_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[int, int]] = []

    class Watched(PairBatches):
        def __init__(self, crops: UInt8Array, pairs: Pairs, batch_size: int, seed: int, epoch: int) -> None:
            shown.extend(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
            super().__init__(crops, pairs, batch_size, seed, epoch)

    monkeypatch.setattr("twinlens.learning.module.PairBatches", Watched)
    setting = {"pairs": 96, "fresh": False, "epochs_per_pass": 3}
    fit(small_config(data={"setting": setting}, training={"max_epochs": 3}), tmp_path / "run")
    listed = small_partition()[0].train.pairs
    assert sorted(shown) == sorted(zip(listed.first.tolist(), listed.second.tolist(), strict=True))
