import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.serving.made import small_bundle
from tests.simulated import draw_face
from twinlens.cli.decision import decision_lines, verification_lines
from twinlens.cli.main import app
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.images import read_image
from twinlens.serving.decision import Decision, Probability, Verification
from twinlens.serving.models import DEFAULT, shipped_models

RUN = CliRunner()


@pytest.fixture
def photos(tmp_path: Path) -> tuple[str, str]:
    places = (tmp_path / "first.png", tmp_path / "second.png")
    for place, name in zip(places, ("Ann/1", "Bo/1"), strict=True):
        draw_face(name).save(place)
    return str(places[0]), str(places[1])


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(small_bundle(tmp_path / "bundle").folder)


def test_status_says_the_decision_and_text_says_it_too(photos: tuple[str, str], model: str) -> None:
    same = RUN.invoke(app, ["verify", photos[0], photos[0], "--model", model])
    assert same.exit_code == 0
    first, second, last = same.stdout.splitlines()
    assert first == "Match: score 1.000, threshold 0.250 (even odds)"
    assert second.startswith("Match probability: 99.8\u00a0% at a prior of 50\u00a0%, between ")
    assert last.startswith("By koch2015-lfw in ")
    strict = Path(small_bundle(Path(model), threshold=1.5).folder)
    other = RUN.invoke(app, ["verify", *photos, "--model", str(strict)])
    assert other.exit_code == 1
    assert other.stdout.startswith("No match: ")


def test_rate_and_prior_are_used_and_told(photos: tuple[str, str], model: str) -> None:
    told = RUN.invoke(app, ["verify", *photos, "--model", model, "--fmr", "0.05", "--prior", "0.001"])
    assert "threshold 0.500 (a false match rate of 2\u00a0%)" in told.stdout
    assert "at a prior of 0.1\u00a0%" in told.stdout


def test_json_is_the_whole_verification(photos: tuple[str, str], model: str) -> None:
    told = RUN.invoke(app, ["verify", *photos, "--model", model, "--json"])
    found = Verification.model_validate_json(told.stdout)
    assert told.exit_code == (0 if found.is_match else 1)
    assert json.loads(told.stdout)["probability"].keys() == {"value", "low", "high"}


def test_the_decision_can_be_explained_on_the_way(photos: tuple[str, str], model: str, tmp_path: Path) -> None:
    picture = tmp_path / "why.png"
    told = RUN.invoke(app, ["verify", *photos, "--model", model, "--explain", str(picture)])
    assert told.exit_code in (0, 1)
    assert told.stdout.endswith(f"Picture: {picture}\n")
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"


@pytest.mark.parametrize(
    ("options", "naming"),
    [
        (["--fmr", "1e-9"], "smallest rate that they support is 0.001"),
        (["--fmr", "2"], "is no rate"),
        (["--prior", "1"], "is no probability"),
        (["--face", "1", "0"], "No face is looked for"),
        (["--explain", "why.jpg"], "is no PNG"),
        (["--model", "nobody"], "There is no model 'nobody'"),
    ],
    ids=str,
)
def test_mistakes_have_a_sentence_and_status_two(
    photos: tuple[str, str], model: str, options: list[str], naming: str
) -> None:
    outcome = RUN.invoke(app, ["verify", *photos, "--model", model, *options])
    assert outcome.exit_code == 2
    assert naming in outcome.stderr
    assert outcome.stdout == ""


def test_the_model_that_comes_along_is_the_default(photos: tuple[str, str]) -> None:
    outcome = RUN.invoke(app, ["verify", *photos, "--aligned"])
    if DEFAULT in shipped_models():
        assert f"By {DEFAULT} in" in outcome.stdout
    else:
        assert outcome.exit_code == 2
        assert f"There is no model '{DEFAULT}'" in outcome.stderr
    assert DEFAULT in RUN.invoke(app, ["verify", "--help"]).stdout


def test_what_is_nearly_sure_is_not_called_sure() -> None:
    found = Decision(
        score=0.9,
        threshold=0.2,
        is_match=True,
        fmr=None,
        log_likelihood_ratio=12.0,
        likelihood_ratio=162754.8,
        probability=Probability(value=0.99999, low=0.9994, high=0.9999999),
        prior=0.5,
    )
    (_, sure) = decision_lines(found)
    assert "over 99.9\u00a0% at a prior" in sure
    assert "between 99.9\u00a0% and over 99.9\u00a0%" in sure
    surer = found.model_copy(update={"probability": Probability(value=0.99999, low=0.9999, high=0.999999)})
    assert decision_lines(surer)[1].startswith("Match probability: over 99.9\u00a0% at a prior of 50\u00a0%; ")
    unlike = found.model_copy(update={"probability": Probability(value=1e-9, low=None, high=None)})
    assert "under 0.1\u00a0% at a prior of 50\u00a0%;" in decision_lines(unlike)[1]


def test_what_is_wrong_with_a_photo_is_told_beside_its_name() -> None:
    found = Verification(
        **dict(
            Decision(
                score=0.9,
                threshold=0.2,
                is_match=True,
                fmr=0.01,
                log_likelihood_ratio=1.0,
                likelihood_ratio=2.7,
                probability=Probability(value=0.9, low=None, high=None),
                prior=0.5,
            )
        ),
        qualities=(None, None),
        remarks=((), ("the face is too dark",)),
        seconds=0.0123,
        model="quick",
        fingerprint="0",
    )
    assert verification_lines(found, ("a.jpg", "b.jpg"))[2:] == ["b.jpg: the face is too dark.", "By quick in 12 ms."]


@pytest.mark.lfw
def test_several_faces_are_listed_and_chosen(
    data_folder: Path, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    dataset = read_lfw(locate_lfw())
    both = Image.new("RGB", (500, 250))
    for place, index in ((0, 40), (250, 80)):
        both.paste(Image.fromarray(read_image(dataset.path(index))), (place, 0))
    both.save(tmp_path / "both.png")
    words = [
        str(tmp_path / "both.png"),
        str(dataset.path(40)),
        "--model",
        str(small_bundle(tmp_path / "m", "lfw").folder),
    ]
    several = RUN.invoke(app, ["verify", *words])
    assert several.exit_code == 2
    assert "both.png shows 2 faces" in several.stderr
    scores = [
        json.loads(RUN.invoke(app, ["verify", *words, "--face", number, "0", "--json"]).stdout)["score"]
        for number in ("1", "2")
    ]
    assert max(scores) == pytest.approx(1, abs=1e-3)
    assert scores[0] != scores[1]


def test_deciding_needs_no_torch_and_no_training_code(photos: tuple[str, str], model: str) -> None:
    code = (
        "import sys; from twinlens.serving.verifier import Verifier;"
        f"Verifier.load({model!r}).verify(*{photos!r});"
        "print(sorted({'torch', 'sklearn', 'plotly', 'lightning'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_pixels_without_anything_in_them_are_decided_on_too(model: str, tmp_path: Path) -> None:
    black = tmp_path / "black.png"
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(black)
    outcome = RUN.invoke(app, ["verify", str(black), str(black), "--model", model])
    assert outcome.exit_code == 1  # an embedding of zeros is like nothing
    assert "score 0.000" in outcome.stdout
