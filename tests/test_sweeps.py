"""A sweep's folder belongs to one sweep."""

from pathlib import Path

import pytest

from twinlens.config.load_sweep import load_sweep
from twinlens.config.sweep import SweepConfig
from twinlens.errors import RunError
from twinlens.sweeps import Sweep, find_sweep, start_sweep

CONFIG = load_sweep("koch-reduced", vary=["network.dense=128,256"], changes={"trials": 5})


def started(folder: Path, config: SweepConfig = CONFIG, *, embedded: bool = True) -> Sweep:
    sweep = find_sweep(folder, config, embedded=embedded, resume=False)
    start_sweep(sweep, config, embedded=embedded)
    return sweep


def other(*overrides: str, **changes: object) -> SweepConfig:
    return load_sweep(
        "koch-reduced", vary=["network.dense=128,256"], overrides=overrides, changes={"trials": 5, **changes}
    )


def test_nothing_is_written_before_the_start(tmp_path: Path) -> None:
    find_sweep(tmp_path / "new", CONFIG, embedded=True, resume=False)
    assert not (tmp_path / "new").exists()


def test_folder_holds_what_was_asked_and_where_it_comes_from(tmp_path: Path) -> None:
    sweep = started(tmp_path / "sweep")
    assert sweep.config() == CONFIG
    assert sweep.origin().commit
    assert sweep.run(7).folder == tmp_path / "sweep" / "trials" / "007"


def test_sweep_goes_on_only_when_asked_to(tmp_path: Path) -> None:
    started(tmp_path)
    with pytest.raises(RunError, match="--resume"):
        find_sweep(tmp_path, CONFIG, embedded=True, resume=False)
    assert find_sweep(tmp_path, CONFIG, embedded=True, resume=True) == Sweep(tmp_path)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (other("seed=1"), "seed is 0 there and 1 here"),
        (other(objective="validation_auc"), 'objective is null there and "validation_auc" here'),
        (other(epochs=3), "epochs is null there and 3 here"),
        (other(trials=4), "was started for 5 trials, which is more than 4"),
        (
            load_sweep("koch-reduced", vary=["network.dense=128,512"], changes={"trials": 5}),
            r"vary.network.dense.values is \[128, 256\] there and \[128, 512\] here",
        ),
    ],
)
def test_other_sweep_is_refused_with_what_differs(tmp_path: Path, config: SweepConfig, complaint: str) -> None:
    started(tmp_path)
    with pytest.raises(RunError, match=complaint):
        find_sweep(tmp_path, config, embedded=True, resume=True)


def test_threads_and_more_trials_make_no_other_sweep(tmp_path: Path) -> None:
    sweep = started(tmp_path)
    more = other("training.threads=1", trials=9)
    assert find_sweep(tmp_path, more, embedded=True, resume=True) == sweep
    start_sweep(sweep, more, embedded=True)
    assert sweep.config().trials == 9


def test_trials_are_looked_for_where_they_are(tmp_path: Path) -> None:
    started(tmp_path / "here")
    started(tmp_path / "elsewhere", embedded=False)
    with pytest.raises(RunError, match="Leave out --storage"):
        find_sweep(tmp_path / "here", CONFIG, embedded=False, resume=True)
    with pytest.raises(RunError, match="Give --storage"):
        find_sweep(tmp_path / "elsewhere", CONFIG, embedded=True, resume=True)


def test_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(RunError, match="neither a sweep nor an empty folder"):
        find_sweep(tmp_path, CONFIG, embedded=True, resume=True)
    with pytest.raises(RunError, match=r"sweep.yaml is missing"):
        Sweep(tmp_path).config()
