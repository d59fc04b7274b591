from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twinlens.config import Frame
from twinlens.data.dataset import Dataset
from twinlens.data.store import open_store
from twinlens.errors import FaceError, ImageError
from twinlens.faces.finder import FaceFinder
from twinlens.faces.frame import SIDE
from twinlens.faces.reading import align_face, read_face_crop
from twinlens.images import read_image, to_crop
from twinlens.types import Sample

FRAME = Frame(align=True, crop_height=0.6, crop_width=0.6, height=64, width=64, colour="rgb")


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    path = tmp_path / "blank.png"
    Image.new("RGB", (SIDE, SIDE), (90, 120, 90)).save(path)
    return path


def test_a_photo_without_a_face_is_refused(finder: FaceFinder, blank: Path) -> None:
    with pytest.raises(FaceError, match=r"blank\.png shows no face"):
        read_face_crop(blank, FRAME, finder, framed=False)
    with pytest.raises(FaceError, match=r"blank\.png shows no face"):
        align_face(read_image(blank), str(blank), finder)


def test_a_framed_photo_without_a_face_stays_as_it_is(finder: FaceFinder, blank: Path) -> None:
    crop, found = read_face_crop(blank, FRAME, finder, framed=True)
    assert not found
    np.testing.assert_array_equal(crop, to_crop(read_image(blank), FRAME))


def test_a_missing_photo_is_refused(finder: FaceFinder, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="missing"):
        read_face_crop(tmp_path / "none.jpg", FRAME, finder, framed=True)


def folder_of(lfw: Dataset, root: Path, names: dict[str, Image.Image], *, framed: bool) -> Dataset:
    for name, image in names.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(root / name)
    samples = tuple(Sample(name, name.split("/")[0]) for name in sorted(names))
    return Dataset("photos", root, samples, framed=framed)


def photo(lfw: Dataset, index: int) -> Image.Image:
    return Image.fromarray(read_image(lfw.path(index)))


@pytest.fixture
def mixed(lfw: Dataset) -> dict[str, Image.Image]:
    """A turned face in a larger photo, a face as LFW has it, two faces side by side, and none."""
    turned = Image.new("RGB", (700, 900), (30, 60, 90))
    turned.paste(photo(lfw, 7).resize((400, 400)).rotate(12), (220, 310))
    two = Image.new("RGB", (500, 250))
    two.paste(photo(lfw, 40), (0, 0))
    two.paste(photo(lfw, 80), (250, 0))
    return {
        "a/turned.png": turned,
        "b/plain.png": photo(lfw, 7),
        "c/two.png": two,
        "d/none.png": Image.new("RGB", (99, 99)),
    }


@pytest.mark.lfw
def test_the_same_face_comes_out_however_it_lay_in_the_photo(
    lfw: Dataset, finder: FaceFinder, mixed: dict[str, Image.Image]
) -> None:
    plain, turned = (align_face(np.asarray(mixed[name]), name, finder) for name in ("b/plain.png", "a/turned.png"))
    assert plain.pixels.shape == turned.pixels.shape == (SIDE, SIDE, 3)
    middle = slice(80, 180)
    difference = np.abs(plain.pixels[middle, middle].astype(int) - turned.pixels[middle, middle])
    assert difference.mean() < 14
    assert turned.quality.eye_distance == pytest.approx(1.6 * plain.quality.eye_distance, rel=0.05)
    assert turned.quality.turn == pytest.approx(plain.quality.turn, abs=0.05)


@pytest.mark.lfw
def test_a_number_chooses_among_several_faces(lfw: Dataset, finder: FaceFinder, mixed: dict[str, Image.Image]) -> None:
    two = np.asarray(mixed["c/two.png"])
    with pytest.raises(FaceError, match="2 faces"):
        align_face(two, "two.png", finder)
    places = [align_face(two, "two.png", finder, number).face.landmarks[:, 0].mean() for number in (1, 2)]
    assert sorted(place > 250 for place in places) == [False, True]


@pytest.mark.lfw
def test_a_store_of_aligned_faces_leaves_out_what_shows_none_or_several(
    lfw: Dataset, mixed: dict[str, Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    dataset = folder_of(lfw, tmp_path / "photos", mixed, framed=False)
    with pytest.raises(ImageError, match=r"two\.png shows 2 faces"):
        open_store(dataset, FRAME)
    store = open_store(dataset, FRAME, skip_broken=True)
    assert [sample.name for sample in store.dataset.samples] == ["a/turned.png", "b/plain.png"]
    assert store.broken == ("c/two.png", "d/none.png")
    assert store.count_unaligned(np.arange(2)) == 0
    inner = slice(12, 52)
    assert np.abs(store.crops[0][inner, inner].astype(int) - store.crops[1][inner, inner]).mean() < 14


@pytest.mark.lfw
def test_a_framed_store_keeps_all_photos_and_counts_those_without_a_face(
    lfw: Dataset, mixed: dict[str, Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    dataset = folder_of(lfw, tmp_path / "photos", mixed, framed=True)
    for _ in range(2):  # made, then opened again
        store = open_store(dataset, FRAME)
        assert len(store.crops) == 4
        assert store.unaligned is not None
        assert "d/none.png" in store.unaligned
        assert "b/plain.png" not in store.unaligned
        assert store.count_unaligned(np.array([1])) == 0
        assert store.count_unaligned(np.array([3])) == 1
    plain = open_store(dataset, FRAME.model_copy(update={"align": False}))
    assert plain.unaligned is None
    assert plain.count_unaligned(np.arange(4)) is None
    assert not np.array_equal(plain.crops[1], store.crops[1])
