from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens import workflow
from twinlens.config import Config, parse_config
from twinlens.runs import Run

TINY = {
    "frame": {"crop_height": 0.6, "crop_width": 0.6, "height": 32, "width": 32},
    "normalisation": {"kind": "per-image"},
    "network": {
        "widths": [8, 8, 16, 16],
        "kernels": [5, 3, 2, 1],
        "dense": 32,
        "batch_norm": True,
        "init": {"kind": "fan-in"},
    },
    "optimiser": {"kind": "adam", "learning_rate": 0.002},
    "training": {"max_epochs": 2, "patience": 2, "threads": 1},
    "evaluation": {"resamples": 100, "oneshot_trials": 50, "n_way": [5]},
}


def tiny_config(**sections: object) -> Config:
    """A recipe that trains in seconds."""
    return parse_config({"name": "tiny", **TINY, **sections}, "tiny")


@pytest.fixture(scope="session")
def cache(shared_cache: Path) -> Iterator[Path]:
    """The cache of the whole test session, for everything that is made or unpacked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_CACHE", str(shared_cache))
        yield shared_cache


@pytest.fixture(scope="session")
def synthetic_run(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A trained run on synthetic portraits whose test part nobody has looked at."""
    data = {"kind": "synthetic", "subjects": 40, "per_subject": 4, "test_pairs": 60}
    config = tiny_config(data={**data, "setting": {"kind": "identities", "pairs": 120}}, split={"validation": 0.3})
    return workflow.train(config, out=tmp_path_factory.mktemp("runs") / "synthetic")


@pytest.fixture(scope="session")
def lfw_run(cache: Path, data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A trained run on LFW View 1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_DATA", str(data_folder))
        yield workflow.train(tiny_config(), out=tmp_path_factory.mktemp("runs") / "lfw")
