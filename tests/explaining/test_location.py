import numpy as np
import pytest

from twinlens.config import Frame
from twinlens.explaining.face_region import face_regions, ninths
from twinlens.explaining.location import area_outside, locate, part_of_spot
from twinlens.explaining.patches import GRID, spread
from twinlens.types import Float64Array

FRAME = Frame(crop_height=0.6, crop_width=0.6, height=60, width=60)
FACE, NINTHS = face_regions(FRAME), ninths(FRAME)


def single(row: int, column: int, value: float = 1.0) -> Float64Array:
    changes = np.zeros((GRID, GRID))
    changes[row, column] = value
    return changes


def test_shares_are_those_of_a_naive_loop_and_signs_do_not_cancel() -> None:
    changes = np.random.default_rng(0).normal(size=(GRID, GRID))
    found = locate(changes, FACE)
    values = spread(changes, 60, 60)
    for name, part in FACE.parts.items():
        expected = sum(abs(values[i, j]) * part[i, j] for i in range(60) for j in range(60)) / np.abs(values).sum()
        assert found.shares[name] == pytest.approx(expected)
    assert sum(found.shares.values()) == pytest.approx(1, abs=0.01)
    assert list(found.shares.values()) == sorted(found.shares.values(), reverse=True)
    assert locate(-changes, FACE) == found


def test_attribution_that_is_the_same_everywhere_lies_outside_by_area() -> None:
    found = locate(np.ones((GRID, GRID)), FACE)
    assert found.outside == pytest.approx(area_outside(FACE))
    assert found.outside == pytest.approx(1 - np.pi * 50 * 66 / 150**2, abs=0.002)


@pytest.mark.parametrize(("row", "column", "outside", "part"), [
    (0, 0, 1.0, "hair and surroundings"),
    (9, 9, 1.0, "neck and clothes"),
    (4, 5, 0.0, "eyes and brows"),
    (5, 5, 0.0, "nose and cheeks"),
    (8, 5, 0.0, "mouth and chin"),
])  # fmt: skip
def test_single_spots_lie_where_they_are(row: int, column: int, outside: float, part: str) -> None:
    found = locate(single(row, column, -2.0), FACE)
    assert found.outside == pytest.approx(outside, abs=0.03)
    assert next(iter(found.shares)) == part_of_spot(row * GRID + column, FACE) == part


def test_nothing_is_outside_a_face_that_nobody_knows() -> None:
    found = locate(single(0, 9), NINTHS)
    assert found.outside is None
    assert area_outside(NINTHS) is None
    assert next(iter(found.shares)) == "top right"


def test_no_attribution_lies_nowhere() -> None:
    found = locate(np.zeros((GRID, GRID)), FACE)
    assert (found.shares, found.outside) == ({}, None)
