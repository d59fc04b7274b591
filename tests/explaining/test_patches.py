import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some
from scipy.ndimage import gaussian_filter

from tests.explaining.made import noise
from twinlens.explaining.patches import GRID, covered, spots, spread
from twinlens.types import Float64Array, UInt8Array

SIDES = st.integers(8, 60)
CROPS = st.tuples(SIDES, SIDES, st.sampled_from([1, 3])).flatmap(lambda shape: some.arrays(np.uint8, shape))
GRIDS = some.arrays(np.float64, (GRID, GRID), elements=st.floats(-5, 5))


@given(SIDES, SIDES)
def test_every_pixel_is_covered_by_some_spot_and_every_spot_covers_some_pixel(height: int, width: int) -> None:
    masks = spots(height, width)
    assert masks.shape == (GRID**2, height, width)
    assert masks.min() >= 0
    assert masks.max() <= 1
    assert masks.max(0).min() > 0.4
    assert masks.max((1, 2)).min() > 0.4


def test_spots_are_soft_discs_a_fifth_of_the_crop_wide() -> None:
    [row] = np.nonzero(spots(200, 200)[55][110])  # the row through the middle of a spot
    assert len(row) == pytest.approx(0.26 * 200, abs=2)
    assert (spots(200, 200)[55][110] == 1).sum() == pytest.approx(0.14 * 200, abs=2)
    assert np.abs(np.diff(spots(200, 200)[55], axis=0)).max() < 0.2


def test_spots_have_the_symmetry_of_the_crop() -> None:
    masks = spots(30, 50).reshape(GRID, GRID, 30, 50)
    np.testing.assert_allclose(masks, masks[::-1, :, ::-1])
    np.testing.assert_allclose(masks, masks[:, ::-1, :, ::-1])


def test_some_spots_are_those_of_all() -> None:
    numbers = np.array([3, 99, 3])
    np.testing.assert_array_equal(spots(20, 30, numbers), spots(20, 30)[numbers])


@given(GRIDS, SIDES, SIDES)
def test_map_stays_within_its_values(changes: Float64Array, height: int, width: int) -> None:
    found = spread(changes, height, width)
    assert found.shape == (height, width)
    assert found.min() >= changes.min() - 1e-9
    assert found.max() <= changes.max() + 1e-9


def test_map_is_highest_where_the_spot_is() -> None:
    changes = np.zeros((GRID, GRID))
    changes[2, 7] = 1
    found = spread(changes, 100, 200)
    assert np.unravel_index(found.argmax(), found.shape) == pytest.approx((24.5, 149.5), abs=1)
    np.testing.assert_allclose(found[:, ::-1], spread(changes[:, ::-1], 100, 200))


@given(CROPS)
def test_what_is_not_covered_stays_as_it_is(crop: UInt8Array) -> None:
    masks = spots(*crop.shape[:2])[[0, 37, 99]]
    found = covered(crop, masks)
    assert found.shape == (3, *crop.shape)
    for after, mask in zip(found, masks, strict=True):
        np.testing.assert_array_equal(after[mask == 0], crop[mask == 0])


@given(CROPS, st.integers(0, GRID**2 - 1))
def test_what_covers_says_nothing_of_what_it_covers(crop: UInt8Array, spot: int) -> None:
    mask = (spots(*crop.shape[:2])[spot] > 0).astype(np.float64)
    other = np.where(mask[..., None] > 0, 255 - crop, crop)
    np.testing.assert_array_equal(covered(crop, mask[None]), covered(other, mask[None]))


@given(CROPS)
def test_what_covers_lies_between_what_is_seen(crop: UInt8Array) -> None:
    mask = (spots(*crop.shape[:2])[44] > 0).astype(np.float64)
    after = covered(crop, mask[None])[0]
    for channel in range(crop.shape[2]):
        seen = crop[..., channel][mask == 0]
        assert seen.min() <= after[..., channel].min()
        assert after[..., channel].max() <= seen.max()


def test_plain_crop_has_nothing_to_cover() -> None:
    plain = np.full((20, 30, 3), 77, np.uint8)
    assert (covered(plain, spots(20, 30)) == 77).all()


def test_covering_is_a_normalised_convolution() -> None:
    crop, mask = noise(1, (60, 60, 1)), spots(60, 60)[[33]]
    seen = 1 - mask[0]
    blurred = [
        gaussian_filter(values, 0.15 * 60, mode="constant", truncate=20) for values in (seen * crop[..., 0], seen)
    ]
    expected = seen * crop[..., 0] + (1 - seen) * blurred[0] / blurred[1]
    assert np.abs(covered(crop, mask)[0, ..., 0] - expected).max() <= 0.51


def test_almost_everything_may_be_covered() -> None:
    crop, mask = noise(2), np.ones((1, 40, 40))
    mask[0, 0, 0] = 0
    assert (covered(crop, mask) == crop[0, 0]).all()
