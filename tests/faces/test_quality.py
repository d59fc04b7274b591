from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from tests.faces.moved import transformed
from twinlens.errors import FaceError
from twinlens.faces.frame import SIDE, lfw_statistics, mean_landmarks
from twinlens.faces.quality import Quality, measure, refuse_poor, shortcomings

PICTURE = np.random.default_rng(0).integers(60, 200, (SIDE, SIDE, 3), dtype=np.uint8)
AVERAGE = Quality(**{name: bounds["median"] for name, bounds in lfw_statistics()["quality"].items()})


@given(scale=st.floats(0.2, 9), angle=st.floats(-3, 3), x=st.floats(-500, 500), y=st.floats(-500, 500))
def test_pose_does_not_depend_on_place_size_and_tilt(scale: float, angle: float, x: float, y: float) -> None:
    plain = measure(mean_landmarks(), PICTURE)
    moved = measure(transformed(mean_landmarks(), (scale * np.exp(1j * angle), x + 1j * y)), PICTURE)
    assert moved.turn == pytest.approx(plain.turn, abs=1e-9)
    assert moved.nod == pytest.approx(plain.nod, abs=1e-9)
    assert moved.eye_distance == pytest.approx(scale * plain.eye_distance)


def test_nose_tells_where_the_head_points() -> None:
    frontal = measure(mean_landmarks(), PICTURE)
    for shift, sign in ((6, 1), (-6, -1)):
        landmarks = mean_landmarks()
        landmarks[4] += [shift, 0]
        assert np.sign(measure(landmarks, PICTURE).turn - frontal.turn) == sign
        landmarks = mean_landmarks()
        landmarks[4] += [0, shift]
        assert np.sign(measure(landmarks, PICTURE).nod - frontal.nod) == sign
    assert abs(frontal.turn) < 0.05
    assert 0.5 < frontal.nod < 1


def test_eye_distance_is_from_centre_to_centre() -> None:
    landmarks = np.array([[50, 10], [40, 10], [0, 10], [10, 10], [25, 30]], float)
    measured = measure(landmarks, PICTURE)
    assert measured.eye_distance == 40
    assert measured.turn == 0
    assert measured.nod == pytest.approx(20 / 40)


def test_blur_lowers_sharpness_and_nothing_else_does() -> None:
    plain = measure(mean_landmarks(), PICTURE)
    blurred = np.asarray(Image.fromarray(PICTURE).filter(ImageFilter.GaussianBlur(2)))
    assert measure(mean_landmarks(), blurred).sharpness < 0.5 * plain.sharpness
    faint = (PICTURE // 4 + 90).astype(np.uint8)
    assert measure(mean_landmarks(), faint).sharpness == pytest.approx(plain.sharpness, rel=0.05)
    assert measure(mean_landmarks(), faint).contrast == pytest.approx(plain.contrast / 4, rel=0.05)


def test_brightness_is_that_of_the_face_and_not_of_its_surroundings() -> None:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[60:190, 60:190] = 204
    measured = measure(mean_landmarks(), picture)
    assert measured.brightness == pytest.approx(0.8)
    assert measured.contrast == pytest.approx(0, abs=1e-6)
    assert measured.sharpness == 0


def test_an_average_photo_is_good_enough() -> None:
    assert shortcomings(AVERAGE) == {}
    refuse_poor(AVERAGE, "photo.jpg")


@pytest.mark.parametrize(
    ("measured", "end", "words"),
    [
        ("eye_distance", "low", "too small"),
        ("sharpness", "low", "blurred"),
        ("brightness", "low", "too dark"),
        ("brightness", "high", "too bright"),
        ("contrast", "low", "too little contrast"),
        ("turn", "low", "turned"),
        ("turn", "high", "turned"),
        ("nod", "low", "raised"),
        ("nod", "high", "lowered"),
    ],
)
def test_what_is_beyond_a_bound_is_named_with_its_figures(measured: str, end: str, words: str) -> None:
    bounds = lfw_statistics()["quality"][measured]
    outward = 0.01 * (bounds["high"] - bounds["low"]) * (1 if end == "high" else -1)
    refuse_poor(replace(AVERAGE, **{measured: bounds[end]}), "photo.jpg")  # the bound itself is good enough
    with pytest.raises(FaceError, match=words) as caught:
        refuse_poor(replace(AVERAGE, **{measured: bounds[end] + outward}), "photo.jpg")
    assert f"{bounds[end]:.3g}" in caught.value.message
    assert "photo.jpg is not good enough to be enrolled" in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("measured", ["eye_distance", "sharpness", "contrast"])
def test_more_of_what_is_good_is_never_refused(measured: str) -> None:
    assert shortcomings(replace(AVERAGE, **{measured: 1000.0})) == {}


def test_all_that_is_wrong_is_said_at_once_and_each_remedy_once() -> None:
    poor = Quality(eye_distance=5, sharpness=0.0, brightness=0.0, contrast=0.0, turn=1.0, nod=0.0)
    found = shortcomings(poor)
    assert len(found) == 6
    with pytest.raises(FaceError) as caught:
        refuse_poor(poor, "photo.jpg")
    assert all(reason in caught.value.message for reason in found)
    assert caught.value.remedy.count("Look into the camera.") == 1
