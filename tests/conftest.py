"""Fixtures that everything shares: where the real data lies, and a cache that belongs to the test run."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no bug, and what CI says of a commit must not depend on the day.
settings.register_profile("twinlens", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("twinlens")

# An existing copy beside the checkout, or wherever the variable says.
_CANDIDATES = (os.environ.get("TWINLENS_DATA", ""), Path(__file__).parents[2] / "shared" / "data")


def _need(path: Path | None, what: str) -> Path:
    if path is not None and path.exists():
        return path
    message = f"{what} is not there: set TWINLENS_DATA to the folder that holds lfw/ and omniglot/"
    # A skipped test is a passed one to whoever reads only the last line, so CI may not skip.
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with ``lfw/`` and ``omniglot/``; without it the test skips, and in CI it fails."""
    found = next((Path(c) for c in _CANDIDATES if c and Path(c).is_dir()), None)
    return _need(found, "The data folder")


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole run, so that LFW is extracted and decoded once; kept if TWINLENS_CACHE is set."""
    return Path(os.environ.get("TWINLENS_CACHE") or tmp_path_factory.mktemp("cache"))
