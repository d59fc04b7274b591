from datetime import UTC, datetime
from pathlib import Path

import pytest

from twinlens.config import Config, parse_config
from twinlens.errors import ConfigError, RunError, TwinlensError
from twinlens.origin import machine, source_commit, versions
from twinlens.runs import Run, find_run, is_follower, start_run

CONFIG = parse_config({"name": "small", "data": {"kind": "synthetic"}, "training": {"batch_size": 7}}, "here")
RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK")
OTHER = CONFIG.model_copy(update={"seed": 1})


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in RANKS:
        monkeypatch.delenv(name, raising=False)


def test_new_run_holds_its_recipe_and_where_it_comes_from(tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    run = start_run(tmp_path / "runs" / "small", CONFIG, resume=False)
    assert run.config() == CONFIG
    origin = run.origin()
    assert before <= datetime.fromisoformat(origin.started) <= datetime.now(UTC)
    assert (origin.commit, origin.machine, origin.versions) == (source_commit(), machine(), versions())


def test_empty_folder_may_become_a_run(tmp_path: Path) -> None:
    assert start_run(tmp_path, CONFIG, resume=False).config() == CONFIG


def test_run_goes_on_only_when_asked_to(tmp_path: Path) -> None:
    run = start_run(tmp_path / "run", CONFIG, resume=False)
    origin = run.origin()
    with pytest.raises(RunError, match=r"run holds a run already\. Go on with --resume"):
        start_run(tmp_path / "run", CONFIG, resume=False)
    assert start_run(tmp_path / "run", CONFIG, resume=True) == run
    assert run.origin() == origin


def test_first_start_may_say_resume(tmp_path: Path) -> None:
    assert start_run(tmp_path / "run", CONFIG, resume=True).config() == CONFIG


@pytest.mark.parametrize("resume", [True, False])
def test_run_of_another_configuration_is_left_alone(tmp_path: Path, resume: bool) -> None:
    run = start_run(tmp_path / "run", CONFIG, resume=False)
    with pytest.raises(RunError, match=r"another configuration: seed is 0 there and 1 here\. Choose another folder"):
        start_run(tmp_path / "run", OTHER, resume=resume)
    assert run.config() == CONFIG


def test_keys_that_differ_are_named_but_not_without_end(tmp_path: Path) -> None:
    start_run(tmp_path / "run", CONFIG, resume=False)
    other = parse_config({"name": "small", "optimiser": {"momentum": 0.5}, "split": {"validation": 0.3}}, "here")
    with pytest.raises(RunError) as caught:
        start_run(tmp_path / "run", other, resume=True)
    assert 'data.kind is "synthetic" there and "lfw" here' in caught.value.message
    assert caught.value.message.count(" there and ") == 3


def test_run_may_go_on_with_another_number_of_threads(tmp_path: Path) -> None:
    run = start_run(tmp_path / "run", CONFIG, resume=False)
    training = CONFIG.training.model_copy(update={"threads": 3})
    assert start_run(tmp_path / "run", CONFIG.model_copy(update={"training": training}), resume=True) == run


def test_looking_for_a_run_makes_none(tmp_path: Path) -> None:
    assert find_run(tmp_path / "run", CONFIG, resume=True) == Run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("resume", [True, False])
def test_folder_of_something_else_is_left_alone(tmp_path: Path, resume: bool) -> None:
    (tmp_path / "thesis.txt").touch()
    for path in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(RunError, match="is neither a run nor an empty folder"):
            start_run(path, CONFIG, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TwinlensError, match="cannot be written: Not a directory"):
        start_run(tmp_path / "file" / "run", CONFIG, resume=False)


@pytest.mark.parametrize("variable", RANKS)
def test_further_processes_of_a_training_leave_its_folder_to_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    several = parse_config({"name": "several", "training": {"devices": 2}}, "here")
    monkeypatch.setenv(variable, "1")
    assert start_run(tmp_path / "run", several, resume=False) == Run(tmp_path / "run")
    assert not (tmp_path / "run").exists()
    monkeypatch.setenv(variable, "0")
    assert start_run(tmp_path / "run", several, resume=False).config() == several
    monkeypatch.setenv(variable, "1")
    assert start_run(tmp_path / "run", several, resume=False) == Run(tmp_path / "run")


@pytest.mark.parametrize("variable", RANKS)
def test_training_of_one_process_is_nobody_s_follower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert not is_follower(CONFIG.training)
    assert start_run(tmp_path / "run", CONFIG, resume=False).config() == CONFIG


def test_folder_without_a_recipe_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is no run: recipe\.yaml is missing\. Train one"):
        Run(tmp_path).config()


def test_broken_recipe_of_a_run_is_named(tmp_path: Path) -> None:
    run = start_run(tmp_path / "run", CONFIG, resume=False)
    run.recipe.write_text("name: small\nsede: 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"recipe\.yaml: unknown key 'sede'"):
        run.config()


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"started": 1, "novelty": 2}', '"text"'])
def test_broken_origin_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "origin.json").write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=r"origin\.json does not say where the run was started"):
        Run(tmp_path).origin()


def test_all_places_of_a_run_are_distinct_and_inside(tmp_path: Path) -> None:
    run = Run(tmp_path)
    places = [getattr(run, name) for name, value in vars(Run).items() if isinstance(value, property)]
    places += [run.scores(part) for part in ("train", "validation", "test")]
    assert len(places) > 10
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(tmp_path) for place in places)


def test_log_is_shown_and_kept_with_the_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(tmp_path)
    run.log("epoch 1")
    run.log("größer ≥")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "epoch 1\ngrößer ≥\n")
    lines = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert [line[19:] for line in lines] == [" epoch 1", " größer ≥"]
    assert all(datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S") for line in lines)


def test_configuration_survives_any_number_of_starts(tmp_path: Path) -> None:
    config: Config = CONFIG
    for i in range(3):
        config = start_run(tmp_path / str(i), config, resume=False).config()
    assert config == CONFIG
    assert len({(tmp_path / str(i) / "recipe.yaml").read_text(encoding="utf-8") for i in range(3)}) == 1
