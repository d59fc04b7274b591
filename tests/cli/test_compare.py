import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.reporting.compare.made import scored, write_run
from tests.simulated import Row
from twinlens.cli.compare import compare
from twinlens.errors import ConfigError, RunError
from twinlens.reporting.compare import testing

app = typer.Typer()
app.command()(compare)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(testing, "RESAMPLES", 100)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    good = write_run(tmp_path / "good", scored(1, 1.6), "training.batch_size=64", name="good")
    seeds = [write_run(tmp_path / f"plain{seed}", scored(5 + seed, 0.4), seed=seed) for seed in (0, 1)]
    return [str(folder) for folder in (good, *seeds)]


def called(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False, env={"COLUMNS": "80"})


def test_tables_and_a_page(runs: list[str]) -> None:
    told = called(*runs).stdout
    words = " ".join(told.split())
    assert "A good B plain, seed 0 C plain, seed 1" in words
    assert "training.batch_size 64 32" in words
    assert "good is better than plain (2 runs)" in words
    assert "one recipe" in words
    assert told.splitlines()[-1] == "Page: compare.html"
    assert "…" not in told  # nothing is cut short
    assert Path("compare.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_json_alone_writes_no_page(runs: list[str], tmp_path: Path) -> None:
    told = json.loads(called(*runs, "--json").stdout)
    assert not Path("compare.html").exists()
    assert told["findings"][0]["first"] == "good"
    assert told["findings"][0]["better"] is True
    assert {row["key"] for row in told["settings"]} == {"seed", "training.batch_size"}
    assert [run["label"] for run in told["runs"]] == ["good", "plain, seed 0", "plain, seed 1"]
    assert json.loads(called(*runs, "--json", "--out", str(tmp_path / "page.html")).stdout) == told
    assert (tmp_path / "page.html").is_file()


def test_what_must_be_said_is_in_the_terminal(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", scored(1), name="a", synthetic=True)
    b = write_run(tmp_path / "b", scored(2), "training.patience=9", name="b", tested=False)
    words = " ".join(called(str(a), str(b)).stdout.split())
    assert "- a: Not a result" in words
    assert "b cannot be compared: not tested" in words
    assert "Nothing can be ranked here" in words


def test_many_recipes_point_to_the_page(tmp_path: Path) -> None:
    runs = [
        str(write_run(tmp_path / f"{i}", scored(i), f"training.patience={5 + i}", name=f"recipe-{i}")) for i in range(6)
    ]
    words = " ".join(called(*runs).stdout.split())
    assert "The recipes differ in 1 key: see the page" in words
    assert "the 10 surest of 15" in words


def test_mistakes_are_refused_before_anything_is_written(runs: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two runs"):
        called(runs[0])
    with pytest.raises(RunError, match=r"result\.json"):
        called(runs[0], str(tmp_path))
    assert not Path("compare.html").exists()


def _row(fields: list[str]) -> Row:
    """A pair of the official list."""
    first, second = fields[0], fields[-2] if len(fields) == 4 else fields[0]
    names = [f"{who}/{who}_{int(n):04d}.jpg" for who, n in ((first, fields[1]), (second, fields[-1]))]
    return Row(names[0], names[1], first, second, first == second, 0.0)


@pytest.mark.lfw
@pytest.mark.parametrize("published", [False, True])
def test_photos_are_on_the_page_of_whole_runs_only(
    data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, published: bool
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    fields = [line.split("\t") for line in (data_folder / "lfw" / "pairsDevTest.txt").read_text().splitlines()[1::25]]
    runs = [
        write_run(
            tmp_path / name,
            scored(i, rows=tuple(_row(line) for line in fields)),
            f"training.patience={5 + i}",
            name=name,
            published=published and i == 1,
        )
        for i, name in enumerate("ab")
    ]
    called(*map(str, runs))
    page = Path("compare.html").read_text(encoding="utf-8")
    assert ('<img src="data:image/jpeg' in page) is not published
    assert ("Only names are shown" in page) is published
