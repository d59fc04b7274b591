from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from twinlens.config import Frame
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.explaining.face_region import CENTRE, HALF_AXES, Regions, face_regions, ninths
from twinlens.faces.frame import SIDE, mean_landmarks
from twinlens.images import read_image
from twinlens.types import Float64Array

WHOLE = Frame(height=SIDE, width=SIDE)
MIDDLE = Frame(crop_height=0.6, crop_width=0.6, height=75, width=60, colour="rgb")


def known(share: Float64Array | None) -> Float64Array:
    assert share is not None
    return share


@pytest.mark.parametrize("frame", [WHOLE, MIDDLE, Frame(crop_height=0.5, shift=0.1, height=40, width=40)])
@pytest.mark.parametrize("cut", [face_regions, ninths])
def test_parts_are_all_of_the_crop(cut: Callable[[Frame], Regions], frame: Frame) -> None:
    regions = cut(frame)
    total = sum(regions.parts.values())
    np.testing.assert_allclose(total, np.ones((frame.height, frame.width)), atol=3 / 255)


def test_face_is_the_ellipse_and_is_made_of_its_parts() -> None:
    regions = face_regions(WHOLE)
    face = known(regions.face)
    assert face.sum() == pytest.approx(np.pi * np.prod(HALF_AXES), rel=0.01)
    inside = [part for name, part in regions.parts.items() if "hair" not in name and "clothes" not in name]
    np.testing.assert_allclose(sum(inside), face)
    rows, columns = np.nonzero(face)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(CENTRE, abs=0.1)


def test_crop_sees_the_face_where_the_frame_puts_it() -> None:
    face = known(face_regions(MIDDLE).face)
    left, top = SIDE * 0.2, SIDE * 0.2
    y, x = np.mgrid[:75, :60] + 0.5
    x, y = left + x / 60 * 150, top + y / 75 * 150
    expected = ((x - CENTRE[0]) / HALF_AXES[0]) ** 2 + ((y - CENTRE[1]) / HALF_AXES[1]) ** 2 <= 1
    edge = (face > 0.02) & (face < 0.98)
    np.testing.assert_array_equal(face[~edge] > 0.5, expected[~edge])
    assert edge.mean() < 0.1


def test_mean_landmarks_lie_in_the_parts_that_bear_their_names() -> None:
    parts = face_regions(WHOLE).parts
    where = [next(name for name, part in parts.items() if part[round(y), round(x)] == 1) for x, y in mean_landmarks()]
    assert where == ["eyes and brows"] * 4 + ["nose and cheeks"]


def test_shifted_crop_sees_other_parts() -> None:
    up, down = (face_regions(Frame(crop_height=0.5, shift=shift, height=50, width=50)).parts for shift in (-0.2, 0.2))
    assert up["forehead"].sum() > down["forehead"].sum()
    assert up["neck and clothes"].sum() < down["neck and clothes"].sum()


def test_ninths_are_named_from_top_left_to_bottom_right() -> None:
    regions = ninths(Frame(height=30, width=60))
    assert regions.face is None
    assert list(regions.parts) == [
        *("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
    ]
    assert regions.parts["top right"][0, 59] == regions.parts["bottom left"][29, 0] == 1
    assert {part.sum() for part in regions.parts.values()} == {200}


@pytest.mark.lfw
def test_mean_image_of_lfw_has_its_skin_inside_the_ellipse(
    data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    dataset = read_lfw(locate_lfw())
    mean = np.mean([read_image(dataset.path(i)) for i in range(0, len(dataset), 40)], axis=0)
    skin = mean[..., 0] - mean[..., 2]  # redder than blue
    x, y = np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5)
    radius = np.hypot((x - CENTRE[0]) / HALF_AXES[0], (y - CENTRE[1]) / HALF_AXES[1])
    rings = [skin[(radius >= low) & (radius < low + 0.1)].mean() for low in np.arange(0, 1.6, 0.1)]
    # Of all rings the colour falls fastest about the edge of the ellipse.
    assert 0.75 <= 0.1 * np.argmin(np.diff(rings)) + 0.1 <= 1.15
    assert min(rings[:8]) > 2 * max(rings[13:])
