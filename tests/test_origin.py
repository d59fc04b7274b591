"""Figures say which source, machine and versions they come from."""

import re
import subprocess
from pathlib import Path

import pytest

import twinlens
from twinlens import origin
from twinlens.origin import machine, source_commit, versions


def fake_checkout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A repository with a source tree, which twinlens takes for its own; the commit."""
    source = folder / "src" / "twinlens" / "runs.py"
    source.parent.mkdir(parents=True)
    source.touch()
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    monkeypatch.setattr(origin, "__file__", str(source))
    head = subprocess.run([*git, "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return head.stdout.strip()


def test_commit_is_that_of_the_checkout_and_says_if_the_source_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = fake_checkout(tmp_path, monkeypatch)
    assert re.fullmatch(r"[0-9a-f]{40}", commit)
    assert source_commit() == commit
    (tmp_path / "notes.txt").touch()
    assert source_commit() == commit
    (tmp_path / "src" / "twinlens" / "new.py").touch()
    assert source_commit() == f"{commit}+changes"


def test_installed_package_takes_no_commit_from_the_repository_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_checkout(tmp_path, monkeypatch)
    installed = tmp_path / "venv" / "site-packages" / "twinlens"
    installed.mkdir(parents=True)
    monkeypatch.setattr(origin, "__file__", str(installed / "origin.py"))
    assert source_commit() == f"twinlens {twinlens.__version__}"


def test_without_git_the_version_has_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_checkout(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", "")
    assert source_commit() == f"twinlens {twinlens.__version__}"


def test_machine_is_named_with_its_cores() -> None:
    assert re.search(r"\S.*, \d+ cores, \w+$", machine())


def test_versions_are_those_installed() -> None:
    found = versions()
    assert found["twinlens"] == twinlens.__version__
    assert {"python", "numpy", "scikit-learn", "pillow", "onnxruntime"} <= set(found)
    assert all(re.match(r"\d+\.\d+", version) for version in found.values())
