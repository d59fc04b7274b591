"""``twinlens data describe`` as it is typed."""

import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from twinlens.cli.description import print_description
from twinlens.cli.main import app
from twinlens.config.data import SyntheticData
from twinlens.data.description import Description
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.data.synthetic import synthetic_dataset
from twinlens.data.uncut import lfw_view1


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path / "cache"


@pytest.fixture
def faces(tmp_path: Path, cache: Path) -> Path:
    """A folder of ten subjects with three photos each."""
    return Path(shutil.copytree(synthetic_dataset(SyntheticData(subjects=10, per_subject=3)).root, tmp_path / "faces"))


def run(*words: object) -> str:
    result = CliRunner().invoke(app, ["data", "describe", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def refused(*words: object) -> str:
    """What is said of a mistake, on one line."""
    result = CliRunner().invoke(app, ["data", "describe", *map(str, words)], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (2, "")
    return " ".join(result.stderr.split())


def test_a_folder_is_one_part(faces: Path) -> None:
    found = json.loads(run(faces, "--json"))
    assert found["parts"].keys() == {"all"}
    assert found["parts"]["all"]["size"] == {
        "images": 30,
        "subjects": 10,
        "pairs": 0,
        "genuine_pairs": 0,
        "impostor_pairs": 0,
    }
    assert found["parts"]["all"]["per_subject"]["distribution"] == [[3, 10]]
    table = run(faces)
    assert re.search(r"images +│ +30 │", table)
    assert "LEAK" not in table


def test_a_csv_of_pairs_is_described_as_listed(faces: Path) -> None:
    rows = ["first,second,is_genuine"]
    rows += [f"subject-000{i}/subject-000{i}_0001.jpg,subject-000{i}/subject-000{i}_0002.jpg,1" for i in (1, 2)]
    rows += ["subject-0001/subject-0001_0001.jpg,subject-0002/subject-0002_0001.jpg,0"]
    (faces / "mine.csv").write_text("\n".join(rows))
    size = json.loads(run(faces / "mine.csv", "--json"))["parts"]["all"]["size"]
    assert size == {"images": 4, "subjects": 2, "pairs": 3, "genuine_pairs": 2, "impostor_pairs": 1}


def test_a_recipe_is_cut_as_it_says_and_leaks_are_red(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = range(1, 10)
    genuine = [f"subject-000{i}/subject-000{i}_000{a}.jpg,subject-000{i}/subject-000{i}_000{b}.jpg,1" for i in subjects
               for a, b in ((1, 2), (1, 3), (2, 3))]  # fmt: skip
    impostor = [f"subject-000{i}/subject-000{i}_0001.jpg,subject-000{i % 9 + 1}/subject-000{i % 9 + 1}_000{b}.jpg,0"
                for i in subjects for b in (1, 2, 3)]  # fmt: skip
    (faces / "pairs.csv").write_text("\n".join(["first,second,is_genuine", *genuine, *impostor]))
    recipe = tmp_path / "leaky.yaml"
    recipe.write_text(
        f"name: leaky\ndata: {{kind: pairs, list: {faces / 'pairs.csv'}, test: 0.3}}\n"
        "split: {kind: pairs, validation: 0.3}\nframe: {height: 32, width: 32}\n"
    )
    found = json.loads(run(recipe, "--json"))
    assert list(found["parts"]) == ["train", "validation", "test"]
    assert found["leaks"]
    assert found["shared"][0]["subjects"] > 0
    assert found["shared"][1]["subjects"] == 0
    assert "LEAK: train and validation share" in run(recipe)
    description = Description.model_validate(found)
    console = Console(record=True, force_terminal=True, color_system="standard", width=120, file=io.StringIO())
    monkeypatch.setattr("twinlens.cli.description.Console", lambda **_: console)
    print_description(description)
    assert re.search(r"\x1b\[1;31mLEAK", console.export_text(styles=True))


def test_sheet_and_plots_are_whole_files(faces: Path, tmp_path: Path) -> None:
    run(faces, "--sheet", tmp_path / "out" / "sheet.png", "--plot", tmp_path / "out" / "plot.html")
    sheet = Image.open(tmp_path / "out" / "sheet.png")
    assert sheet.size == (8 * 158 + 8, 2 * 180 + 8)
    assert np.asarray(sheet).std() > 20
    page = (tmp_path / "out" / "plot.html").read_text(encoding="utf-8")
    assert page.count("Plotly.newPlot(") >= 3
    outside = page.replace(page[page.index("<script>") : page.index("</script>")], "", 1)  # all but the library
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", outside)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["plot.html", "sheet.png"]


def test_a_broken_photo_is_refused_or_counted(faces: Path) -> None:
    (faces / "subject-0003" / "subject-0003_0001.jpg").write_bytes(b"\xff\xd8 no image")
    assert "subject-0003_0001" in refused(faces)
    assert "Skipped 1 broken images" in run(faces, "--skip-broken")
    found = json.loads(run(faces, "--skip-broken", "--json"))
    assert found["broken"] == ["subject-0003/subject-0003_0001.jpg"]
    assert found["images"] == 29


def test_what_is_not_there_is_named(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "faces.zip").write_bytes(b"PK")
    assert "no folder or file" in refused(tmp_path / "nowhere")
    assert "faces.zip is neither" in refused(tmp_path / "faces.zip")
    assert "no recipe 'lwf'" in refused("lwf")
    assert "none.csv" in refused(tmp_path / "none.csv")
    assert "sheet.jpg is no PNG" in refused("synthetic", "--sheet", tmp_path / "sheet.jpg")
    assert not (tmp_path / "sheet.jpg").exists()


@pytest.mark.lfw
def test_lfw_has_the_figures_of_view_1(
    data_folder: Path, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    lists, images = tmp_path / "lfw", tmp_path / "lfw" / "lfw-deepfunneled"
    shutil.copytree(data_folder / "lfw", lists, ignore=shutil.ignore_patterns("*.tgz"))
    lfw = read_lfw(locate_lfw(data_folder / "lfw"))
    whole = lfw_view1(lfw, lists)
    for index in np.union1d(whole.train.samples, whole.test.samples):  # all of LFW would take thrice as long
        link = images / lfw.samples[index].name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(lfw.path(index))
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path))

    found = json.loads(run("lfw", "--json"))
    assert found["variant"] == "deepfunneled"
    for figures in (found["official"], {name: part["size"] for name, part in found["parts"].items()}):
        assert (figures["train"]["pairs"], figures["test"]["pairs"]) == (2200, 1000)
        assert (figures["train"]["images"], figures["test"]["images"]) == (3443, 1549)
        assert (figures["train"]["subjects"], figures["test"]["subjects"]) == (2132, 963)
    assert found["official"]["shared_subjects"] == found["shared"][0]["subjects"] == 0
    assert "2,200 pairs, 3,443 images and 2,132 people to train" in run("lfw")
