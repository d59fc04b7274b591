"""The command line of sweeps: what it accepts, and what it says of mistakes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.reporting.sweep.made import sweep_result
from twinlens import workflow
from twinlens.cli.main import app
from twinlens.sweeps import Sweep


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """With what the work was asked for; it is not done."""
    found: dict[str, Any] = {}

    def sweep(target: str, **options: Any) -> Sweep:
        found.update(options, target=target)
        (tmp_path / "sweep.json").write_text(sweep_result().model_dump_json())
        return Sweep(tmp_path)

    monkeypatch.setattr(workflow, "sweep", sweep)
    return found


def test_options_reach_the_work(asked: dict[str, Any]) -> None:
    words = "sweep koch-quick --vary network.dense=1,2 --vary split.x=3..4 --set seed=1 --trials 3"
    more = "--epochs 2 --name mine --objective validation_auc --no-pruning --out there --storage sqlite:///x.db"
    outcome = CliRunner().invoke(app, [*words.split(), *more.split(), "--resume", "--skip-broken"])
    assert outcome.exit_code == 0
    changes = {"trials": 3, "epochs": 2, "objective": "validation_auc", "name": "mine", "pruner": {"kind": "none"}}
    assert asked == {
        "target": "koch-quick",
        "vary": ["network.dense=1,2", "split.x=3..4"],
        "overrides": ["seed=1"],
        "changes": changes,
        "out": Path("there"),
        "storage": "sqlite:///x.db",
        "resume": True,
        "skip_broken": True,
    }


def test_what_is_not_given_is_left_to_the_sweep(asked: dict[str, Any]) -> None:
    assert CliRunner().invoke(app, ["sweep", "koch-reduced"]).exit_code == 0
    assert asked["changes"] == {}


def test_outcome_is_said_with_what_comes_next(asked: dict[str, Any], tmp_path: Path) -> None:
    lines = CliRunner().invoke(app, ["sweep", "koch-reduced"]).stdout.splitlines()
    assert lines[0].startswith("The best of 6 trials of koch-reduced is trial 2")
    assert lines[1:] == [
        f"Recipe: {tmp_path / 'best.yaml'}",
        f"Report: {tmp_path / 'report.html'}",
        f"Next:   twinlens train {tmp_path / 'best.yaml'}",
    ]


def test_json_is_the_whole_result(asked: dict[str, Any]) -> None:
    stdout = CliRunner().invoke(app, ["sweep", "koch-reduced", "--json"]).stdout
    assert json.loads(stdout) == sweep_result().model_dump(mode="json")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["koch-reduced", "--vary", "network.dnse=1,2"], "did you mean 'dense'?"),
        (["quick"], "Say what to vary: --vary KEY=VALUES."),
        (["koch-reduced", "--objective", "test_accuracy"], "objective: must be"),
        (["koch-reduced", "--trials", "0"], "trials: must be greater"),
    ],
)
def test_mistake_is_one_sentence_and_leaves_nothing(
    arguments: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(app, ["sweep", *arguments])
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert complaint in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_sweep_is_published_and_reported_by_the_commands_for_runs(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    folder.mkdir()
    (folder / "sweep.json").write_text(sweep_result().model_dump_json())
    (folder / "best.yaml").touch()
    assert CliRunner().invoke(app, ["report", str(folder)]).exit_code == 0
    assert "koch-reduced" in (folder / "report.html").read_text(encoding="utf-8")
    published = CliRunner().invoke(app, ["results", "publish", str(folder), "--to", str(tmp_path / "results")])
    assert published.exit_code == 0
    assert (tmp_path / "results" / "sweeps" / "koch-reduced" / "report.html").is_file()
