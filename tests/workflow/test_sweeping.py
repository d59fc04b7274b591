"""A whole sweep: what it leaves, what it never looks at, and how it goes on."""

from pathlib import Path

import pytest

from tests.workflow.small_sweep import result_of, said, small_sweep
from twinlens import workflow
from twinlens.config import load_config
from twinlens.config.load_sweep import load_sweep
from twinlens.data.dataset import Part, Partition
from twinlens.errors import ConfigError, RunError, TrainingError
from twinlens.sweeps import Sweep
from twinlens.types import Pairs
from twinlens.workflow import preparation, sweeping


@pytest.fixture(scope="module")
def finished(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Three trials of two epochs."""
    return workflow.sweep(small_sweep(3, 2), out=tmp_path_factory.mktemp("sweeps") / "tiny")


def test_sweep_leaves_its_question_its_trials_its_winner_and_a_report(finished: Sweep) -> None:
    result = result_of(finished.folder)
    assert finished.config() == load_sweep(finished.definition) == small_sweep(3, 2)
    assert [trial.state for trial in result.trials] == ["finished"] * 3
    assert [finished.run(n).training.is_file() for n in (1, 2, 3)] == [True] * 3
    assert result.best_trial == 1 + min(range(3), key=lambda i: result.trials[i].objective or 9)
    assert "tiny" in finished.report.read_text()
    assert (result.synthetic, result.leaks, result.validation.genuine_pairs) == (True, False, 15)


def test_first_trial_is_the_recipe_and_all_share_its_seed(finished: Sweep) -> None:
    result = result_of(finished.folder)
    assert result.recipe_trial == 1
    assert result.trials[0].values == {"optimiser.learning_rate": 0.002, "network.dense": 32}
    assert {finished.run(n).config().seed for n in (1, 2, 3)} == {0}


def test_winner_is_a_recipe_that_can_be_trained(finished: Sweep) -> None:
    result = result_of(finished.folder)
    winner, best = load_config(finished.winner), result.trials[(result.best_trial or 0) - 1]
    assert winner.model_dump(mode="json") == result.winner
    assert winner.optimiser.learning_rate == best.values["optimiser.learning_rate"]
    assert winner.network.dense == best.values["network.dense"]
    assert winner.name == "tiny-swept"


def test_weights_of_the_best_trial_alone_are_kept(finished: Sweep) -> None:
    kept = [n for n in (1, 2, 3) if finished.run(n).checkpoints.exists()]
    assert kept == [result_of(finished.folder).best_trial]


def test_finished_sweep_changes_nothing_when_asked_again(finished: Sweep) -> None:
    before = finished.result.read_bytes(), finished.winner.read_bytes(), finished.run(2).history.stat().st_mtime_ns
    workflow.sweep(small_sweep(3, 2), out=finished.folder, resume=True)
    after = finished.result.read_bytes(), finished.winner.read_bytes(), finished.run(2).history.stat().st_mtime_ns
    assert after == before
    with pytest.raises(RunError, match="--resume"):
        workflow.sweep(small_sweep(3, 2), out=finished.folder)


def test_report_can_be_written_again_anywhere(finished: Sweep, tmp_path: Path) -> None:
    assert workflow.report(finished.folder, tmp_path / "page.html").read_bytes() == finished.report.read_bytes()


def test_test_pairs_have_no_say(finished: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any, the sweep is the same."""
    real = preparation.make_partition

    def untested(*arguments: object) -> Partition:
        whole = real(*arguments)  # type: ignore[arg-type]
        nothing = Part(whole.test.samples[:0], Pairs.from_rows([]))
        return Partition(whole.protocol, whole.dataset, whole.train, whole.validation, nothing, 0, leaks=False)

    monkeypatch.setattr(preparation, "make_partition", untested)
    again = workflow.sweep(small_sweep(2, 2), out=tmp_path / "untested")
    there = result_of(finished.folder).trials[:2]
    assert [said(trial) for trial in result_of(again.folder).trials] == [said(trial) for trial in there]


def test_frame_may_vary(cache: Path, tmp_path: Path) -> None:
    config = small_sweep(2, 1, vary={"frame.height": [24, 32], "frame.width": [24, 32]}, sampler={"kind": "random"})
    sweep = workflow.sweep(config, out=tmp_path / "frames")
    assert [trial.state for trial in result_of(sweep.folder).trials] == ["finished"] * 2


def test_sweep_of_which_no_trial_can_be_trained_says_why(cache: Path, tmp_path: Path) -> None:
    config = small_sweep(2, 1, vary={"optimiser.learning_rate": [1e30, 1e31]})
    with pytest.raises(TrainingError, match="None of the 2 trials was trained to its end: The training diverged"):
        workflow.sweep(config, out=tmp_path / "hopeless")
    assert [trial.state for trial in result_of(tmp_path / "hopeless").trials] == ["failed"] * 2
    assert not Sweep(tmp_path / "hopeless").winner.exists()


def test_nothing_is_written_where_something_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"twinlens\[train\]"):
        workflow.sweep(small_sweep(2, 1), out=tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()
