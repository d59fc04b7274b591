import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import twinlens
from tests.serving.made import FRAME, small_bundle
from tests.simulated import draw_face
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.errors import BundleError, ConfigError, FaceError, ImageError
from twinlens.images import read_crop
from twinlens.serving.decision import Verification
from twinlens.serving.verifier import Verifier
from twinlens.types import Float32Array, UInt8Array


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, Path]:
    places = (tmp_path / "first.png", tmp_path / "second.png")
    for place, name in zip(places, ("Ann/1", "Bo/1"), strict=True):
        draw_face(name).save(place)
    return places


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    return Verifier.load(small_bundle(tmp_path / "bundle").folder, threads=1)


def test_a_verification_is_what_bundle_and_encoder_say(verifier: Verifier, photos: tuple[Path, Path]) -> None:
    found = verifier.verify(*photos, prior=0.1)
    first, second = (verifier.encoder(read_crop(path, FRAME)[None]) for path in photos)
    assert found.score == pytest.approx(verifier.manifest.comparison.pairs(first, second)[0], abs=1e-6)
    decision = verifier.decide(found.score, prior=0.1)
    assert found.model_dump(include=set(type(decision).model_fields)) == decision.model_dump()
    assert (found.model, found.fingerprint) == (verifier.manifest.name, verifier.manifest.fingerprint)
    assert found.qualities == (None, None)
    assert found.remarks == ((), ())
    assert 0 < found.seconds < 10


def test_order_does_not_matter_and_how_photos_come_does_not(verifier: Verifier, photos: tuple[Path, Path]) -> None:
    first, second = photos
    score = verifier.verify(first, second).score
    assert verifier.verify(second, first).score == pytest.approx(score, abs=1e-6)
    assert verifier.verify(first.read_bytes(), str(second)).score == score
    assert verifier.verify(first, first).score == pytest.approx(1)


def test_it_is_json_and_comes_back(verifier: Verifier, photos: tuple[Path, Path]) -> None:
    found = verifier.verify(*photos, fmr=0.02)
    assert json.loads(found.model_dump_json())["fmr"] == 0.02
    assert Verification.model_validate_json(found.model_dump_json()) == found


def test_mistakes_are_told_before_a_photo_is_opened(verifier: Verifier, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.png"
    with pytest.raises(ConfigError, match="prior 0"):
        verifier.verify(nowhere, nowhere, prior=0)
    with pytest.raises(ConfigError, match="false match rate of 1e-06"):
        verifier.verify(nowhere, nowhere, fmr=1e-6)
    with pytest.raises(ImageError, match=r"nowhere\.png is missing"):
        verifier.verify(nowhere, nowhere)


def test_photos_without_a_name_are_called_first_and_second(verifier: Verifier, photos: tuple[Path, Path]) -> None:
    with pytest.raises(ImageError, match="The second photo is empty"):
        verifier.verify(photos[0], b"")
    with pytest.raises(ImageError, match="The first photo is no image"):
        verifier.verify(b"hello", photos[0])


def test_crops_are_embedded_in_batches(verifier: Verifier) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (150, *FRAME.shape), np.uint8)
    sizes = []

    def counting(batch: UInt8Array) -> Float32Array:
        sizes.append(len(batch))
        return verifier.encoder(batch)

    embeddings = Verifier(verifier.bundle, counting).embed(crops)
    np.testing.assert_allclose(embeddings, verifier.encoder(crops), rtol=1e-5)
    assert sizes == [64, 64, 22]
    assert verifier.embed(crops[:0]).shape == (0, 3)


def test_embeddings_that_are_no_numbers_are_refused(verifier: Verifier, photos: tuple[Path, Path]) -> None:
    broken = Verifier(verifier.bundle, lambda crops: np.full((len(crops), 3), np.nan, np.float32))
    with pytest.raises(BundleError, match="not finite"):
        broken.verify(*photos)


def test_threads_share_a_verifier(verifier: Verifier, photos: tuple[Path, Path]) -> None:
    alone = verifier.verify(*photos).score
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: verifier.verify(*photos).score, range(32)))
    assert together == [alone] * 32


def test_it_is_public() -> None:
    assert twinlens.Verifier is Verifier


@pytest.mark.lfw
def test_faces_are_found_measured_and_remarked_on(
    tmp_path: Path, data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    dataset = read_lfw(locate_lfw())
    verifier = Verifier.load(small_bundle(tmp_path / "faces", "lfw").folder, threads=1)
    first, second = (dataset.path(index) for index in (7, 40))
    found = verifier.verify(first, second)
    assert all(quality is not None and 25 < quality.eye_distance < 60 for quality in found.qualities)
    acquired = [verifier.acquire(path) for path in (first, second)]
    embeddings = verifier.embed(np.stack([each.crop for each in acquired]))
    assert found.score == verifier.manifest.comparison.pairs(embeddings[:1], embeddings[1:])[0]
    dark = (np.asarray(acquired[0].pixels) // 6).astype(np.uint8)
    of_first, of_second = verifier.verify(dark, second).remarks
    assert "the face is too dark" in of_first[0]
    assert of_second == ()
    with pytest.raises(FaceError, match="no face number 2"):
        verifier.verify(first, second, faces=(None, 2))
    framed = verifier.verify(first, second, aligned=True)
    assert framed.qualities == (None, None)
    assert framed.score != found.score
