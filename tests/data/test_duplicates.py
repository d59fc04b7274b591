"""Pictures that are there twice are found however they were saved, and strangers are left alone."""

import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter
from scipy.fft import dctn

from twinlens.config import Frame
from twinlens.data import duplicates as module
from twinlens.data.dataset import Dataset
from twinlens.data.duplicates import PairStream, exact_duplicates, near_duplicates
from twinlens.data.sources import LfwFiles
from twinlens.data.store import open_store
from twinlens.data.synthetic.look import draw_look
from twinlens.data.synthetic.portrait import portrait
from twinlens.data.synthetic.shot import draw_shot
from twinlens.data.uncut import lfw_view1
from twinlens.images import to_crop
from twinlens.looks import brightness_and_sharpness


def pairs_of(stream: PairStream) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for first, second in stream for a, b in zip(first, second, strict=True)}


def photos(count: int) -> Iterator[Image.Image]:
    for subject in range(count):
        rng = np.random.default_rng([7, subject])
        look = draw_look(rng)
        yield Image.fromarray(portrait(look, draw_shot(rng, look), rng))


def crops_of(images: list[Image.Image], frame: Frame) -> np.ndarray:
    return np.stack([to_crop(np.asarray(image), frame) for image in images])


def recompressed(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.resize((180, 180)).save(buffer, "JPEG", quality=35)
    return Image.open(buffer)


VARIANTS = {
    "recompressed": recompressed,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "flatter": lambda image: ImageEnhance.Contrast(image).enhance(0.6),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "cropped anew": lambda image: image.crop((3, 2, 249, 248)),
}


@given(st.lists(st.integers(0, 4), max_size=12))
def test_exact_duplicates_are_all_pairs_of_equal_content(content: list[int]) -> None:
    codes = np.array(content, np.int64)
    samples = np.flatnonzero(np.arange(len(codes)) % 3 != 1)  # some are not asked for
    expected = {(int(a), int(b)) for a, b in combinations(samples, 2) if codes[a] == codes[b]}
    assert pairs_of(exact_duplicates(codes, samples)) == expected


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_a_picture_is_known_again_however_it_was_saved(colour: str) -> None:
    originals = list(photos(6))
    frame = Frame(height=80, width=72, colour=colour)
    for name, change in VARIANTS.items():
        crops = crops_of([*originals, *(change(image) for image in originals)], frame)
        found = pairs_of(near_duplicates(crops, np.arange(12)))
        assert found == {(i, i + 6) for i in range(6)}, name


def test_hash_and_confirmation_are_those_of_a_naive_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    base = rng.integers(0, 256, (6, 24, 20, 1)).astype(np.float64)
    noisy = base[rng.integers(0, 6, 40)] + rng.normal(0, 1, (40, 24, 20, 1)) * rng.uniform(0, 60, (40, 1, 1, 1))
    crops = np.clip(noisy, 0, 255).astype(np.uint8)
    samples = np.arange(1, 40)
    frequency = np.hypot(*np.indices((16, 16))).ravel()[1:]

    def spectrum(crop: np.ndarray) -> np.ndarray:
        # scipy's DCT doubles per axis, as does nothing here; a common factor decides nothing.
        return dctn(crop[..., 0].astype(float))[:16, :16].ravel()[1:]

    expected = set()
    for i, j in combinations(samples, 2):
        a, b = spectrum(crops[i]), spectrum(crops[j])
        differing = sum((a > np.median(a)) != (b > np.median(b)))
        a, b = a * frequency, b * frequency
        if differing <= 40 and a @ b / np.sqrt((a @ a) * (b @ b)) >= 0.93:
            expected.add((int(i), int(j)))
    assert 0 < len(expected) < 300
    assert pairs_of(near_duplicates(crops, samples)) == expected
    monkeypatch.setattr(module, "_ROWS", 7)  # several blocks, the last one not full
    assert pairs_of(near_duplicates(crops, samples)) == expected


def test_blank_and_tiny_crops_do_no_harm() -> None:
    blank = np.repeat(np.array([0, 90, 200, 200, 255], np.uint8), 105 * 105).reshape(5, 105, 105, 1)
    assert pairs_of(near_duplicates(blank, np.arange(5))) == set()
    assert pairs_of(near_duplicates(blank, np.arange(0))) == set()
    tiny = np.random.default_rng(0).integers(0, 256, (6, 8, 9, 3), np.uint8)
    tiny[5] = tiny[2]
    assert pairs_of(near_duplicates(tiny, np.arange(6))) == {(2, 5)}


@pytest.fixture(scope="module")
def view1_and_known(lfw: Dataset, lfw_files: LfwFiles) -> Dataset:
    """The photos of View 1, and the duplicates that LFW's errata name."""
    whole = lfw_view1(lfw, lfw_files.lists)
    names = {lfw.samples[i].name for part in (whole.train, whole.test) for i in part.samples}
    names |= {f"{stem[:-5]}/{stem}.jpg" for pair in KNOWN for stem in pair}
    return replace(lfw, samples=tuple(sample for sample in lfw.samples if sample.name in names))


KNOWN = (
    ("Bart_Hendricks_0001", "Ricky_Ray_0001"),
    ("Carlos_Beltran_0001", "Raul_Ibanez_0001"),
    ("Emmy_Rossum_0001", "Eva_Amurri_0001"),
)


@pytest.mark.lfw
@pytest.mark.parametrize(
    "frame",
    [Frame(), Frame(crop_height=158 / 250, crop_width=144 / 250, height=72, width=72, colour="rgb")],
    ids=["whole", "face"],
)
def test_the_duplicates_of_lfw_are_found_and_nothing_else(
    frame: Frame, view1_and_known: Dataset, real_cache: Path
) -> None:
    store = open_store(view1_and_known, frame)
    stems = [Path(sample.name).stem for sample in store.dataset.samples]
    found = {(stems[a], stems[b]) for a, b in pairs_of(near_duplicates(store.crops, np.arange(len(stems))))}
    # Looked at one by one: these all show the same picture.
    assert found >= set(KNOWN)
    assert found <= {
        *KNOWN,
        ("Andrew_Caldecott_0001", "Andrew_Gilligan_0001"),
        ("Britney_Spears_0001", "Britney_Spears_0002"),
        ("Leslie_Ann_Woodward_0001", "Leslie_Ann_Woodward_0002"),
    }


def test_brightness_and_sharpness_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 256, (700, 9, 11, 3), np.uint8)
    crops[5] = 77
    samples = np.arange(2, 700)
    brightness, sharpness = brightness_and_sharpness(crops, samples)
    for i in (0, 3, 600):
        grey = crops[samples[i]].astype(float) @ [0.299, 0.587, 0.114]
        laplacian = [
            grey[y - 1, x] + grey[y + 1, x] + grey[y, x - 1] + grey[y, x + 1] - 4 * grey[y, x]
            for y in range(1, 8)
            for x in range(1, 10)
        ]
        expected = 0 if samples[i] == 5 else np.std(laplacian) / np.std(grey)
        assert sharpness[i] == pytest.approx(expected, abs=1e-4)
        assert brightness[i] == pytest.approx(grey.mean() / 255, abs=1e-5)


def test_blur_lowers_the_sharpness_and_contrast_does_not_change_it() -> None:
    image = next(photos(1))
    shown = [image, ImageEnhance.Brightness(image).enhance(0.5), image.filter(ImageFilter.GaussianBlur(2))]
    _, (plain, darker, blurred) = brightness_and_sharpness(crops_of(shown, Frame()), np.arange(3))
    assert darker == pytest.approx(plain, rel=0.05)
    assert blurred < 0.6 * plain
