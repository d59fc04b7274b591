"""The real datasets, unpacked once into the cache of the test run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens.data.dataset import Dataset
from twinlens.data.lfw import read_lfw
from twinlens.data.omniglot import read_omniglot
from twinlens.data.sources import LfwFiles, OmniglotFiles, locate_lfw, locate_omniglot


@pytest.fixture(scope="session")
def real_cache(shared_cache: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_CACHE", str(shared_cache))
        yield shared_cache


@pytest.fixture(scope="session")
def lfw_files(data_folder: Path, real_cache: Path) -> LfwFiles:
    return locate_lfw(data_folder / "lfw")


@pytest.fixture(scope="session")
def lfw(lfw_files: LfwFiles) -> Dataset:
    return read_lfw(lfw_files)


@pytest.fixture(scope="session")
def omniglot_files(data_folder: Path, real_cache: Path) -> OmniglotFiles:
    return locate_omniglot(data_folder / "omniglot")


@pytest.fixture(scope="session")
def omniglot(omniglot_files: OmniglotFiles) -> Dataset:
    return read_omniglot(omniglot_files)
