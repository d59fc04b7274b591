import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.serving.made import small_manifest
from tests.serving.test_encoder import linear_model
from tests.workflow.importing import models
from tests.workflow.importing.conftest import colours
from twinlens.bundle import read_bundle, write_bundle
from twinlens.cli.main import app
from twinlens.types import Calibration

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
    assert "pairs that it was" in shown.output
    assert "validation" not in shown.output
    assert "No test: these figures are from the pairs" in shown.output
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


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ({"names": ("input", "embeddings")}, "The model maps input uint8 (n, 24, 24, 1) to embeddings float (n, 3)"),
        ({"dim": 4}, "to embeddings float (n, 4), but the manifest says crops uint8 (n, 24, 24, 1)"),
        ({"shape": (24, 24, 3)}, "crops uint8 (n, 24, 24, 3)"),
        ({"outputs": 2}, "embeddings float (n, 3), more float (n, 3)"),
        (None, "is no ONNX model that can be run"),
    ],
    ids=str,
)
def test_check_refuses_a_model_that_is_another_than_its_manifest_says(
    tmp_path: Path, variant: dict[str, Any] | None, words: str
) -> None:
    content = b"foreign" if variant is None else linear_model(**{"shape": (24, 24, 1), **variant})
    place = write_bundle(tmp_path / "bundle", content, small_manifest()).folder  # its digests are right
    outcome = RUN.invoke(app, ["bundle", "check", str(place)])
    assert outcome.exit_code == 2
    assert words in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_show_says_how_sure_the_calibration_is_and_what_lies_beyond(tmp_path: Path) -> None:
    place = write_bundle(tmp_path / "bundle", linear_model(shape=(24, 24, 1)), small_manifest()).folder
    shown = RUN.invoke(app, ["bundle", "show", str(place)], env={"COLUMNS": "160"}).output.replace("\u00a0", " ")
    assert "match probability at the threshold, at a prior of 50 %: 42.9 % to 57.1 %" in shown
    assert "below 0.1 %: threshold 0.8200 + 0.0500 × ln(0.1 % / rate), extrapolated" in shown
    old = write_bundle(
        tmp_path / "old",
        linear_model(shape=(24, 24, 1)),
        small_manifest(format=2, calibration=Calibration(8.0, -2.0, 100, 100), tail=None),
    )
    shown = RUN.invoke(app, ["bundle", "show", str(old.folder)], env={"COLUMNS": "160"}).output
    assert "How sure" not in shown
    assert "Rarer false matches" not in shown
