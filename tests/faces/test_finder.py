import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from PIL import Image

from twinlens.data.dataset import Dataset
from twinlens.errors import ConfigError
from twinlens.faces import finder as module
from twinlens.faces.choice import central
from twinlens.faces.finder import FaceFinder, model_file
from twinlens.faces.frame import aligned, lfw_statistics, mean_landmarks
from twinlens.images import read_image


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 700, 3), (90, 90, 3), (2000, 30, 3)])
def test_a_blank_photo_of_any_shape_shows_no_face(finder: FaceFinder, shape: tuple[int, int, int]) -> None:
    assert finder(np.full(shape, 128, np.uint8)) == ()


def test_noise_shows_no_face(finder: FaceFinder) -> None:
    assert finder(np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)) == ()


def test_without_dlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(ConfigError, match=r"needs dlib\. Install what is needed: pip install 'twinlens\[faces\]'"):
        FaceFinder()


def test_without_its_models_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"with the model other\.dat is not installed"):
        model_file("other.dat")

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "files", missing)
    with pytest.raises(ConfigError, match=r"twinlens\[faces\]"):
        model_file("shape_predictor_5_face_landmarks.dat")


def spaced(lfw: Dataset, count: int) -> list[int]:
    return np.linspace(0, len(lfw) - 1, count).astype(int).tolist()


@pytest.mark.lfw
def test_faces_of_lfw_are_found_where_they_are(lfw: Dataset, finder: FaceFinder) -> None:
    spread = np.array([[point["std_x"], point["std_y"]] for point in lfw_statistics()["landmarks"]])
    found, near = 0, []
    for index in spaced(lfw, 120):
        face = central(finder(read_image(lfw.path(index))))
        if face is not None:
            found += 1
            near.append(np.abs(face.landmarks - mean_landmarks()) / spread)
    assert found >= 118
    assert np.median(near) < 1
    assert np.mean(np.array(near) < 3) > 0.97


@pytest.mark.lfw
def test_aligned_faces_have_their_landmarks_where_the_mean_has_them(lfw: Dataset, finder: FaceFinder) -> None:
    before, after = [], []
    for index in spaced(lfw, 60):
        rgb = read_image(lfw.path(index))
        face = central(finder(rgb))
        again = central(finder(aligned(rgb, face.landmarks))) if face else None
        if face is not None and again is not None:
            before.append(np.abs(face.landmarks - mean_landmarks()).mean())
            after.append(np.abs(again.landmarks - mean_landmarks()).mean())
    assert len(after) >= 57
    # What stays is the shape of the face, its expression and its pose, and what the landmarks are unsure of.
    assert np.mean(after) < 0.65 * np.mean(before)
    assert np.mean(after) < 2


@pytest.mark.lfw
@pytest.mark.parametrize("scale", [0.5, 3.0, 12.0])
def test_size_of_the_photo_does_not_matter(lfw: Dataset, finder: FaceFinder, scale: float) -> None:
    photo = Image.fromarray(read_image(lfw.path(lfw.index["Aaron_Peirsol/Aaron_Peirsol_0001.jpg"])))
    side = round(250 * scale)
    (plain,) = finder(np.asarray(photo))
    (scaled,) = finder(np.asarray(photo.resize((side, side))))
    np.testing.assert_allclose(scaled.landmarks / scale, plain.landmarks, atol=3)
    assert scaled.size / scale == pytest.approx(plain.size, rel=0.25)


@pytest.mark.lfw
def test_faces_come_with_the_largest_first(lfw: Dataset, finder: FaceFinder) -> None:
    photos = [read_image(lfw.path(index)) for index in spaced(lfw, 2)]
    large = np.asarray(Image.fromarray(photos[0]).resize((500, 500)))
    both = np.zeros((500, 750, 3), np.uint8)
    both[:250, :250], both[:, 250:] = photos[1], large
    faces = finder(both)
    assert len(faces) == 2
    assert faces[0].size > faces[1].size
    assert faces[0].landmarks[:, 0].mean() > 250 > faces[1].landmarks[:, 0].mean()
    assert all(face.confidence > 0 for face in faces)


@pytest.mark.lfw
def test_less_sure_faces_are_found_on_request(lfw: Dataset, finder: FaceFinder) -> None:
    photo = read_image(lfw.path(lfw.index["James_Jones/James_Jones_0001.jpg"]))
    assert central(finder(photo)) is None
    face = central(finder(photo, -1.0))
    assert face is not None
    assert -1 < face.confidence < 0
    assert np.abs(face.landmarks - mean_landmarks()).max() < 15


@pytest.mark.lfw
def test_threads_may_share_a_finder(lfw: Dataset, finder: FaceFinder) -> None:
    photos = [read_image(lfw.path(index)) for index in spaced(lfw, 24)]
    alone = [finder(photo) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(finder, photos))
    for one, other in zip(alone, together, strict=True):
        assert [face.box for face in one] == [face.box for face in other]
        assert all((a.landmarks == b.landmarks).all() for a, b in zip(one, other, strict=True))
