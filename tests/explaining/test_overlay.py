import numpy as np
import pytest

from tests.explaining.made import noise
from twinlens.config import Frame
from twinlens.explaining.overlay import AGAINST, FOR, enlarged, overlay, scale
from twinlens.explaining.patches import GRID
from twinlens.images import to_crop

WHITE = np.full((100, 80, 3), 255, np.uint8)


def test_what_speaks_for_a_match_is_blue_and_against_it_orange() -> None:
    changes = np.zeros((GRID, GRID))
    changes[:3], changes[-3:] = 2.0, -2.0
    picture = np.asarray(overlay(WHITE, changes, 2.0), int)
    assert np.abs(picture[5, 40] - FOR).max() < 30
    assert np.abs(picture[-5, 40] - AGAINST).max() < 30
    np.testing.assert_array_equal(picture[50, 40], [255, 255, 255])


def test_picture_is_the_grey_photo_where_nothing_matters() -> None:
    photo = noise(0, (60, 60, 3))
    picture = np.asarray(overlay(photo, np.zeros((GRID, GRID)), 0.0))
    assert picture.shape == photo.shape
    assert (picture[..., 0] == picture[..., 1]).all()
    assert np.corrcoef(picture[..., 0].ravel(), (photo @ [0.299, 0.587, 0.114]).ravel())[0, 1] > 0.99


def test_colours_grow_with_the_change_and_stop_at_the_limit() -> None:
    shades = [np.asarray(overlay(WHITE, np.full((GRID, GRID), value), 1.0))[50, 40, 0] for value in (0, 0.2, 0.6, 1, 3)]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 4
    assert shades[-1] == shades[-2]


def test_scale_has_the_colours_of_the_overlay() -> None:
    colours = np.asarray(scale(201, 2), int)[0]
    ground = np.full((10, 10, 3), 128, np.uint8)
    for value, place in ((-1.0, 0), (-0.5, 50), (0.0, 100), (0.5, 150), (1.0, 200)):
        drawn = np.asarray(overlay(ground, np.full((GRID, GRID), value), 1.0), int)[5, 5]
        assert np.abs(drawn - colours[place]).max() <= 2, value


@pytest.mark.parametrize("frame", [
    Frame(crop_height=0.6, crop_width=0.3, height=32, width=32),
    Frame(crop_height=0.5, crop_width=0.9, shift=0.2, height=32, width=16),
])  # fmt: skip
def test_enlarged_crop_shows_the_same_undistorted(frame: Frame) -> None:
    photo = np.asarray(np.mgrid[:200, :400].sum(0)[..., None] % 256 * np.ones(3), np.uint8)
    large = enlarged(frame, photo.shape[:2], 120)
    assert max(large.height, large.width) == 120
    assert large.height / large.width == pytest.approx(frame.crop_height * 200 / (frame.crop_width * 400), rel=0.02)
    assert to_crop(photo, large).shape == (large.height, large.width, 3)
    assert (large.crop_height, large.crop_width, large.shift) == (frame.crop_height, frame.crop_width, frame.shift)
