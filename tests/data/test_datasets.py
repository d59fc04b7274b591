from pathlib import Path

import pytest

from twinlens.config.data import FolderData, LfwData, OmniglotData, PairsData, SyntheticData
from twinlens.data.dataset import Dataset
from twinlens.data.datasets import open_dataset
from twinlens.errors import DataError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("Ann/1.jpg", "Ann/2.jpg", "Bo/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "mine.csv").write_text("first,second,is_genuine\nAnn/1.jpg,Ann/2.jpg,1\n")
    return tmp_path


def test_own_photos(photos: Path) -> None:
    assert len(open_dataset(FolderData(root=photos))) == 3
    assert len(open_dataset(PairsData(list=photos / "mine.csv"))) == 2


def test_a_folder_that_is_not_there_is_asked_for_by_its_key(photos: Path) -> None:
    with pytest.raises(DataError, match=r"data\.root is PHOTOS, where there is no folder\. .* data\.root=FOLDER"):
        open_dataset(FolderData(root=Path("PHOTOS")))
    with pytest.raises(DataError, match=r"mine\.csv cannot be read: Not a directory"):
        open_dataset(FolderData(root=photos / "mine.csv"))


def test_synthetic_portraits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path))
    dataset = open_dataset(SyntheticData(subjects=10, per_subject=2))
    assert (len(dataset), len(dataset.subjects)) == (20, 10)


@pytest.mark.lfw
def test_lfw(lfw: Dataset, data_folder: Path) -> None:
    assert open_dataset(LfwData(root=data_folder / "lfw")) == lfw


@pytest.mark.omniglot
def test_omniglot(omniglot: Dataset, data_folder: Path) -> None:
    assert open_dataset(OmniglotData(root=data_folder / "omniglot")) == omniglot
