from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from twinlens.errors import RunError
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.patches import GRID
from twinlens.explaining.record import ExplainedPair, Explanations, SampleFigures, as_grid, read_explanations
from twinlens.types import Interval


@pytest.fixture
def explanations() -> Explanations:
    rng = np.random.default_rng(0)
    saliency = Saliency(1.25, rng.normal(size=(GRID, GRID)), 1e-5 * rng.normal(size=(GRID, GRID)))
    figure = Interval(0.5, 0.4, 0.6, "subject bootstrap")
    sample = SampleFigures(
        pairs=3,
        outside=figure,
        area_outside=0.54,
        salient=figure,
        random=figure,
        level=0.95,
        mean=as_grid(np.full((GRID, GRID), 0.01)),
    )
    return Explanations(shown=(ExplainedPair.of("a/1.jpg", "b/2.jpg", saliency),), sample=sample)


def test_what_is_written_is_read(explanations: Explanations, tmp_path: Path) -> None:
    path = tmp_path / "explanations.json"
    path.write_text(explanations.model_dump_json(), encoding="utf-8")
    assert read_explanations(path) == explanations


def test_saliency_survives_rounding() -> None:
    first, second = np.random.default_rng(1).normal(size=(2, GRID, GRID)) * [[[1.0]], [[1e-6]]]
    back = ExplainedPair.of("a", "b", Saliency(2.0, first, second)).saliency
    np.testing.assert_allclose(back.first, first, rtol=0.005)
    np.testing.assert_allclose(back.second, second, rtol=0.005)
    assert back.score == 2.0


def test_run_that_was_not_explained_has_none(tmp_path: Path) -> None:
    assert read_explanations(tmp_path / "explanations.json") is None


@pytest.mark.parametrize("damage", [
    lambda text: text[:-20],
    lambda text: text.replace('"format":1', '"format":2'),
    lambda text: text.replace('"pairs":3', '"pears":3'),
    lambda text: text.replace("[[", "[[[1.0],", 1),
    lambda text: text.replace("[[0.01,", "[[", 1),
], ids=["cut off", "newer", "unknown", "no number", "short row"])  # fmt: skip
def test_damaged_file_is_refused_by_name(
    explanations: Explanations, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    path = tmp_path / "explanations.json"
    path.write_text(damage(explanations.model_dump_json()), encoding="utf-8")
    with pytest.raises(RunError, match=r"explanations\.json is not one of this version"):
        read_explanations(path)
