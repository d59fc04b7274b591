import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.explaining.made import noise
from tests.serving.test_encoder import linear_model
from tests.simulated import draw_face
from tests.test_bundle import make_manifest, make_training
from twinlens.bundle import write_bundle
from twinlens.cli.main import app
from twinlens.comparison import Cosine
from twinlens.config import Frame
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw

SHAPE = (24, 24, 1)


@pytest.fixture
def photos(tmp_path: Path) -> tuple[str, str]:
    places = (tmp_path / "first.png", tmp_path / "second.png")
    for place, name in zip(places, ("Ann/1", "Bo/1"), strict=True):
        draw_face(name).save(place)
    return str(places[0]), str(places[1])


def model(folder: Path, dataset: str = "lfw", **frame: float) -> str:
    manifest = make_manifest(
        frame=Frame(**{"crop_height": 0.6, "crop_width": 0.6, "height": 24, "width": 24, **frame}),
        dim=3,
        comparison=Cosine(),
        training=make_training(dataset=dataset),
    )
    return str(write_bundle(folder / dataset, linear_model(shape=SHAPE), manifest).folder)


def explain(*arguments: str) -> str:
    outcome = CliRunner().invoke(app, ["explain", *arguments])
    assert outcome.exit_code == 0, outcome.stderr
    return outcome.stdout


def test_decision_place_and_cost_are_told(photos: tuple[str, str], tmp_path: Path) -> None:
    picture = tmp_path / "why.png"
    told = explain(*photos, "--model", model(tmp_path), "--aligned", "--out", str(picture))
    assert told.startswith(("Match: score ", "No match: score "))
    assert "outside the face" in told
    assert "Most for a match speaks a spot on" in told
    assert "202 encodings in" in told
    assert str(picture) in told
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"


def test_picture_lies_here_unless_told_otherwise(
    photos: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    explain(*photos, "--model", model(tmp_path), "--aligned")
    assert (tmp_path / "explain.png").is_file()


def test_json_has_everything_and_draws_nothing(
    photos: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = json.loads(explain(*photos, "--model", model(tmp_path), "--aligned", "--prior", "0.1", "--json"))
    assert told["is_match"] == (told["score"] >= told["threshold"])
    assert told["prior"] == 0.1
    assert told["first"]["name"] == photos[0]
    assert np.shape(told["second"]["changes"]) == (10, 10)
    assert told["first"]["outside"] == pytest.approx(
        told["first"]["shares"]["hair and surroundings"] + told["first"]["shares"]["neck and clothes"], abs=0.01
    )
    assert not (tmp_path / "explain.png").exists()


def test_nothing_is_said_of_faces_where_there_may_be_none(photos: tuple[str, str], tmp_path: Path) -> None:
    told = json.loads(explain(*photos, "--model", model(tmp_path, "omniglot"), "--json"))
    assert told["area_outside"] is told["first"]["outside"] is None
    assert "middle" in told["first"]["shares"]


@pytest.mark.parametrize(("change", "naming"), [
    ({"--prior": "0"}, "prior"), ({"--fmr": "1e-9"}, "1e-09"),
    ({"--out": "why.html"}, "PNG"), ({"--model": "nowhere"}, "nowhere"),
])  # fmt: skip
def test_mistakes_have_a_sentence_and_status_two(
    photos: tuple[str, str], tmp_path: Path, change: dict[str, str], naming: str
) -> None:
    options = {"--model": model(tmp_path), "--out": str(tmp_path / "why.png")} | change
    words = [word for option in options.items() for word in option]
    outcome = CliRunner().invoke(app, ["explain", *photos, "--aligned", *words])
    assert outcome.exit_code == 2
    assert naming in outcome.stderr
    assert not (tmp_path / "why.png").exists()


@pytest.mark.parametrize(("dataset", "align"), [("omniglot", True), ("lfw", False)])
def test_model_that_sees_faces_refuses_photos_without_one(tmp_path: Path, dataset: str, align: bool) -> None:
    plain = tmp_path / "plain.png"
    Image.fromarray(noise(1, (250, 250, 3))).save(plain)
    folder = model(tmp_path, dataset, align=align)
    outcome = CliRunner().invoke(app, ["explain", str(plain), str(plain), "--model", folder])
    assert outcome.exit_code == 2
    assert "plain.png shows no face" in outcome.stderr


def test_picture_tells_of_the_threshold_that_was_asked_for(photos: tuple[str, str], tmp_path: Path) -> None:
    told = json.loads(explain(*photos, "--model", model(tmp_path), "--aligned", "--fmr", "0.05", "--json"))
    assert told["threshold"] == 1.6
    assert not told["is_match"]


@pytest.mark.lfw
def test_model_that_aligns_faces_takes_photos_of_any_size(
    data_folder: Path, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    dataset = read_lfw(locate_lfw())
    small, large = dataset.root / "Aaron_Eckhart/Aaron_Eckhart_0001.jpg", tmp_path / "large.png"
    with Image.open(small) as photo:
        photo.resize((600, 600), Image.Resampling.LANCZOS).crop((40, 0, 600, 580)).save(large)
    folder = model(tmp_path, "omniglot", align=True)
    told = json.loads(explain(str(small), str(large), "--model", folder, "--out", str(tmp_path / "why.png"), "--json"))
    assert told["score"] > 0.97  # the same face in the same place
    assert told["area_outside"] == pytest.approx(0.54, abs=0.01)  # aligned, so it is known where the face is
