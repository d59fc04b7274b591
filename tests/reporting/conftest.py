"""One simulated run for all tests of reporting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.shown import started_browser
from tests.simulated import Row, draw_face, simulate_result, simulate_rows, write_scores
from twinlens.evaluation.result import Result
from twinlens.reporting.scores import ScoredPairs, read_scores
from twinlens.types import UInt8Array


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return simulate_rows(200, seed=3)


@pytest.fixture(scope="session")
def result(rows: list[Row]) -> Result:
    return simulate_result(rows)


@pytest.fixture(scope="session")
def scores(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> ScoredPairs:
    return read_scores(write_scores(tmp_path_factory.mktemp("run") / "scores-test.csv", rows))


@pytest.fixture(scope="session")
def photos() -> Callable[[str], UInt8Array]:
    return lambda name: np.asarray(draw_face(name))


@pytest.fixture(scope="module")  # while it runs, there is an event loop that other tests would stumble over
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser
