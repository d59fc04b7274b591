"""From raw photos to decisions, on real ones."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.serving.made import small_bundle
from twinlens import workflow
from twinlens.cli.main import app
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.errors import ConfigError
from twinlens.evaluation.acquisition import WholePath
from twinlens.images import read_image

PEOPLE = ("Abdullah_Gul", "Adam_Sandler", "Al_Gore", "Alan_Greenspan", "Albert_Costa")


@pytest.fixture(scope="module")
def pairs(data_folder: Path, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of five people, larger and turned; one of them twice in a photo, and a photo of nobody."""
    folder = tmp_path_factory.mktemp("raw")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_CACHE", str(shared_cache))
        patch.setenv("TWINLENS_DATA", str(data_folder))
        root = read_lfw(locate_lfw()).root
    for person in PEOPLE:
        for number in (1, 2):
            face = Image.fromarray(read_image(root / person / f"{person}_000{number}.jpg"))
            raw = Image.new("RGB", (600, 500), (40, 70, 60))
            raw.paste(face.resize((400, 400)).rotate(8 * number), (90, 50))
            raw.save(folder / f"{person}{number}.png")
    Image.new("RGB", (300, 300)).save(folder / "nobody.png")
    both = Image.new("RGB", (1200, 500))
    both.paste(Image.open(folder / "Al_Gore1.png"), (0, 0))
    both.paste(Image.open(folder / "Adam_Sandler1.png"), (600, 0))
    both.save(folder / "both.png")
    rows = [f"{person}1.png,{person}2.png,1" for person in PEOPLE]
    rows += [f"{one}1.png,{other}2.png,0" for one, other in pairwise(PEOPLE)]
    rows += ["nobody.png,Al_Gore1.png,0", "both.png,Al_Gore2.png,1"]
    (folder / "raw.csv").write_text("first,second,is_genuine\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return folder / "raw.csv"


@pytest.mark.lfw
def test_what_cannot_be_acquired_is_counted_and_nothing_is_dropped(pairs: Path, tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "faces", "lfw")
    found = workflow.evaluate(bundle.folder, protocol=str(pairs), detect=True, out=tmp_path / "out")
    assert isinstance(found, WholePath)
    assert (found.genuine_pairs, found.impostor_pairs) == (6, 5)
    assert {failure.photo: failure.several_faces for failure in found.failures} == {
        "nobody.png": False,
        "both.png": True,
    }
    assert found.photos == 12
    assert (found.undecided_genuine, found.undecided_impostor) == (1, 1)
    assert found.failure_to_acquire.value == pytest.approx(2 / 12)
    stored = WholePath.model_validate_json((tmp_path / "out" / "evaluation.json").read_bytes())
    assert stored == found


@pytest.mark.lfw
def test_decisions_are_those_of_verify(pairs: Path, tmp_path: Path) -> None:
    from twinlens.serving.verifier import Verifier

    bundle = small_bundle(tmp_path / "faces", "lfw")
    verifier = Verifier.load(bundle.folder, threads=1)
    found = workflow.evaluate(bundle.folder, protocol=str(pairs), detect=True, out=tmp_path / "out")
    assert isinstance(found, WholePath)
    decided = [
        verifier.verify(pairs.parent / f"{person}1.png", pairs.parent / f"{person}2.png").is_match for person in PEOPLE
    ]
    assert found.false_reject_rate == pytest.approx((6 - np.sum(decided)) / 6)


@pytest.mark.lfw
def test_the_command_says_it_in_words_and_as_json(pairs: Path, tmp_path: Path) -> None:
    folder = str(small_bundle(tmp_path / "faces", "lfw").folder)
    words = ["evaluate", folder, "--protocol", str(pairs), "--detect", "--out", str(tmp_path / "out")]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.stderr
    assert "From photo to decision it is right on" in told.stdout
    assert "2 of 12 photos" in " ".join(told.stdout.split())
    as_json = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert as_json["protocol"] == "raw"


def test_only_pairs_of_faces_have_faces_to_find(tmp_path: Path) -> None:
    faces = small_bundle(tmp_path / "faces", "lfw").folder
    for protocol in (None, "lfw-view2", "omniglot-20way"):
        with pytest.raises(ConfigError, match="Faces are looked for in the photos of pairs"):
            workflow.evaluate(faces, protocol=protocol, detect=True)


def test_a_model_of_other_things_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (30, 30)).save(tmp_path / f"{name}.png")
    (tmp_path / "two.csv").write_text("first,second,is_genuine\na.png,b.png,1\n", encoding="utf-8")
    things = small_bundle(tmp_path / "things").folder
    with pytest.raises(ConfigError, match="does not see faces"):
        workflow.evaluate(things, protocol=str(tmp_path / "two.csv"), detect=True, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
