"""``twinlens data`` as it is typed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twinlens.cli.data import app
from twinlens.data import install
from twinlens.data.download import Remote
from twinlens.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TWINLENS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    for person in ("Ann_Lee", "Bo"):
        (folder / "lfw-a" / person).mkdir(parents=True)
        (folder / "lfw-a" / person / f"{person}_0001.jpg").write_bytes(b"photo")
    (folder / "pairs.txt").write_text("10\t300\n")
    return folder


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_import_and_list(lfw: Path, cache: Path) -> None:
    assert str(cache / "data" / "lfw") in run("import", "lfw", "--from", str(lfw))
    (row,) = json.loads(run("list", "--json"))
    where = str(cache / "data" / "lfw" / "lfw-a")
    assert row == {
        "name": "lfw",
        "where": where,
        "variant": "lfw-a",
        "images": 2,
        "subjects": 2,
        "size": 10,
        "problem": "",
    }
    table = run("list")
    assert "lfw-a" in table
    assert where in table.replace("\n", "").replace("│", "").replace(" ", "")


def test_list_shows_a_problem_in_place(lfw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lfw / "lfw").mkdir()
    monkeypatch.setenv("TWINLENS_DATA", str(lfw))
    assert json.loads(run("list", "--json"))[0]["problem"].startswith("LFW is not in")
    assert "twinlens data fetch" in " ".join(run("list").replace("│", " ").split())


def test_list_without_anything_says_what_to_run() -> None:
    assert run("list", "--json") == "[]\n"
    assert "twinlens data fetch lfw" in run("list")


def test_fetch_says_where_it_is_and_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def down_for_people(remote: Remote, folder: Path) -> Path:
        if remote.name.startswith("people"):
            raise DataError("down")
        (folder / remote.name).touch()
        return folder / remote.name

    monkeypatch.setattr(install, "download", down_for_people)
    result = CliRunner().invoke(app, ["fetch", "lfw", "--to", str(tmp_path / "to")], catch_exceptions=False)
    assert result.stdout == f"lfw is in {tmp_path / 'to'}.\n"
    assert "peopleDevTrain.txt" in result.stderr


def test_mistakes_come_out_as_data_errors_and_usage() -> None:
    with pytest.raises(DataError, match="nowhere"):
        CliRunner().invoke(app, ["import", "lfw", "--from", "nowhere"], catch_exceptions=False)
    assert CliRunner().invoke(app, ["fetch", "imagenet"]).exit_code == 2
    assert CliRunner().invoke(app, ["import", "lfw"]).exit_code == 2
