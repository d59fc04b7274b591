"""Real faces in photos as people take them, from the photo to the name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.serving.gallery.people import KEY, pattern_verifier
from twinlens.data.lfw import people_samples, read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.errors import FaceError
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.models import DEFAULT, shipped_models
from twinlens.serving.verifier import Verifier

pytestmark = pytest.mark.lfw
PEOPLE = ("Abdullah_Gul", "Bill_Gates", "Hans_Blix", "Ricardo_Lagos")


@pytest.fixture
def lfw(data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of LFW's photos."""
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    return read_lfw(locate_lfw()).root


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    """One for all tests: what finds faces takes a while to load."""
    return pattern_verifier(faces=True)


@pytest.fixture
def gallery(tmp_path: Path, verifier: Verifier, lfw: Path) -> Gallery:
    """Four people, enrolled with their photos."""
    gallery = Gallery.open(tmp_path / "people.db", verifier, key=KEY, create=True)
    for name in PEOPLE:
        gallery.enrol(name, [lfw / name / f"{name}_0001.jpg"], keep_photos=True, allow_duplicate=True)
    return gallery


def taken_elsewhere(path: Path) -> np.ndarray:
    """The same face, tilted, larger, and in the corner of a larger photo."""
    with Image.open(path) as opened:
        tilted = opened.rotate(9, Image.Resampling.BICUBIC).resize((400, 400), Image.Resampling.BICUBIC)
    photo = Image.new("RGB", (900, 700), (90, 120, 100))
    photo.paste(tilted, (430, 250))
    return np.asarray(photo)


def test_a_face_is_found_wherever_it_is_in_the_photo(gallery: Gallery, lfw: Path) -> None:
    for name in PEOPLE:
        found = gallery.identify(taken_elsewhere(lfw / name / f"{name}_0001.jpg"), most=4)
        assert found.candidates[0].subject_id == name
        assert found.candidates[0].score > 0.9
        assert found.candidates[1].score < 0.9
        assert found.quality is not None
        assert found.quality.eye_distance > 50
    gallery.close()


def test_a_photo_without_a_face_or_a_poor_one_is_not_enrolled(gallery: Gallery, lfw: Path) -> None:
    face = taken_elsewhere(lfw / "Hans_Blix" / "Hans_Blix_0002.jpg")
    with pytest.raises(FaceError, match=r"wall\.jpg shows no face"):
        gallery.enrol("Blix", [face, np.full((300, 300, 3), 120, np.uint8)], names=["good.jpg", "wall.jpg"])
    with pytest.raises(FaceError, match=r"dark\.jpg is not good enough to be enrolled: the face is too dark"):
        gallery.enrol("Blix", [face // 5], names=["dark.jpg"])
    assert len(gallery.subjects()) == 4
    gallery.close()


def test_of_several_faces_one_is_chosen(gallery: Gallery, lfw: Path) -> None:
    photos = [Image.open(lfw / name / f"{name}_0001.jpg") for name in PEOPLE[:2]]
    both = Image.new("RGB", (500, 250))
    for place, photo in zip((0, 250), photos, strict=True):
        both.paste(photo, (place, 0))
        photo.close()
    pixels = np.asarray(both)
    with pytest.raises(FaceError, match="shows 2 faces"):
        gallery.identify(pixels)
    found = {gallery.identify(pixels, face=number).candidates[0].subject_id for number in (1, 2)}
    assert found == set(PEOPLE[:2])
    gallery.close()


def test_kept_photos_make_the_same_templates_for_another_model(gallery: Gallery, lfw: Path, tmp_path: Path) -> None:
    """Moving to a model is as good as having enrolled with it."""
    new, probe = pattern_verifier(faces=True, name="others", seed=1), lfw / "Bill_Gates" / "Bill_Gates_0002.jpg"
    with Gallery.open(tmp_path / "fresh.db", new, key=KEY, create=True) as fresh:
        for name in PEOPLE:
            fresh.enrol(name, [lfw / name / f"{name}_0001.jpg"], allow_duplicate=True)
        expected = fresh.identify(probe).candidates
    gallery.reenrol(new)
    found = gallery.identify(probe).candidates
    assert [one.subject_id for one in found] == [one.subject_id for one in expected]
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-6)
    gallery.close()


def people_of_the_test() -> dict[str, list[Path]]:
    """The photos of each person of View 1's test."""
    dataset = read_lfw(locate_lfw())
    (samples,) = people_samples(locate_lfw().lists / "peopleDevTest.txt", dataset)
    photos: dict[str, list[Path]] = {}
    for sample in (dataset.samples[index] for index in samples):
        photos.setdefault(sample.subject_id, []).append(dataset.root / sample.name)
    return photos


@pytest.mark.skipif(DEFAULT not in shipped_models(), reason="no model comes along yet")
def test_people_are_told_apart_by_the_model_that_comes_along(lfw: Path, tmp_path: Path) -> None:
    """Twenty people of View 1's test: most are named or at least ranked first, and strangers are nobody."""
    photos = people_of_the_test()
    several = [name for name, paths in photos.items() if len(paths) > 1][:20]
    strangers = [paths[0] for name, paths in photos.items() if name not in several][:60]
    with Gallery.open(tmp_path / "people.db", Verifier.load(), key=KEY, create=True) as gallery:
        for name in several:
            gallery.enrol(name, photos[name][:1], allow_poor=True, allow_duplicate=True, face=1)
        found = {name: gallery.identify(photos[name][1], face=1) for name in several}
        assert sum(answer.candidates[0].subject_id == name for name, answer in found.items()) >= 14
        assert sum(answer.subject_id not in (None, name) for name, answer in found.items()) == 0
        # One in a hundred on average over people to enrol; some twenty have more doubles than others.
        assert sum(gallery.identify(path, face=1).subject_id is not None for path in strangers) <= 6


@pytest.mark.skipif(DEFAULT not in shipped_models(), reason="no model comes along yet")
def test_more_templates_make_decisions_no_laxer_and_no_surer_than_they_are(lfw: Path) -> None:
    """Even odds, and all probabilities from 90 % up, of people of View 1's test with 1, 2 and 5 templates."""
    photos, verifier = people_of_the_test(), Verifier.load()
    several = [embed(verifier, paths[:6]) for paths in photos.values() if len(paths) > 5]
    strangers = embed(verifier, [paths[0] for paths in photos.values() if len(paths) == 1][:30])
    rates = {}
    for count in (1, 2, 5):
        genuine = np.concatenate([decided(verifier, one[5:], one[:count]) for one in several])
        impostor = np.concatenate([decided(verifier, strangers, one[:count]) for one in several])
        rates[count] = np.mean(impostor >= 0.5)
        right, wrong = np.mean(genuine >= 0.9), np.mean(impostor >= 0.9)
        assert right / (right + wrong) >= 0.95
    assert 0.03 < rates[1] < 0.11
    assert max(rates[2], rates[5]) <= rates[1] + 0.01


def embed(verifier: Verifier, paths: list[Path]) -> np.ndarray:
    """Embeddings of photos in LFW's frame."""
    return verifier.embed(np.stack([verifier.acquire(path, aligned=True).crop for path in paths]))


def decided(verifier: Verifier, probes: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """The probability that each probe shows the subject of the templates."""
    best = verifier.manifest.comparison.matrix(probes, templates).max(axis=1)
    found = [verifier.decide(score, templates=len(templates)) for score in best.tolist()]
    assert all(one.is_match == (one.probability.value >= 0.5) for one in found)
    return np.array([one.probability.value for one in found])
