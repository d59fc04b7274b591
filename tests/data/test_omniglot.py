from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twinlens.data.dataset import Dataset
from twinlens.data.omniglot import (
    alphabet_codes,
    drawer_numbers,
    is_background,
    is_in_runs,
    read_omniglot,
    read_runs,
)
from twinlens.data.sources import OmniglotFiles
from twinlens.errors import DataError

DRAWINGS = ("Greek/character01/0001_01.png", "Greek/character02/0002_01.png", "Latin/character01/0003_01.png")


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _files(background: Path, evaluation: Path, runs: Path) -> OmniglotFiles:
    _touch(*(background / name for name in DRAWINGS), background / ".DS_Store", background / "Greek" / "notes.txt")
    _touch(*(evaluation / name.replace("Greek", "Zulu").replace("Latin", "Xhosa") for name in DRAWINGS))
    return OmniglotFiles(background, evaluation, runs)


def _write_runs(runs: Path) -> None:
    for number in range(1, 21):
        run = f"run{number:02d}"
        shift = range(1, 21)
        lines = [f"{run}/test/item{i:02d}.png {run}/training/class{(i + number) % 20 + 1:02d}.png" for i in shift]
        _touch(*(runs / name for line in lines for name in line.split()))
        (runs / run / "class_labels.txt").write_text("\n".join(lines) + "\n")


def _check(dataset: Dataset) -> None:
    assert [sample.name.partition("/")[0] for sample in dataset.samples] == (
        ["images_background"] * 3 + ["images_evaluation"] * 3
    )
    assert dataset.samples[1].subject_id == "Greek/character02"
    assert is_background(dataset).tolist() == [True] * 3 + [False] * 3
    assert alphabet_codes(dataset).tolist() == [0, 0, 1, 2, 3, 3]
    assert all(dataset.path(i).is_file() for i in range(len(dataset)))


def test_halves_that_lie_together_are_read_where_they_are(tmp_path: Path) -> None:
    dataset = read_omniglot(_files(tmp_path / "images_background", tmp_path / "images_evaluation", tmp_path))
    _check(dataset)
    assert dataset.root == tmp_path


def test_halves_that_lie_apart_get_the_same_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    files = _files(tmp_path / "one" / "content", tmp_path / "two" / "content", tmp_path)
    _check(read_omniglot(files))
    assert read_omniglot(files) == read_omniglot(files)


def test_a_half_without_drawings_is_refused(tmp_path: Path) -> None:
    files = _files(tmp_path / "images_background", tmp_path / "images_evaluation", tmp_path)
    for drawing in files.evaluation.rglob("*.png"):
        drawing.unlink()
    with pytest.raises(DataError, match="images_evaluation holds no drawings"):
        read_omniglot(files)


def test_runs_say_which_class_each_item_is(tmp_path: Path) -> None:
    _write_runs(tmp_path)
    dataset, episodes = read_runs(OmniglotFiles(tmp_path, tmp_path, tmp_path))
    assert (dataset.name, len(dataset), len(dataset.subjects), len(episodes)) == ("omniglot-runs", 800, 400, 20)
    for number, episode in enumerate(episodes, start=1):
        run = f"run{number:02d}"
        assert [dataset.samples[i].name for i in episode.support[:, 0]] == [
            f"{run}/training/class{i:02d}.png" for i in range(1, 21)
        ]
        assert [dataset.samples[i].name for i in episode.query] == [f"{run}/test/item{i:02d}.png" for i in range(1, 21)]
        assert episode.query_class.tolist() == [(i + number) % 20 for i in range(1, 21)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("run03/test/item02.png", "run04/test/item02.png", "line 2 does not name"),
        ("run03/test/item02.png", "run03/test/item03.png", "must pair 20 test"),
        ("run03/test/item02.png ", "run03/test/item02.png\t", "line 2 does not name"),
        ("run03/test/item02.png", "run03/test/item99.png", "item99.png is missing"),
    ],
)
def test_wrong_runs_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    _write_runs(tmp_path)
    path = tmp_path / "run03" / "class_labels.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=message):
        read_runs(OmniglotFiles(tmp_path, tmp_path, tmp_path))
    path.unlink()
    with pytest.raises(DataError, match=r"class_labels\.txt is missing"):
        read_runs(OmniglotFiles(tmp_path, tmp_path, tmp_path))


@pytest.mark.omniglot
def test_all_drawings_are_read(omniglot: Dataset) -> None:
    assert Counter(drawer_numbers(omniglot).tolist()) == dict.fromkeys(range(1, 21), 964 + 659)
    background, alphabets = is_background(omniglot), alphabet_codes(omniglot)
    characters = [len(np.unique(omniglot.subject_codes[side])) for side in (background, ~background)]
    assert characters == [964, 659]
    assert [len(np.unique(alphabets[side])) for side in (background, ~background)] == [30, 20]
    assert set(Counter(omniglot.subject_codes.tolist()).values()) == {20}
    assert omniglot.samples[0].name == "images_background/Alphabet_of_the_Magi/character01/0709_01.png"
    assert omniglot.path(0).is_file()


@pytest.mark.omniglot
def test_the_official_runs_show_evaluation_characters(omniglot: Dataset, omniglot_files: OmniglotFiles) -> None:
    dataset, episodes = read_runs(omniglot_files)
    assert [episode.support.shape for episode in episodes] == [(20, 1)] * 20
    assert all(sorted(episode.query_class) == list(range(20)) for episode in episodes)
    originals = {Image.open(omniglot.path(i)).tobytes(): i for i in np.flatnonzero(~is_background(omniglot))}
    found = np.array([originals[Image.open(dataset.path(i)).tobytes()] for i in range(len(dataset))])
    alphabets, drawers, codes = alphabet_codes(omniglot), drawer_numbers(omniglot), omniglot.subject_codes
    for episode in episodes:
        shown, asked = found[episode.support[:, 0]], found[episode.query]
        assert len({*alphabets[shown], *alphabets[asked]}) == 1
        assert [len(set(drawers[side])) for side in (shown, asked)] == [1, 1]
        assert drawers[shown[0]] != drawers[asked[0]]
        assert (codes[shown[episode.query_class]] == codes[asked]).all()
    # What twinlens knows of them by heart, as no list says so.
    assert set(drawers[found]) == set(range(1, 9))
    assert is_in_runs(omniglot)[found].all()
    assert len(np.unique(alphabets[found])) == len(np.unique(alphabets[is_in_runs(omniglot)])) == 10


def test_drawers_are_numbered_by_the_names_of_their_drawings(tmp_path: Path) -> None:
    files = _files(tmp_path / "images_background", tmp_path / "images_evaluation", tmp_path)
    assert drawer_numbers(read_omniglot(files)).tolist() == [1] * 6
    _touch(files.background / "Latin" / "character02" / "0004_17.png", files.background / "Latin" / "new" / "mine.png")
    with pytest.raises(DataError, match=r"mine\.png is not named after its drawer"):
        drawer_numbers(read_omniglot(files))
    (files.background / "Latin" / "new" / "mine.png").unlink()
    assert drawer_numbers(read_omniglot(files)).tolist() == [1, 1, 1, 17, 1, 1, 1]
