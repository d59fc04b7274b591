import numpy as np
import pytest

from twinlens.errors import FaceError, ImageError
from twinlens.faces.choice import central, chosen
from twinlens.faces.finder import Face


def face(size: float, x: float = 100, y: float = 100, confidence: float = 1.0) -> Face:
    box = (x - size / 2, y - size / 2, x + size / 2, y + size / 2)
    return Face(box, np.full((5, 2), (x, y), float), confidence)


def test_one_face_is_the_face() -> None:
    only = face(80)
    assert chosen([only], "photo.jpg") is only


def test_the_largest_face_is_taken_if_it_stands_out() -> None:
    faces = [face(150), face(100), face(60)]
    assert chosen(faces, "photo.jpg") is faces[0]
    with pytest.raises(FaceError, match="2 faces"):
        chosen([face(149), face(100)], "photo.jpg")


def test_no_face_is_an_error_that_says_what_helps() -> None:
    with pytest.raises(FaceError, match=r"photo\.jpg shows no face that can be found\. Take a sharp photo"):
        chosen([], "photo.jpg")


def test_several_faces_are_listed_with_numbers_and_places() -> None:
    with pytest.raises(FaceError) as caught:
        chosen([face(120, 300, 210), face(110, 60, 90)], "group.jpg")
    assert "1 (120 pixels wide, around x 300, y 210); 2 (110 pixels wide, around x 60, y 90)" in caught.value.message
    assert "number" in caught.value.remedy


def test_a_number_chooses_and_a_wrong_one_is_refused() -> None:
    faces = [face(120), face(110)]
    assert chosen(faces, "group.jpg", 2) is faces[1]
    for number in (0, 3, -1):
        with pytest.raises(FaceError, match=rf"no face number {number}, but 1 \(120"):
            chosen(faces, "group.jpg", number)


def test_a_number_is_of_no_use_where_there_is_no_face() -> None:
    with pytest.raises(FaceError, match="no face that can be found"):
        chosen([], "photo.jpg", 1)


def test_in_a_framed_photo_the_surest_face_in_the_middle_counts() -> None:
    aside, sure, unsure = face(200, 20, 30, 9.0), face(60, 120, 130, 2.0), face(100, 125, 125, 1.0)
    assert central([aside, unsure, sure]) is sure
    assert central([aside]) is None
    assert central([]) is None


def test_a_face_must_reach_the_middle_both_ways() -> None:
    assert central([face(100, 125, 20)]) is None
    assert central([face(100, 20, 125)]) is None
    assert central([face(100, 100, 150)]) is not None


def test_a_photo_without_a_face_is_a_photo_that_cannot_be_used() -> None:
    assert issubclass(FaceError, ImageError)


def test_more_faces_than_allowed_are_refused_whichever_is_asked_for() -> None:
    crowd = [face(300), face(90), face(80)]
    assert chosen(crowd, "crowd.jpg", most=3) is crowd[0]
    for number in (None, 1):
        with pytest.raises(FaceError, match="shows 3 faces, allowed are 2"):
            chosen(crowd, "crowd.jpg", number, most=2)
