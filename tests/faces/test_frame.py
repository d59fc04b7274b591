import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.faces.moved import transformed
from twinlens.faces.finder import LANDMARKS
from twinlens.faces.frame import SIDE, aligned, lfw_statistics, mean_landmarks, similarity

coordinate = st.floats(-500, 500)
points = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=7).map(np.array)


def spread(values: np.ndarray) -> float:
    return float(np.linalg.norm(values - values.mean(axis=0)))


@given(source=points, scale=st.floats(0.05, 20), angle=st.floats(-3.1, 3.1), x=coordinate, y=coordinate)
def test_a_similarity_is_found_again(source: np.ndarray, scale: float, angle: float, x: float, y: float) -> None:
    if spread(source) < 1:
        return
    true = (scale * np.exp(1j * angle), x + 1j * y)
    found = similarity(source, transformed(source, true))
    np.testing.assert_allclose(transformed(source, found), transformed(source, true), atol=1e-6 * (1 + scale * 1000))


def test_turning_and_scaling_are_what_they_are_called() -> None:
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    np.testing.assert_allclose(transformed(square, (2, 3 + 4j)), 2 * square + [3, 4])
    # The y axis points down, so a quarter turn takes what is on the right to the bottom.
    np.testing.assert_allclose(transformed(square, (1j, 0)), [[0, 0], [0, 1], [-1, 1], [-1, 0]], atol=1e-12)


@given(noise=st.integers(0, 10**6))
def test_no_other_similarity_is_nearer(noise: int) -> None:
    rng = np.random.default_rng(noise)
    source, target = rng.normal(0, 100, (2, 5, 2))
    best = similarity(source, target)
    error = spread_between(source, target, best)
    for _ in range(20):
        a, b = best[0] + complex(*rng.normal(0, 0.1, 2)), best[1] + complex(*rng.normal(0, 5, 2))
        assert spread_between(source, target, (a, b)) >= error - 1e-9


def spread_between(source: np.ndarray, target: np.ndarray, transform: tuple[complex, complex]) -> float:
    return float(((transformed(source, transform) - target) ** 2).sum())


def test_a_mirror_image_is_not_reached_by_mirroring() -> None:
    face = mean_landmarks()
    mirrored = face * [-1, 1]
    assert np.abs(transformed(face, similarity(face, mirrored)) - mirrored).max() > 10


def test_the_mean_face_is_a_face_in_the_middle() -> None:
    statistics = lfw_statistics()
    assert [landmark["name"] for landmark in statistics["landmarks"]] == list(LANDMARKS)
    left_outer, left_inner, right_outer, right_inner, nose = mean_landmarks()
    # The person's left is on the right of the photo.
    assert right_outer[0] < right_inner[0] < nose[0] < left_inner[0] < left_outer[0]
    assert nose[1] > max(left_outer[1], left_inner[1], right_outer[1], right_inner[1])
    assert abs(nose[0] - SIDE / 2) < 3
    assert statistics["counts"]["photos"] == 9525
    assert statistics["counts"]["with a face in the middle"] > 0.99 * 9525
    assert all(0 < landmark[f"std_{axis}"] < 6 for landmark in statistics["landmarks"] for axis in "xy")


def dotted(side: int, places: np.ndarray, radius: float) -> np.ndarray:
    """A grey picture with a soft white dot at each place."""
    picture = np.full((side, side), 60.0)
    for x, y in places:
        rows, columns = (np.exp(-((np.arange(side) - centre) ** 2) / radius**2) for centre in (y, x))
        picture = np.maximum(picture, 60 + 195 * np.outer(rows, columns))
    return np.repeat(picture.round().astype(np.uint8)[..., None], 3, axis=-1)


def brightest(picture: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Where the light around a place has its centre, to a fraction of a pixel."""
    x, y = near.round().astype(int)
    patch = np.clip(picture[y - 6 : y + 7, x - 6 : x + 7, 0].astype(float) - 90, 0, None)
    rows, columns = np.mgrid[y - 6 : y + 7, x - 6 : x + 7]
    return np.array([(columns * patch).sum(), (rows * patch).sum()]) / patch.sum()


@pytest.mark.parametrize(
    ("scale", "angle"), [(0.5, 0.3), (1.0, 0.0), (1.0, -0.8), (1.7, 0.0), (2.6, 3.0), (5.3, 0.0), (5.3, 0.3)]
)
def test_landmarks_land_where_those_of_lfw_are_on_average(scale: float, angle: float) -> None:
    side = int(250 * max(1, scale) * 1.6)
    centre = (side - 1) / 2
    turned = transformed(mean_landmarks() - 124.5, (scale * np.exp(1j * angle), complex(centre, centre)))
    picture = aligned(dotted(side, turned, 2.5 * scale), turned)
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.dtype == np.uint8
    for place in mean_landmarks():
        np.testing.assert_allclose(brightest(picture, place), place, atol=0.25)


def test_a_photo_in_the_frame_stays_as_it_is() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    difference = aligned(photo, mean_landmarks()).astype(int) - photo
    assert np.abs(difference).max() <= 1  # what rounding to whole pixels leaves


def test_what_lies_outside_of_the_photo_is_black() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    picture = aligned(white, mean_landmarks())
    assert (picture[5:95, 5:95] == 255).all()
    assert not picture[105:].any()
    assert not picture[:, 105:].any()


def test_a_large_photo_is_averaged_and_not_sampled() -> None:
    # A chessboard of single pixels is grey from afar; picking pixels would leave black and white.
    board = np.indices((2000, 2000)).sum(axis=0) % 2 * 255
    photo = np.repeat(board.astype(np.uint8)[..., None], 3, axis=-1)
    picture = aligned(photo, mean_landmarks() * 8)
    assert np.abs(picture[20:230, 20:230].astype(int) - 127).max() <= 3


def test_a_large_photo_looks_like_its_small_copy() -> None:
    y, x = np.mgrid[:1000, :1000]
    wave = 128 + 60 * np.sin(x / 60) * np.cos(y / 45)
    photo = np.repeat(wave.astype(np.uint8)[..., None], 3, axis=-1)
    small = np.asarray(Image.fromarray(photo).resize((250, 250), Image.Resampling.BOX))
    # The centre of the first of four pixels is 1.5 pixels before that of the four.
    large_places = mean_landmarks() * 4 + 1.5
    difference = aligned(photo, large_places).astype(int) - aligned(small, mean_landmarks())
    assert np.abs(difference[5:-5, 5:-5]).max() <= 2
