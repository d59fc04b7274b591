from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.learning.small import fit, read_history, rows, small_config, small_partition
from twinlens.evaluation.result import TrainingSummary
from twinlens.evaluation.scoring import embed, score_part
from twinlens.learning.averaging import Averaging
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.export import TorchEncoder
from twinlens.learning.module import SiameseModule
from twinlens.learning.validation import figures

NORMS: dict[str, object] = {"batch_norm": True, "conv_dropout": 0.0}
State = dict[str, np.ndarray]


def config_of(decay: float, **training: object) -> Any:
    network = {**small_config().network.model_dump(mode="json"), **NORMS}
    settings = {"precision": "32", "max_epochs": 3, "batch_size": 16, "average_decay": decay, **training}
    return small_config(network=network, training=settings)


def numbers(state: dict[str, torch.Tensor]) -> State:
    return {name: value.numpy().copy() for name, value in state.items()}


@pytest.mark.parametrize("accumulate", [1, 3])
def test_average_is_that_of_a_naive_loop(accumulate: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[State] = []
    start, follow = Averaging.on_train_start, Averaging.on_train_batch_end

    def started(averaging: Averaging, trainer: Any, module: SiameseModule) -> None:
        states.append(numbers(module.state_dict()))
        start(averaging, trainer, module)

    def followed(averaging: Averaging, trainer: Any, module: SiameseModule, *batch: Any) -> None:
        if trainer.global_step >= len(states):
            states.append(numbers(module.state_dict()))
        follow(averaging, trainer, module, *batch)

    monkeypatch.setattr(Averaging, "on_train_start", started)
    monkeypatch.setattr(Averaging, "on_train_batch_end", followed)
    _, run = fit(config_of(0.8, accumulate=accumulate), tmp_path / "run")

    expected = states[0]
    for n, state in enumerate(states[1:], 1):
        decay = min(0.8, (1 + n) / (10 + n))
        expected = {
            name: decay * expected[name] + (1 - decay) * value if value.dtype == np.float32 else value
            for name, value in state.items()
        }
    checkpoint = SafetensorsIO().load_checkpoint(run.last)
    (kept,) = (state for name, state in checkpoint["callbacks"].items() if "Averaging" in name)
    assert kept["steps"] == len(states) - 1 == checkpoint["global_step"]
    for name, value in expected.items():
        np.testing.assert_allclose(kept["average"][name], value, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(checkpoint["state_dict"][name], states[-1][name])


def test_best_epoch_is_judged_and_kept_with_the_average(tmp_path: Path) -> None:
    module, run = fit(config_of(0.9), tmp_path / "run")
    best = TrainingSummary.model_validate_json(run.training.read_bytes()).best_epoch
    partition, crops = small_partition()
    comparison = module.objective.comparison()
    embeddings = embed(TorchEncoder(module.twin), crops, partition.validation.samples)
    found = figures(score_part(embeddings, partition.dataset, partition.validation, comparison), comparison)
    judged = read_history(run.history)[best - 1]
    assert judged.validation_auc == pytest.approx(found["validation_auc"], abs=1e-6)
    assert judged.validation_loss == pytest.approx(found["validation_loss"], rel=1e-4)


def test_average_does_not_change_what_is_trained(tmp_path: Path) -> None:
    plain = small_config(
        **{**config_of(0.9).model_dump(mode="json", include={"network"})},
        training={
            "precision": "32",
            "max_epochs": 3,
            "batch_size": 16,
        },
    )
    runs = [fit(config, tmp_path / str(i))[1] for i, config in enumerate((plain, config_of(0.9)))]
    states = [SafetensorsIO().load_checkpoint(run.last)["state_dict"] for run in runs]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert [row["train_loss"] for row in rows(runs[0])] == [row["train_loss"] for row in rows(runs[1])]
    assert [row["validation_loss"] for row in rows(runs[0])] != [row["validation_loss"] for row in rows(runs[1])]
