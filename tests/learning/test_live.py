from collections.abc import Sequence
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.learning.small import fit, read_history, small_config, small_partition
from twinlens.evaluation.result import Epoch
from twinlens.learning import live
from twinlens.learning.train import train
from twinlens.runs import start_run


def shown(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder / "tensorboard")).Reload()


def test_every_epoch_is_seen_as_soon_as_it_is_over(tmp_path: Path) -> None:
    """Another reader of the files sees it while the training still runs."""
    seen = []

    def watch(epochs: Sequence[Epoch]) -> None:
        if epochs:
            seen.append([event.step for event in shown(tmp_path / "run").Scalars("loss/validation")])

    config = small_config(training={"max_epochs": 3})
    train(config, *small_partition(), start_run(tmp_path / "run", config, resume=True), watch)
    assert seen == [[1], [1, 2], [1, 2, 3]]


def test_tensorboard_shows_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PULSE_SECONDS", 0.0)
    _, run = fit(small_config(training={"max_epochs": 2}), tmp_path / "run")
    events = shown(run.folder)
    tags = events.Tags()
    layers = {f"learning_rate/{layer}" for layer in ("conv1", "conv2", "conv3", "conv4", "dense", "head")}
    figures = {"loss/train", "loss/validation", "accuracy/train", "accuracy/validation", "auc/validation"}
    others = {"seconds", "score_spread", "l2_penalty", "gradient_norm", "images_per_second"}
    assert set(tags["scalars"]) == (
        layers | figures | {"oneshot/validation", "step/loss"} | {f"epoch/{name}" for name in others}
    )
    assert set(tags["histograms"]) == {"scores/genuine", "scores/impostor"}
    assert len(tags["images"]) == 2
    assert {tag.split("/")[0] for tag in tags["tensors"]} == {"recipe", "custom_scalars__config__"}
    losses = [event.value for event in events.Scalars("loss/train")]
    assert losses == pytest.approx([epoch.train_loss for epoch in read_history(run.history)])
    steps = [event.step for event in events.Scalars("step/loss")]
    assert steps == list(range(1, 41))  # 320 pairs in batches of 16, twice


def test_loss_within_an_epoch_is_that_of_its_batches_however_many_make_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_PULSE_SECONDS", 0.0)
    _, run = fit(small_config(training={"max_epochs": 1, "accumulate": 4}), tmp_path / "run")
    losses = [event.value for event in shown(run.folder).Scalars("step/loss")]
    assert len(losses) == 20
    assert sum(losses) / 20 == pytest.approx(read_history(run.history)[0].train_loss)


def test_loss_within_an_epoch_is_not_shown_all_the_time(tmp_path: Path) -> None:
    _, run = fit(small_config(training={"max_epochs": 1}), tmp_path / "run")
    tags = shown(run.folder).Tags()["scalars"]
    assert "loss/train" in tags
    assert "step/loss" not in tags  # the epoch took less than a few seconds
