"""Photos of one's own, from a folder or a list to a tested model, by the recipes that are sized to them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from twinlens import workflow
from twinlens.cli.main import app
from twinlens.config import load_config
from twinlens.config.data import SyntheticData
from twinlens.config.load_sweep import load_sweep
from twinlens.config.sizing_rule import Amount, size
from twinlens.config.sweep import SweepConfig
from twinlens.data.amount import amount_of
from twinlens.data.folders import read_folder, read_pair_list
from twinlens.data.lfw import read_lfw
from twinlens.data.omniglot import is_background, read_omniglot
from twinlens.data.sources import locate_lfw, locate_omniglot
from twinlens.data.synthetic import synthetic_dataset
from twinlens.errors import DataError, RunError
from twinlens.runs import Run
from twinlens.workflow.sizing import resolve

# Small and short; everything else is left to the sizing.
SHORT = ("training.max_epochs=1", "training.threads=1", "evaluation.resamples=100", "evaluation.oneshot_trials=50")
QUICK = (*SHORT, "frame.height=24", "frame.width=24")


@pytest.fixture
def photos(tmp_path: Path, cache: Path) -> Path:
    """A folder of twelve subjects with four photos each."""
    return Path(shutil.copytree(synthetic_dataset(SyntheticData(subjects=12, per_subject=4)).root, tmp_path / "PHOTOS"))


def test_folder_is_sized_warned_of_trained_and_tested(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (f"data.root={photos}", *QUICK)
    run = workflow.train("own-objects", overrides=settings, out=tmp_path / "run")
    said = capsys.readouterr().err
    amount = amount_of(read_folder(photos))
    assert amount == Amount(subjects=12, comparable=12, photos=48)
    config, sized = size(load_config("own-objects", settings), amount)
    assert run.config() == config
    assert config.sizing.kind == "none"
    for one in sized:
        assert one.key in said
        assert one.because in said
    assert "training.max_epochs =" not in said
    assert "Little data. Training: 2" in said
    result = workflow.evaluate_run(run.folder)
    assert result.test is not None
    assert result.test.subjects == round(12 * config.data.model_dump()["test"])


def test_sized_training_goes_on_unless_the_data_has_changed(photos: Path, tmp_path: Path) -> None:
    settings = (f"data.root={photos}", *QUICK)
    run = workflow.train("own-objects", overrides=settings, out=tmp_path / "run")
    again = workflow.train("own-objects", overrides=settings, out=tmp_path / "run", resume=True)
    assert again == run
    with pytest.raises(RunError, match=r"loss\.margin is 0\.1 there and 0\.4 here"):
        workflow.train("own-objects", overrides=(*settings, "loss.margin=0.4"), out=tmp_path / "run", resume=True)


def test_list_of_pairs_is_sized_and_trained(photos: Path, tmp_path: Path) -> None:
    names = [f"subject-{i:04d}/subject-{i:04d}" for i in range(1, 13)]
    genuine = [f"{n}_000{a}.jpg,{n}_000{b}.jpg,1" for n in names for a, b in ((1, 2), (1, 3), (2, 3))]
    impostor = [f"{n}_0001.jpg,{o}_000{b}.jpg,0" for n, o in zip(names[::2], names[1::2], strict=True) for b in (1, 2)]
    (photos / "pairs.csv").write_text("\n".join(["first,second,is_genuine", *genuine, *impostor]))
    listed, pairs = read_pair_list(photos / "pairs.csv")
    assert amount_of(listed, len(pairs)) == Amount(subjects=12, comparable=12, photos=36, pairs=48)
    settings = ("data.kind=pairs", f"data.list={photos / 'pairs.csv'}", *QUICK)
    _, sized = resolve(load_config("own-objects", [*settings, "loss.kind=contrastive"]))
    assert "about 25 pairs train" in {one.because for one in sized}  # what two cuts of 48 leave
    run = workflow.train("own-objects", overrides=settings, out=tmp_path / "run")
    result = workflow.evaluate_run(run.folder)
    assert result.provenance.setting == "pairs-only"
    assert result.test is not None


def test_prepared_parts_are_those_of_the_sized_recipe(photos: Path) -> None:
    prepared = workflow.prepare(load_config("own-objects", [f"data.root={photos}", *QUICK]))
    tested = prepared.partition.test.subject_codes(prepared.partition.dataset)
    assert len(tested) == round(0.3 * 12)


def test_sweep_of_a_sized_recipe_sizes_it_once_for_all_trials(photos: Path, tmp_path: Path) -> None:
    recipe = load_config("own-objects", [f"data.root={photos}", *QUICK])
    config = SweepConfig(name="s", recipe=recipe, vary={"loss.scale": (16.0, 24.0)}, trials=1)
    sweep = workflow.sweep(config, out=tmp_path / "sweep")
    kept = load_sweep(tmp_path / "sweep" / "sweep.yaml").recipe
    assert kept == size(recipe, amount_of(read_folder(photos)))[0]
    assert load_config(sweep.winner).sizing.kind == "none"


def test_too_few_to_be_cut_at_all_is_an_error_that_says_so(photos: Path) -> None:
    for folder in sorted(photos.iterdir())[2:]:
        shutil.rmtree(folder)
    with pytest.raises(DataError, match="pairs can be had"):
        workflow.train("own-objects", overrides=(f"data.root={photos}", *QUICK), out=photos / "run")


def described(*words: object) -> str:
    told = CliRunner().invoke(app, ["data", "describe", *map(str, words)], catch_exceptions=False)
    assert told.exit_code == 0, told.stderr
    return " ".join(told.stdout.split())


def test_description_of_the_recipe_says_what_training_will_do_and_what_that_can_say(photos: Path) -> None:
    words = ("own-objects", "--set", f"data.root={photos}", "--set", "frame.height=24", "--set", "frame.width=24")
    found = json.loads(described(*words, "--json"))
    assert {one["key"]: one["value"] for one in found["sized"]}["network.widths"] == [12, 24, 48, 96]
    assert found["prospects"]["test_impostor_pairs"] == found["parts"]["test"]["size"]["impostor_pairs"]
    assert [rate["threshold"] for rate in found["prospects"]["rates"]] == [False] * 4
    text = described(*words)
    assert "loss.margin = 0.1" in text
    assert "What so much data can say" in text
    assert "From fewer than 100 a network mostly learns who these are" in text


def test_without_a_recipe_there_is_nothing_to_set(photos: Path) -> None:
    told = CliRunner().invoke(app, ["data", "describe", str(photos), "--set", "data.test=0.5"])
    assert told.exit_code == 2
    assert "--set changes a recipe" in told.stderr
    assert "sized" not in json.loads(described(photos, "--json"))


@pytest.mark.lfw
def test_raw_photos_of_faces_are_aligned_by_the_way(
    cache: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    lfw = read_lfw(locate_lfw())
    codes, counts = np.unique(lfw.subject_codes, return_counts=True)
    for code in codes[(counts >= 3) & (counts <= 5)][::20][:12]:
        for index in np.flatnonzero(lfw.subject_codes == code):
            place = tmp_path / "PHOTOS" / lfw.samples[index].name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(lfw.path(index), place)
    settings = (f"data.root={tmp_path / 'PHOTOS'}", *SHORT, "network.input=[24,24]")
    run: Run = workflow.train("own-faces", overrides=settings, out=tmp_path / "run", skip_broken=True)
    result = workflow.evaluate_run(run.folder, skip_broken=True)
    assert result.provenance.outside_data == "label-free"
    assert result.data.subjects == 12
    assert result.test is not None


@pytest.mark.omniglot
def test_folder_of_characters_needs_no_colour_and_no_mirror(
    cache: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    omniglot = read_omniglot(locate_omniglot())
    background = np.flatnonzero(is_background(omniglot))
    codes = np.unique(omniglot.subject_codes[background])[::40]
    for number, code in enumerate(codes):
        for index in background[omniglot.subject_codes[background] == code][:6]:
            place = tmp_path / "CHARACTERS" / f"character{number:02d}" / omniglot.path(index).name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(omniglot.path(index), place)
    plain = ("frame.colour=grey", "inference.flip=false", "augment.flip=0")
    settings = (f"data.root={tmp_path / 'CHARACTERS'}", *plain, *QUICK, "training.max_epochs=4")
    run = workflow.train("own-objects", overrides=settings, out=tmp_path / "run")
    result = workflow.evaluate_run(run.folder)
    assert result.test is not None
    assert result.test.auc.value > 0.5
