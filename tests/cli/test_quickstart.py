from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from twinlens import workflow
from twinlens.cli import quickstart


class AskedError(Exception):
    """What the training was asked for."""


@pytest.mark.parametrize(("lfw", "recipe"), [(True, "quick"), (False, "quick-synthetic")])
@pytest.mark.parametrize("out", [None, "elsewhere"])
def test_photos_and_portraits_have_a_folder_each_and_go_on(
    monkeypatch: pytest.MonkeyPatch, lfw: bool, recipe: str, out: str | None
) -> None:
    def train(recipe: str, *, out: Path | None, resume: bool) -> None:
        raise AskedError(recipe, out, resume)

    monkeypatch.setattr(quickstart, "_lfw_is_there", lambda: lfw)
    monkeypatch.setattr(workflow, "train", train)
    app = typer.Typer()
    app.command()(quickstart.quickstart)
    outcome = CliRunner().invoke(app, ["--out", out] if out else [])
    assert isinstance(outcome.exception, AskedError)
    assert outcome.exception.args == (recipe, Path(out) if out else None, True)
