import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.workflow.importing import models
from tests.workflow.importing.conftest import colours
from twinlens.bundle import read_bundle
from twinlens.cli.main import app

__all__ = ["colours"]
RUN = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, colours: Path, shared_cache: Path) -> Path:
    """A bundle that the command line made."""
    place = tmp_path_factory.mktemp("cli")
    network = models.mean_colour(place / "net.onnx")
    options = [
        "--calibrate",
        str(colours),
        "-o",
        str(place / "bundle"),
        "--outside-data",
        "none",
        "--normalise",
        "0.5/0.5",
    ]
    more = ["--frame", "crop_width=0.8", "--frame", "crop_height=0.8", "--compare", "euclidean"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_CACHE", str(shared_cache))
        shown = RUN.invoke(app, ["bundle", "import", str(network), *options, *more])
    assert shown.exit_code == 0, shown.output
    assert "validation pairs of colours" in shown.output
    assert "Not tested: these figures are from the pairs" in shown.output
    assert f"twinlens evaluate {place / 'bundle'} --protocol" in shown.output
    return place / "bundle"


def test_import_takes_frame_and_comparison(folder: Path) -> None:
    manifest = read_bundle(folder).manifest
    assert (manifest.frame.crop_height, manifest.frame.crop_width) == (0.8, 0.8)
    assert manifest.comparison.kind == "euclidean"


def test_show_says_what_it_sees_and_decides_by(folder: Path) -> None:
    shown = RUN.invoke(app, ["bundle", "show", str(folder)], env={"COLUMNS": "160"})
    assert shown.exit_code == 0
    manifest = read_bundle(folder).manifest
    for words in (
        "16 × 16 pixels, rgb: 80 %",
        "3 numbers; comparison: euclidean",
        "imported, no outside data",
        "0.01 %",
    ):
        assert words in shown.output.replace("\N{NO-BREAK SPACE}", " ")
    assert manifest.fingerprint in shown.output
    assert "too little" in shown.output


def test_show_as_json_is_the_manifest(folder: Path) -> None:
    shown = RUN.invoke(app, ["bundle", "show", str(folder), "--json"])
    assert json.loads(shown.output) == json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_check_finds_a_whole_bundle_whole_and_a_changed_one_changed(folder: Path) -> None:
    shown = RUN.invoke(app, ["bundle", "check", str(folder)])
    assert shown.exit_code == 0
    assert "is whole: net, fingerprint" in shown.output
    model = (folder / "model.onnx").read_bytes()
    try:
        (folder / "model.onnx").write_bytes(model[:-1] + b"x")
        assert RUN.invoke(app, ["bundle", "check", str(folder)]).exit_code == 2
    finally:
        (folder / "model.onnx").write_bytes(model)


@pytest.mark.parametrize(
    ("frame", "words"), [("height", "is not of the form KEY=VALUE"), ("height=[", "the value is not valid YAML")]
)
def test_a_frame_that_is_none_is_refused(
    tmp_path: Path, colours: Path, frame: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    network = models.mean_colour(tmp_path / "net.onnx")
    options = ["--calibrate", str(colours), "-o", str(tmp_path / "bundle"), "--outside-data", "none", "--frame", frame]
    shown = RUN.invoke(app, ["bundle", "import", str(network), *options])
    assert shown.exit_code == 2
    assert words in shown.output + capfd.readouterr().err


def test_what_is_not_said_is_asked_for() -> None:
    shown = RUN.invoke(app, ["bundle", "import", "net.onnx"])
    assert shown.exit_code == 2
    assert "--calibrate" in shown.output
