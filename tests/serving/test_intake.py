import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.serving.made import FRAME, small_manifest
from tests.simulated import draw_face
from twinlens.data.dataset import Dataset
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.errors import ConfigError, FaceError, ImageError
from twinlens.faces.finder import FaceFinder
from twinlens.faces.frame import SIDE
from twinlens.images import Limits, read_crop, read_image, to_crop
from twinlens.serving import intake as module
from twinlens.serving.intake import Intake

THINGS, FACES = small_manifest("omniglot"), small_manifest("lfw")
ALIGNING = small_manifest("omniglot", frame=FRAME.model_copy(update={"align": True}))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG that is many times as large as its crop."""
    path = tmp_path / "photo.jpg"
    draw_face("Ann/1").resize((900, 1100)).save(path)
    return path


@pytest.fixture(scope="module")
def lfw(data_folder: Path, shared_cache: Path) -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_CACHE", str(shared_cache))
        patch.setenv("TWINLENS_DATA", str(data_folder))
        return read_lfw(locate_lfw())


def encoded(image: Image.Image, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


def test_things_are_cropped_as_in_training_whatever_they_come_as(photo: Path) -> None:
    intake = Intake(THINGS)
    assert not intake.sees_faces
    expected = read_crop(photo, THINGS.frame)
    for given in (photo, str(photo), photo.read_bytes()):
        found = intake(given)
        np.testing.assert_array_equal(found.crop, expected)
        assert found.quality is None
        assert found.pixels.shape[1] < 900  # decoded at the size that is enough
    pixels = read_image(photo)
    np.testing.assert_array_equal(intake(pixels).crop, to_crop(pixels, THINGS.frame))


def test_aligned_photos_are_cropped_and_no_face_is_looked_for(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FaceFinder", None)
    for manifest in (FACES, ALIGNING):
        found = Intake(manifest)(photo, aligned=True)
        np.testing.assert_array_equal(found.crop, read_crop(photo, FRAME))
        assert found.quality is None


@pytest.mark.parametrize("manifest", [FACES, ALIGNING])
def test_a_photo_without_a_face_is_refused_and_named(manifest: object, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (300, 300), "white").save(blank)
    intake = Intake(manifest)  # type: ignore[arg-type]
    assert intake.sees_faces
    with pytest.raises(FaceError, match=r"blank\.png shows no face"):
        intake(blank)
    with pytest.raises(FaceError, match=r"The photo shows no face"):
        intake(blank.read_bytes())
    with pytest.raises(FaceError, match=r"Probe 7 shows no face"):
        intake(blank.read_bytes(), name="Probe 7")


def test_a_face_cannot_be_chosen_where_none_is_looked_for(photo: Path) -> None:
    for manifest, aligned in ((THINGS, False), (FACES, True)):
        with pytest.raises(ConfigError, match=r"No face is looked for in .*photo\.jpg"):
            Intake(manifest)(photo, face=1, aligned=aligned)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((9, 9, 3), np.float32),
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((0, 9, 3), np.uint8),
        np.zeros((1, 9, 9, 3), np.uint8),
    ],
    ids=lambda pixels: f"{pixels.dtype}{list(pixels.shape)}",
)
def test_pixels_of_another_form_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"Give RGB pixels, uint8 \(height, width, 3\)"):
        Intake(THINGS)(pixels)


def test_bad_and_large_photos_are_refused(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="Probe is empty"):
        Intake(THINGS)(b"", name="Probe")
    with pytest.raises(ImageError, match=r"none\.jpg is missing"):
        Intake(THINGS)(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match="too large"):
        Intake(THINGS, Limits(max_pixels=1000))(photo)
    with pytest.raises(ImageError, match="too large"):
        Intake(THINGS, Limits(max_bytes=1000))(photo)


@pytest.mark.lfw
def test_faces_are_found_however_they_lie_in_the_photo(lfw: Dataset) -> None:
    intake = Intake(FACES)
    face = Image.fromarray(read_image(lfw.path(7)))
    large = Image.new("RGB", (700, 900), (30, 60, 90))
    large.paste(face.resize((400, 400)).rotate(12), (220, 310))
    plain, found = intake(lfw.path(7)), intake(np.asarray(large))
    assert plain.pixels.shape == found.pixels.shape == (SIDE, SIDE, 3)
    assert np.abs(plain.crop.astype(int) - found.crop).mean() < 15
    assert found.quality is not None
    assert plain.quality is not None
    assert found.quality.eye_distance == pytest.approx(1.6 * plain.quality.eye_distance, rel=0.05)


@pytest.mark.lfw
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_photo_on_its_side_is_turned_upright_first(lfw: Dataset, orientation: int) -> None:
    face = Image.fromarray(read_image(lfw.path(7)))
    lying = face.rotate({3: 180, 6: 90, 8: 270}[orientation], expand=True)
    np.testing.assert_array_equal(Intake(FACES)(encoded(lying, orientation)).crop, Intake(FACES)(lfw.path(7)).crop)


@pytest.mark.lfw
def test_of_several_faces_one_is_chosen_by_its_number(lfw: Dataset) -> None:
    intake, both = Intake(FACES), Image.new("RGB", (500, 250))
    both.paste(Image.fromarray(read_image(lfw.path(40))), (0, 0))
    both.paste(Image.fromarray(read_image(lfw.path(80))), (250, 0))
    with pytest.raises(FaceError, match=r"The photo shows 2 faces, none much larger.*1 \(.*2 \("):
        intake(np.asarray(both))
    chosen = [intake(np.asarray(both), face=number).crop for number in (1, 2)]
    singles = [intake(lfw.path(index)).crop for index in (40, 80)]
    nearest = [min((0, 1), key=lambda i: np.abs(singles[i].astype(int) - crop).mean()) for crop in chosen]
    assert sorted(nearest) == [0, 1]
    with pytest.raises(FaceError, match="no face number 3"):
        intake(np.asarray(both), face=3)


@pytest.mark.lfw
def test_threads_share_one_finder_and_see_the_same(lfw: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make() -> FaceFinder:
        made.append(FaceFinder())
        return made[-1]

    monkeypatch.setattr(module, "FaceFinder", make)
    intake, paths = Intake(FACES), [lfw.path(index) for index in range(16)]
    assert not made  # not before it is needed
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda path: intake(path, face=1).crop, paths))
    for path, crop in zip(paths, together, strict=True):
        np.testing.assert_array_equal(intake(path, face=1).crop, crop)
    assert len(made) == 1
