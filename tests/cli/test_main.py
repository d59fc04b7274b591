"""Every mistake gets a sentence that names the thing and the remedy, status 2, and leaves nothing half-made."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twinlens.config import recipe_names


def twinlens(*arguments: str | Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "twinlens", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


def refused(*arguments: str | Path, naming: str, cwd: Path | None = None) -> None:
    outcome = twinlens(*arguments, cwd=cwd)
    assert outcome.returncode == 2, outcome.stderr
    assert naming in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert outcome.stdout == ""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve people with two photos each."""
    rng = np.random.default_rng(0)
    for person in range(12):
        folder = tmp_path / "photos" / f"person{person}"
        folder.mkdir(parents=True)
        for i in range(2):
            Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    return tmp_path / "photos"


def test_recipes_are_listed_with_what_they_are() -> None:
    lines = twinlens("recipes").stdout.splitlines()
    assert [line.split()[0] for line in lines] == recipe_names()
    assert all(len(line.split()) > 3 for line in lines)


def test_unknown_recipe_key_suggests_the_nearest() -> None:
    refused("train", "quick", "--set", "training.batch_sise=3", naming="did you mean 'batch_size'?")


def test_unknown_recipe_lists_the_known() -> None:
    refused("train", "koch2051", naming="koch2015-lfw")


def test_value_of_the_wrong_type_names_its_key() -> None:
    refused("train", "quick", "--set", "optimiser.learning_rate=fast", naming="optimiser.learning_rate")


def test_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    settings = ("--set", "data.kind=folder", "--set", f"data.root={tmp_path / 'nowhere'}")
    refused("train", "quick", *settings, naming="nowhere", cwd=tmp_path)
    assert not (tmp_path / "runs").exists()


def test_broken_image_is_named_with_the_remedy(photos: Path, tmp_path: Path) -> None:
    (photos / "person3" / "1.png").write_bytes(b"\x89PNG but no more")
    settings = ("--set", "data.kind=folder", "--set", f"data.root={photos}")
    refused("train", "quick", *settings, naming="person3/1.png", cwd=tmp_path)
    assert "--skip-broken" in twinlens("train", "quick", *settings, cwd=tmp_path).stderr
    assert not (tmp_path / "runs").exists()


def test_broken_images_that_are_left_out_are_counted_and_listed(photos: Path, tmp_path: Path) -> None:
    (photos / "person3" / "1.png").write_bytes(b"\x89PNG but no more")
    # Nothing is trained: the run's folder cannot be made, which is noticed after the photos have been read.
    (tmp_path / "runs").write_text("in the way")
    settings = ("--set", "data.kind=folder", "--set", f"data.root={photos}", "--set", "split.validation=0.4")
    outcome = twinlens("train", "quick", *settings, "--set", "data.test=0.4", "--skip-broken", cwd=tmp_path)
    assert "left out, with every pair they are in: 1" in outcome.stderr
    assert "person3/1.png" in outcome.stderr


def test_too_few_photos_to_learn_from_is_said(photos: Path, tmp_path: Path) -> None:
    for person in range(12):
        (photos / f"person{person}" / "1.png").unlink()
    settings = ("--set", "data.kind=folder", "--set", f"data.root={photos}")
    refused("train", "quick", *settings, naming="two photos", cwd=tmp_path)


def test_wrong_line_of_a_pair_list_is_named(photos: Path, tmp_path: Path) -> None:
    pairs = photos / "pairs.csv"
    pairs.write_text("first,second,is_genuine\nperson0/0.png,person0/1.png,1\nperson0/0.png,person9/0.png,maybe\n")
    settings = ("--set", "data.kind=pairs", "--set", f"data.list={pairs}")
    refused("train", "quick", *settings, naming="line 3", cwd=tmp_path)


def test_neither_run_nor_bundle_is_said(tmp_path: Path) -> None:
    refused("evaluate", tmp_path, naming="neither a run nor a bundle")
    refused("report", tmp_path, naming=str(tmp_path))


def test_unreadable_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "lfw.tgz").write_bytes(b"no archive")
    refused("data", "import", "lfw", "--from", tmp_path / "lfw.tgz", naming="lfw.tgz")


def test_full_disk_is_said_and_leaves_nothing(photos: Path, tmp_path: Path) -> None:
    code = (
        "import errno, os\n"
        "def full(*_): raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "os.fsync = full\n"
        "from twinlens.cli.main import main; main()"
    )
    settings = ["--set", "data.kind=folder", "--set", f"data.root={photos}"]
    outcome = subprocess.run(
        [sys.executable, "-c", code, "train", "quick", *settings],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert outcome.returncode == 2
    assert "space" in outcome.stderr
    assert not (tmp_path / "runs" / "quick" / "recipe.yaml").exists()


def test_usage_mistake_has_status_two() -> None:
    assert twinlens("train").returncode == 2


@pytest.mark.parametrize(
    ("interrupted", "arguments", "words"),
    [
        ("twinlens.workflow.train", ["train", "quick"], " A training goes on with --resume."),
        ("twinlens.workflow.train", ["quickstart", "--out", "run"], " The same command goes on."),
        ("twinlens.serving.gallery.gallery.Gallery.open", ["gallery", "stats", "--gallery", "people.db"], ""),
        ("twinlens.serving.service.keys.Keyring.listed", ["keys", "list"], ""),
    ],
)
def test_interruption_says_how_to_go_on_and_has_its_own_status(
    tmp_path: Path, interrupted: str, arguments: list[str], words: str
) -> None:
    code = (
        "from unittest.mock import patch\n"
        f"patch({interrupted!r}, side_effect=KeyboardInterrupt).start()\n"
        "from twinlens.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert outcome.returncode == 130
    assert "Traceback" not in outcome.stderr
    # Progress may stand before it: quickstart unpacks LFW first, where nobody has.
    assert outcome.stderr.splitlines()[-1] == f"Interrupted.{words}"
