"""A trial is a training that is watched: what it comes to, and what is left of it."""

from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from tests.learning.small import rows, small_config, small_partition
from tests.learning.sweep.conftest import claiming
from twinlens.config import Config
from twinlens.config.sweep import SweepConfig
from twinlens.data.dataset import Part, Partition
from twinlens.errors import ConfigError, TrainingError
from twinlens.evaluation.result import TrainingSummary
from twinlens.learning.sweep.claim import Claim, TakenOverError
from twinlens.learning.sweep.claims import Claims
from twinlens.learning.sweep.space import suggest
from twinlens.learning.sweep.summary import trial_row
from twinlens.learning.sweep.trials import refuse_untrainable, run_trial
from twinlens.learning.train import train
from twinlens.sweeps import Sweep
from twinlens.types import Float32Array, Pairs, UInt8Array


def sweep_config(vary: dict[str, Any], **changes: Any) -> SweepConfig:
    recipe = small_config(training={"max_epochs": 3})
    return SweepConfig.model_validate({"name": "small", "recipe": recipe, "vary": vary, "trials": 3, **changes})


def prepare(config: Config) -> tuple[Partition, UInt8Array, tuple[Float32Array, ...]]:
    return *small_partition(), ()


def run(claim: Claim, config: SweepConfig, folder: Path) -> None:
    run_trial(claim, config, suggest(claim.trial, config.vary), Sweep(folder).run(claim.number), prepare)


def taken(claims: Claims) -> Claim:
    claim = claims.next()
    assert claim
    return claim


def test_trial_is_its_training_and_tells_of_every_epoch(tmp_path: Path) -> None:
    config = sweep_config({"optimiser.learning_rate": [0.01, 0.02]}, objective="validation_auc")
    with claiming(tmp_path, config) as claims:
        with taken(claims) as claim:
            run(claim, config, tmp_path)
        row = trial_row(claims.trials()[0], config)
    there = Sweep(tmp_path).run(1)
    summary = TrainingSummary.model_validate_json(there.training.read_bytes())
    assert (row.state, row.values, row.deaths) == ("finished", {"optimiser.learning_rate": 0.01}, 0)
    assert row.curve == tuple(epoch.validation_auc for epoch in summary.epochs)
    # What training keeps is the epoch of the lowest loss, whatever decides between trials.
    assert row.best == summary.epochs[summary.best_epoch - 1]
    assert row.objective == row.best.validation_auc
    assert row.seconds == pytest.approx(summary.seconds)
    alone = Sweep(tmp_path / "alone").run(1)
    train(config.trial(row.values, 1), *small_partition(), alone)
    assert rows(alone) == rows(there)


def test_hopeless_trial_is_pruned_and_the_last_epoch_is_never_what_it_is_pruned_for(tmp_path: Path) -> None:
    vary = {"optimiser.learning_rate": [0.01, 1e-7]}
    config = sweep_config(vary, pruner={"kind": "median", "startup": 1, "warmup": 2})
    with claiming(tmp_path, config) as claims:
        with taken(claims) as claim:
            run(claim, config, tmp_path)
        with taken(claims) as claim:
            values = {"optimiser.learning_rate": 1e-7}
            run_trial(claim, config, values, Sweep(tmp_path).run(claim.number), prepare)
        with taken(claims) as claim:
            short = config.model_copy(update={"epochs": 2})
            run_trial(claim, short, values, Sweep(tmp_path).run(claim.number), prepare)
        states = [trial_row(trial, config) for trial in claims.trials()]
    assert [row.state for row in states] == ["finished", "pruned", "finished"]
    assert [len(row.curve) for row in states] == [3, 2, 2]
    assert states[1].objective is None
    assert not Sweep(tmp_path).run(2).training.exists()


def test_training_that_diverges_is_a_failed_trial_with_its_reason(tmp_path: Path) -> None:
    config = sweep_config({"optimiser.learning_rate": [0.01, 1e30]})
    with claiming(tmp_path, config) as claims:
        with taken(claims) as claim:
            run_trial(claim, config, {"optimiser.learning_rate": 1e30}, Sweep(tmp_path).run(1), prepare)
        row = trial_row(claims.trials()[0], config)
    assert row.state == "failed"
    assert row.reason is not None
    assert "Lower optimiser.learning_rate" in row.reason


def test_training_that_diverges_in_its_last_step_is_a_failed_trial_too(tmp_path: Path) -> None:
    config = sweep_config({"optimiser.learning_rate": [0.01, 1e38]})
    recipe = small_config(optimiser={"kind": "sgd"}, training={"precision": "32", "batch_size": 512, "max_epochs": 1})
    config = config.model_copy(update={"recipe": recipe})
    with claiming(tmp_path, config) as claims:
        with taken(claims) as claim:
            run_trial(claim, config, {"optimiser.learning_rate": 1e38}, Sweep(tmp_path).run(1), prepare)
        assert trial_row(claims.trials()[0], config).state == "failed"


def test_values_that_do_not_go_together_are_a_failed_trial(tmp_path: Path) -> None:
    config = sweep_config({"network.kernels": [[3, 3, 2, 1], [9, 9, 9, 9]]})
    with claiming(tmp_path, config) as claims:
        with taken(claims) as claim:
            run_trial(claim, config, {"network.kernels": [9, 9, 9, 9]}, Sweep(tmp_path).run(1), prepare)
        assert trial_row(claims.trials()[0], config).state == "failed"


def test_who_was_taken_for_dead_stops_after_the_epoch(tmp_path: Path) -> None:
    config = sweep_config({"optimiser.learning_rate": [0.01, 0.02]})
    with claiming(tmp_path, config) as claims:
        claim = taken(claims)
        claim._lock.close()
        other = taken(claims)
        with pytest.raises(TakenOverError), claim:
            run(claim, config, tmp_path / "elsewhere")
        with other:
            run(other, config, tmp_path)
        assert claims.trials()[0].state == TrialState.COMPLETE


def test_network_that_cannot_be_built_is_said_before_anything_is_trained() -> None:
    partition, _ = small_partition()
    refuse_untrainable(sweep_config({"network.kernels": [[3, 3, 2, 1], [3, 3, 3, 1]]}), partition)
    with pytest.raises(ConfigError, match="nothing of a 24×24 crop is left"):
        refuse_untrainable(sweep_config({"network.kernels": [[3, 3, 2, 1], [9, 9, 9, 9]]}), partition)


def test_objective_that_cannot_be_measured_is_said_before_anything_is_trained() -> None:
    config = sweep_config({"network.dense": [8, 16]}, objective="validation_oneshot")
    partition, _ = small_partition()
    refuse_untrainable(config, partition)
    nobody = Part(partition.validation.samples[:1], Pairs.from_rows([]))
    alone = Partition("small", partition.dataset, partition.train, nobody, nobody, dropped_pairs=0, leaks=False)
    with pytest.raises(TrainingError, match="too small for a one-shot task"):
        refuse_untrainable(config, alone)
