"""Against a real MLflow store: an SQLite file."""

import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.learning.small import fit, small_config, small_partition
from tests.workflow.conftest import tiny_config
from twinlens import workflow
from twinlens.config import Config
from twinlens.errors import ConfigError, RunError
from twinlens.evaluation.result import Epoch
from twinlens.learning.train import train
from twinlens.runs import Run, start_run
from twinlens.tracking import plain_errors, share
from twinlens.workflow import training

mlflow = pytest.importorskip("mlflow")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a new store; the artifacts of its runs lie beside it."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what MLflow itself imports
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        client = mlflow.MlflowClient()
        client.create_experiment("twinlens", artifact_location=str(folder / "artifacts"))
        yield client


@pytest.fixture
def cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    return shared_cache


def config(**training: object) -> Config:
    return small_config(training={"max_epochs": 3, **training}).model_copy(update={"logger": "mlflow"})


def run_id(run: Run) -> str:
    return (run.folder / "mlflow-run.txt").read_text(encoding="utf-8").strip()


def steps(store: Any, run: Run, figure: str) -> list[int]:
    return [point.step for point in store.get_metric_history(run_id(run), figure)]


def test_training_is_shown_and_goes_on_in_the_same_run(store: Any, tmp_path: Path) -> None:
    def interrupt(epochs: Sequence[Epoch]) -> None:
        if len(epochs) == 2:
            raise KeyboardInterrupt

    run = start_run(tmp_path / "first", config(), resume=True)
    with pytest.raises(KeyboardInterrupt):
        train(config(), *small_partition(), run, interrupt)
    before = store.get_run(run_id(run))
    assert (before.info.status, before.info.run_name) == ("FAILED", "first")
    assert steps(store, run, "loss/train") == [1, 2]
    fit(config(threads=None), run.folder)
    after = store.get_run(run_id(run))
    assert after.info.run_id == before.info.run_id
    assert after.info.status == "FINISHED"
    assert steps(store, run, "loss/train") == steps(store, run, "learning_rate/conv1") == [1, 2, 3]
    assert after.data.params["network/widths"] == "[4, 4, 8, 8]"
    assert after.data.params["optimiser/learning_rate"] == "0.01"
    assert not (run.folder / "tensorboard").exists()


def test_training_begun_in_mlflow_goes_on_without(store: Any, tmp_path: Path) -> None:
    start_run(tmp_path / "run", config(), resume=True)
    (tmp_path / "run" / "mlflow-run.txt").write_text("0123\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"mlflow.db: .*0123.*MLFLOW_TRACKING_URI.*logger=tensorboard"):
        fit(config(), tmp_path / "run")
    _, run = fit(config().model_copy(update={"logger": "tensorboard"}), tmp_path / "run")
    assert run.training.is_file()


def test_result_is_added_to_the_run_it_was_trained_in(store: Any, tmp_path: Path, cache: Path) -> None:
    data = {"kind": "synthetic", "subjects": 40, "per_subject": 4, "test_pairs": 60}
    whole = tiny_config(
        data={**data, "setting": {"kind": "identities", "pairs": 120}}, split={"validation": 0.3}, logger="mlflow"
    )
    run = workflow.train(whole, out=tmp_path / "run")
    assert "final/test_accuracy" not in store.get_run(run_id(run)).data.metrics
    result = workflow.evaluate_run(run.folder)
    assert result.test is not None
    metrics = store.get_run(run_id(run)).data.metrics
    assert metrics["final/test_accuracy"] == result.test.accuracy.value
    assert metrics["final/validation_auc"] == result.validation.auc.value
    files = {file.path for file in store.list_artifacts(run_id(run))}
    assert files == {"result.json", "recipe.yaml", "card.md"}  # no photos, no scores with people's names


def test_result_is_not_lost_with_the_store(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tmp_path)
    (tmp_path / "mlflow-run.txt").write_text("0123\n", encoding="utf-8")
    share(run, {"final/test_accuracy": 0.7}, [])
    assert "not shown in MLflow" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_password_in_the_address_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@tracking.example")
    with pytest.raises(RunError, match=r"MLflow at https://tracking\.example: no such run") as caught, plain_errors():
        raise mlflow.exceptions.MlflowException("no such run.\nmore")
    assert "secret" not in str(caught.value)


def test_without_mlflow_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "find_spec", lambda name: None if name == "mlflow" else name)
    with pytest.raises(ConfigError, match=r"twinlens\[mlflow\]"):
        workflow.train(config(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_who_does_not_want_mlflow_does_not_wait_for_it() -> None:
    check = "import sys, twinlens.workflow.result, twinlens.learning.train; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=120)
