import numpy as np
from PIL import Image, ImageChops

from tests.explaining.made import noise
from tests.reporting.test_explained import FRAME, NOTHING, decision, eyes
from twinlens.explaining.face_region import face_regions
from twinlens.explaining.overlay import overlay
from twinlens.reporting.picture import PHOTO, draw_decision

REGIONS = face_regions(FRAME)
FIRST, SECOND = noise(1, (PHOTO, PHOTO, 3)), noise(2, (PHOTO, PHOTO, 3))


def shows(picture: Image.Image, part: Image.Image) -> bool:
    """Whether a part stands in one of the two columns of a picture."""
    pixels, wanted = np.asarray(picture), np.asarray(part)
    for left in (48, 48 + PHOTO + 24):
        column = pixels[:, left : left + wanted.shape[1]]
        tops = np.flatnonzero((column[:, 0] == wanted[0, 0]).all(1))
        if any(np.array_equal(column[top : top + len(wanted)], wanted) for top in tops):
            return True
    return False


def test_both_photos_and_both_overlays_are_there() -> None:
    found = decision(eyes(0.2), eyes(-0.05), REGIONS)
    picture = draw_decision(found, FIRST, SECOND)
    for pixels, changes in ((FIRST, eyes(0.2)), (SECOND, eyes(-0.05))):
        assert shows(picture, Image.fromarray(pixels))
        assert shows(picture, overlay(pixels, changes, 0.2))  # one scale for both
    assert not shows(picture, Image.fromarray(noise(3, (PHOTO, PHOTO, 3))))


def test_photos_of_other_forms_fit() -> None:
    flat, tall = noise(1, (200, PHOTO, 3)), noise(2, (PHOTO, 300, 3))
    picture = draw_decision(decision(eyes(0.2), eyes(0.1), REGIONS), flat, tall)
    assert shows(picture, Image.fromarray(flat))
    assert shows(picture, Image.fromarray(tall))


def test_decision_without_attribution_is_drawn_too() -> None:
    picture = draw_decision(decision(NOTHING, NOTHING, REGIONS), FIRST, SECOND)
    assert shows(picture, Image.fromarray(FIRST))


def test_names_of_any_letters_and_length_stay_within_their_column() -> None:
    usual = decision(eyes(0.2), eyes(0.1), REGIONS)
    odd = usual.model_copy(update={"first": usual.first.model_copy(update={"name": "Zoë 日本 " * 40 + ".jpg"})})
    pictures = [draw_decision(each, FIRST, SECOND) for each in (usual, odd)]
    left, _, right, _ = ImageChops.difference(*pictures).getbbox() or (0, 0, 0, 0)
    assert 48 <= left < right <= 48 + PHOTO
