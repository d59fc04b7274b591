"""One simulated run for all tests of reporting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.shown import started_browser
from tests.simulated import Row, draw_face, simulate_result, simulate_rows, write_scores
from twinlens.evaluation.result import Result
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.patches import GRID
from twinlens.explaining.record import ExplainedPair, Explanations, SampleFigures, as_grid
from twinlens.reporting.gallery import highlighted
from twinlens.reporting.scores import ScoredPairs, read_scores
from twinlens.types import Interval, UInt8Array


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
def explanations(scores: ScoredPairs) -> Explanations:
    """What drove the decisions that a report shows, of a network that looks at the middle."""
    rng = np.random.default_rng(9)
    middle = np.exp(-(np.hypot(*np.mgrid[-4.5:5, -4.5:5]) ** 2) / 8)
    shown = [
        ExplainedPair.of(
            scores.first[i],
            scores.second[i],
            Saliency(float(scores.score[i]), *(middle * rng.normal(size=(2, GRID, GRID)))),
        )
        for i in highlighted(scores)
    ]
    sample = SampleFigures(
        pairs=40,
        outside=Interval(0.231, 0.214, 0.25, "subject bootstrap"),
        area_outside=0.539,
        salient=Interval(1.91, 1.62, 2.2, "subject bootstrap"),
        random=Interval(0.04, -0.05, 0.13, "subject bootstrap"),
        level=0.95,
        mean=as_grid(middle / middle.sum()),
    )
    return Explanations(shown=tuple(shown), sample=sample)


@pytest.fixture(scope="session")
def photos() -> Callable[[str], UInt8Array]:
    return lambda name: np.asarray(draw_face(name))


@pytest.fixture(scope="module")  # while it runs, there is an event loop that other tests would stumble over
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser
