"""The portraits are reproducible, lie where LFW has its heads, and are neither trivial nor hopeless to tell apart."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from twinlens.config.data import SyntheticData
from twinlens.data.dataset import Dataset
from twinlens.data.synthetic import album, synthetic_dataset


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))


def _files(dataset: Dataset) -> dict[str, bytes]:
    return {sample.name: dataset.path(i).read_bytes() for i, sample in enumerate(dataset.samples)}


def _pixels(dataset: Dataset) -> np.ndarray:
    return np.stack([np.asarray(Image.open(dataset.path(i))) for i in range(len(dataset))])


def test_the_samples_are_what_was_asked_for() -> None:
    dataset = synthetic_dataset(SyntheticData(subjects=11, per_subject=3))
    assert dataset.name == "synthetic"
    assert len(dataset) == 33
    assert len(dataset.subjects) == 11
    assert list(dataset.samples) == sorted(dataset.samples, key=lambda sample: sample.name)
    assert dataset.samples[4].name == "subject-0002/subject-0002_0002.jpg"
    assert dataset.samples[4].subject_id == "subject-0002"
    assert _pixels(dataset).shape == (33, 250, 250, 3)
    on_disk = {path.relative_to(dataset.root).as_posix() for path in dataset.root.rglob("*.jpg")}
    assert on_disk == {sample.name for sample in dataset.samples}


def test_equal_configurations_give_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = SyntheticData(subjects=10, per_subject=2, seed=5)
    first = _files(synthetic_dataset(config))
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "another"))
    assert _files(synthetic_dataset(config)) == first
    assert len(set(first.values())) == len(first)


def test_a_subject_does_not_depend_on_the_others_but_on_the_seed() -> None:
    few = _files(synthetic_dataset(SyntheticData(subjects=10, per_subject=2)))
    many = _files(synthetic_dataset(SyntheticData(subjects=11, per_subject=3)))
    other = _files(synthetic_dataset(SyntheticData(subjects=10, per_subject=2, seed=1)))
    assert few.items() <= many.items()
    assert not set(few.values()) & set(other.values())


def test_what_does_not_change_the_photos_does_not_draw_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = synthetic_dataset(SyntheticData(subjects=10, per_subject=2))

    def never(*_: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(album, "portrait", never)
    again = synthetic_dataset(SyntheticData(subjects=10, per_subject=2, test=0.5, test_pairs=7))
    assert again == first


def test_an_interrupted_drawing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = SyntheticData(subjects=10, per_subject=2)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(album, "portrait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            synthetic_dataset(config)
    assert not list((tmp_path / "cache" / "synthetic").glob("[!.]*"))
    assert len(_files(synthetic_dataset(config))) == 20


def test_eyes_and_mouth_lie_where_lfw_has_them_and_pixels_tell_a_little() -> None:
    dataset = synthetic_dataset(SyntheticData(subjects=40, per_subject=3))
    grey = _pixels(dataset).mean(axis=3)

    average = grey.mean(axis=0)
    cheeks = average[128:134, 100:150].mean()
    # Mean positions in deep-funnelled LFW: pupils near (104, 111) and (146, 111), mouth near (125, 160).
    assert average[107:115, 100:108].mean() < 0.92 * cheeks
    assert average[107:115, 142:150].mean() < 0.92 * cheeks
    assert average[157:164, 116:134].mean() < 0.95 * cheeks

    crops = grey[:, 46:204, 53:197].reshape(len(dataset), -1)
    crops -= crops.mean(axis=1, keepdims=True)
    crops /= np.linalg.norm(crops, axis=1, keepdims=True)
    first, second = np.triu_indices(len(dataset), 1)
    same = dataset.subject_codes[first] == dataset.subject_codes[second]
    assert 0.62 < roc_auc_score(same, (crops @ crops.T)[first, second]) < 0.85
