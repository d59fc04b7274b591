import dlib
import numpy as np
import pytest
from PIL import Image

from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.errors import BundleError
from twinlens.faces.choice import central
from twinlens.faces.finder import FaceFinder, model_file
from twinlens.faces.frame import aligned
from twinlens.images import read_image, to_crop
from twinlens.serving.encoder import OnnxEncoder
from twinlens.workflow.importing.dlib_resnet import FRAME, MODEL_FILE, dlib_resnet


@pytest.fixture(scope="module")
def content() -> bytes:
    return model_file(MODEL_FILE).read_bytes()


@pytest.fixture(scope="module")
def encoder(content: bytes) -> OnnxEncoder:
    return OnnxEncoder(dlib_resnet(content), FRAME.shape, 128, threads=1)


@pytest.fixture(scope="module")
def original() -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(model_file(MODEL_FILE)))


def described(original: dlib.face_recognition_model_v1, chip: np.ndarray) -> np.ndarray:
    return np.array(original.compute_face_descriptor(np.ascontiguousarray(chip)))


def test_it_gives_what_dlib_gives(encoder: OnnxEncoder, original: dlib.face_recognition_model_v1) -> None:
    rng = np.random.default_rng(0)
    coarse = [Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)) for side in (3, 9, 40, 150)]
    crops = np.stack([np.asarray(picture.resize((150, 150))) for picture in coarse])
    expected = np.stack([described(original, crop) for crop in crops])
    np.testing.assert_allclose(encoder(crops), expected, atol=2e-5)


def test_black_and_white_are_no_exception(encoder: OnnxEncoder, original: dlib.face_recognition_model_v1) -> None:
    crops = np.stack([np.full(FRAME.shape, value, np.uint8) for value in (0, 255)])
    expected = np.stack([described(original, crop) for crop in crops])
    np.testing.assert_allclose(encoder(crops), expected, atol=2e-5)


@pytest.mark.parametrize(
    "change",
    [lambda c: b"", lambda c: b"something else", lambda c: c[: len(c) // 2], lambda c: c[:-100], lambda c: c[1000:]],
    ids=["empty", "other", "half", "shorter", "headless"],
)
def test_another_file_is_refused(content: bytes, change: object) -> None:
    with pytest.raises(BundleError, match="This is not dlib's network for faces"):
        dlib_resnet(change(content))  # type: ignore[operator]


@pytest.mark.lfw
def test_a_crop_in_lfw_s_frame_is_dlib_s_own_chip(
    encoder: OnnxEncoder,
    original: dlib.face_recognition_model_v1,
    data_folder: object,
    shared_cache: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    lfw, finder = read_lfw(locate_lfw()), FaceFinder()
    ours, theirs = [], []
    for index in np.linspace(0, len(lfw) - 1, 12).astype(int):
        rgb = np.array(read_image(lfw.path(index)))
        face = central(finder(rgb))
        assert face is not None
        points = [dlib.point(int(x), int(y)) for x, y in face.landmarks]
        shape = dlib.full_object_detection(dlib.rectangle(*map(round, face.box)), points)
        theirs.append(described(original, dlib.get_face_chip(rgb, shape, 150, 0.25)))
        ours.append(encoder(to_crop(aligned(rgb, face.landmarks), FRAME)[None])[0])
    same = np.linalg.norm(np.array(ours) - np.array(theirs), axis=1)
    others = np.linalg.norm(np.array(ours) - np.roll(theirs, 1, axis=0), axis=1)
    # 0.6 is the distance below which dlib calls two photos one person.
    assert same.mean() < 0.15
    assert same.max() < 0.3
    assert others.min() > 0.5
