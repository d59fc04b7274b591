from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens.data.dataset import Dataset
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.faces.finder import FaceFinder


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="session")
def lfw(data_folder: Path, shared_cache: Path) -> Iterator[Dataset]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_CACHE", str(shared_cache))
        patch.setenv("TWINLENS_DATA", str(data_folder))
        yield read_lfw(locate_lfw())
