"""Sweeps in their folder, and published."""

from pathlib import Path
from typing import Any

import pytest

from tests.reporting.sweep.made import TRIALS, sweep_result, trial
from twinlens.errors import RunError
from twinlens.reporting.sweep.stored import publish_sweep, read_sweep_result


def stored(folder: Path, **changes: Any) -> Path:
    folder.mkdir()
    (folder / "sweep.json").write_text(sweep_result(**changes).model_dump_json())
    for name in ("best.yaml", "report.html", "trials.db"):
        (folder / name).write_text(name)
    return folder


def test_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_sweep_result(stored(tmp_path / "sweep")) == sweep_result()


@pytest.mark.parametrize("content", [None, "{}", "no JSON"])
def test_what_is_no_result_is_said(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "sweep.json").write_text(content)
    with pytest.raises(RunError, match=r"sweep\.json is"):
        read_sweep_result(tmp_path)


def test_published_are_trials_recipe_and_report_and_nothing_else(tmp_path: Path) -> None:
    place = publish_sweep(stored(tmp_path / "sweep"), tmp_path / "results")
    assert place == tmp_path / "results" / "sweeps" / "koch-reduced"
    assert sorted(path.name for path in place.iterdir()) == ["best.yaml", "report.html", "sweep.json"]
    assert read_sweep_result(place) == sweep_result()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"synthetic": True}, "synthetic faces"),
        ({"trials": (*TRIALS, trial(7, "waiting", ()))}, "is not finished"),
        ({"best_trial": None, "winner": None}, "is not finished"),
    ],
)
def test_what_may_not_be_quoted_is_not_published(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RunError, match=complaint):
        publish_sweep(stored(tmp_path / "sweep", **changes), tmp_path / "results")
    assert not (tmp_path / "results").exists()
