"""``twinlens keys`` and ``twinlens serve`` as they are typed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.serving.service.made import small_bundle
from twinlens.cli.main import app


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TWINLENS_SERVE_KEYS", str(tmp_path / "keys.json"))
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, catch_exceptions=False)

    return run


def test_a_key_is_made_listed_and_revoked(run: type) -> None:
    made = run("keys", "create", "desk", "--scope", "read", "--scope", "enrol", "--days", "30")
    assert made.exit_code == 0
    key = made.stdout.strip()
    assert key.startswith("twinlens_")
    assert "stored nowhere" in made.stderr

    listed = run("keys", "list")
    assert key not in listed.output
    assert "desk" in listed.output
    assert "read enrol" in listed.output
    (shown,) = json.loads(run("keys", "list", "--json").stdout)
    assert (shown["name"], shown["scopes"], shown["state"]) == ("desk", ["read", "enrol"], "valid")
    assert "digest" not in shown

    assert run("keys", "revoke", "desk").exit_code == 0
    assert json.loads(run("keys", "list", "--json").stdout)[0]["state"] == "revoked"


def test_json_gives_the_key_to_programs(run: type) -> None:
    shown = json.loads(run("keys", "create", "robot", "--scope", "admin", "--json").stdout)
    assert shown["name"] == "robot"
    assert shown["key"].startswith("twinlens_")


def test_no_keys_is_said(run: type) -> None:
    assert "holds no key" in run("keys", "list").output
    assert json.loads(run("keys", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "desk", "--scope", "write"), "There are read, enrol, admin."),
        (("create", "a desk", "--scope", "read"), "no name for a key"),
        (("create", "desk", "--scope", "read", "--days", "0"), "over already"),
        (("create", "desk", "--scope", "read", "--days", "1e9"), "too many"),
        (("revoke", "desk"), "no key 'desk'"),
    ],
)
def test_mistakes_are_one_sentence_with_a_remedy(run: type, arguments: tuple[str, ...], words: str) -> None:
    found = run("keys", *arguments)
    assert found.exit_code == 2
    assert words in found.stderr
    assert found.stderr.startswith("Error: ")


def test_a_variable_that_means_nothing_stops_the_service(run: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_SERVE_PROT", "1")
    found = run("serve")
    assert found.exit_code == 2
    assert "$TWINLENS_SERVE_PORT" in found.stderr


def test_how_to_search_is_a_setting(run: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_SERVE_SEARCH", "index")
    gallery, model = tmp_path / "people.db", small_bundle(tmp_path / "bundle").folder
    run("keys", "create", "desk", "--scope", "read")
    found = run("serve", "--gallery", str(gallery), "--model", str(model), "--port", "0")
    assert found.exit_code == 2
    assert f"The gallery {gallery} has no index to search. Search it exactly." in found.stderr
