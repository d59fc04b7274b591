"""Local binary patterns against naive loops over pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from twinlens.config.base import Frame
from twinlens.config.refinement import LocalPatterns
from twinlens.learning.descriptors.lbp import (
    BINS,
    PatternHistograms,
    bands,
    fit_features,
    mirrored_bins,
    neighbours,
    uniform_bins,
)
from twinlens.learning.export import to_onnx
from twinlens.serving.encoder import OnnxEncoder
from twinlens.types import UInt8Array

FRAME = Frame(height=23, width=20, colour="rgb")
CONFIG = LocalPatterns(radii=(1, 3), cells=(4, 3), components=5)


def some_crops(n: int, frame: Frame = FRAME, levels: int = 256) -> UInt8Array:
    """Noise; with few levels many neighbours are as bright as their pixel."""
    rng = np.random.default_rng(0)
    return (rng.integers(0, levels, (n, *frame.shape)) * (255 // (levels - 1))).astype(np.uint8)


def naive_code(grey: np.ndarray, y: int, x: int, radius: int) -> int:
    """Eight neighbours on a circle at multiples of 45°, each the nearest pixel; clockwise from the right."""
    code = 0
    for bit in range(8):
        angle = bit * np.pi / 4
        down, right = round(radius * np.sin(angle)), round(radius * np.cos(angle))
        code += (grey[y + down, x + right] >= grey[y, x]) << bit
    return code


def grey_of(crop: np.ndarray) -> np.ndarray:
    return crop.astype(int) @ np.array([77, 150, 29]) if crop.shape[2] == 3 else crop[..., 0].astype(int)


def naive_histograms(
    grey: np.ndarray, radius: int, cells: tuple[int, int], region: tuple[int, int] = (99, 99)
) -> np.ndarray:
    (rows, columns), (h, w) = cells, grey.shape
    height, width = min(h - 2 * radius, region[0]) // rows, min(w - 2 * radius, region[1]) // columns
    top, left = (h - rows * height) // 2, (w - columns * width) // 2
    counts = np.zeros((rows, columns, BINS))
    for y in range(rows * height):
        for x in range(columns * width):
            pattern = naive_code(grey, top + y, left + x, radius)
            counts[y // height, x // width, naive_bin(pattern)] += 1
    return np.sqrt(counts / (height * width))


def naive_bin(code: int) -> int:
    """Uniform patterns in the order of their codes, then all others."""
    bits = f"{code:08b}"
    uniform = [c for c in range(256) if changes(f"{c:08b}") <= 2]
    return uniform.index(code) if changes(bits) <= 2 else 58


def changes(bits: str) -> int:
    return sum(bits[i] != bits[i - 1] for i in range(8))


@pytest.mark.parametrize("levels", [256, 4])
def test_histograms_are_those_of_a_loop_over_pixels(levels: int) -> None:
    crops = some_crops(2, levels=levels)
    found = PatternHistograms(CONFIG, FRAME, mirror=False)(torch.from_numpy(crops)).numpy()
    assert found.shape == (2, 2, 12, BINS)
    for i, crop in enumerate(crops):
        for j, radius in enumerate(CONFIG.radii):
            expected = naive_histograms(grey_of(crop), radius, CONFIG.cells).reshape(12, BINS)
            np.testing.assert_allclose(found[i, j], expected, atol=1e-6)


def test_red_minus_green_comes_after_the_grey_and_the_grid_covers_the_region() -> None:
    config = CONFIG.model_copy(update={"colour": True, "region": (0.65, 0.5)})
    crops = some_crops(2)
    module = PatternHistograms(config, FRAME, mirror=False)
    found = module(torch.from_numpy(crops)).numpy()
    assert (module.layers, found.shape) == (4, (2, 4, 12, BINS))
    assert FRAME.middle(config.region) == (15, 10)
    for i, crop in enumerate(crops.astype(int)):
        planes = (grey_of(crop), crop[..., 0] - crop[..., 1])
        for layer, (plane, radius) in enumerate((plane, radius) for plane in planes for radius in CONFIG.radii):
            expected = naive_histograms(plane, radius, CONFIG.cells, (15, 10)).reshape(12, BINS)
            np.testing.assert_allclose(found[i, layer], expected, atol=1e-6)


def test_parts_are_every_layer_and_bands_of_the_grey_ones() -> None:
    config = LocalPatterns(radii=(1, 2), cells=(10, 8), colour=True)
    frame = Frame(height=44, width=44, colour="rgb")
    histograms = PatternHistograms(config, frame, mirror=True)
    features = fit_features(histograms, histograms(torch.from_numpy(some_crops(3, frame))), 2)
    shape = (4, 10, 4, 2)  # layers, rows, columns of the left half, components
    parts = features.parts()
    assert features.dim == np.prod(shape)
    assert len(parts) == 4 + 4 + 3
    for part, layer in zip(parts, range(4), strict=False):
        assert set(np.unravel_index(part, shape)[0]) == {layer}
    rows = [np.unravel_index(part, shape) for part in parts[4:8]]
    assert [(where[1].min(), where[1].max()) for where in rows] == [(0, 3), (2, 5), (4, 7), (6, 9)]
    columns = [np.unravel_index(part, shape) for part in parts[8:]]
    assert [(where[2].min(), where[2].max()) for where in columns] == [(0, 1), (1, 2), (2, 3)]
    assert all(set(where[0]) == {0, 1} for where in (*rows, *columns))


@given(size=st.integers(1, 40), count=st.integers(1, 6))
def test_bands_cover_everything_in_order(size: int, count: int) -> None:
    found = bands(size, count)
    assert 1 <= len(found) <= count
    assert sorted({i for band in found for i in range(size)[band]}) == list(range(size))
    assert len({(band.start, band.stop) for band in found}) == len(found)


def test_grey_crops_are_taken_as_they_are() -> None:
    frame = FRAME.model_copy(update={"colour": "grey"})
    crops = some_crops(1, frame)
    found = PatternHistograms(CONFIG, frame, mirror=False)(torch.from_numpy(crops))
    np.testing.assert_allclose(
        found[0, 0], naive_histograms(grey_of(crops[0]), 1, CONFIG.cells).reshape(12, BINS), atol=1e-6
    )


def test_a_flat_crop_is_one_pattern_and_so_is_one_of_another_brightness() -> None:
    module = PatternHistograms(CONFIG, FRAME, mirror=True)
    flat = torch.from_numpy(np.stack([np.full(FRAME.shape, value, np.uint8) for value in (0, 200)]))
    found = module(flat)
    assert torch.equal(found[0], found[1])
    assert found[..., uniform_bins()[255]].min() == 1
    # Patterns know nothing of brightness or contrast.
    crops = some_crops(2, levels=4)
    assert torch.equal(module(torch.from_numpy(crops // 2)), module(torch.from_numpy(crops // 4)))


def test_the_neighbours_lie_on_a_circle() -> None:
    assert neighbours(1) == ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
    assert neighbours(4)[:3] == ((0, 4), (3, 3), (4, 0))
    for radius in range(1, 12):
        for down, right in neighbours(radius):
            assert abs(np.hypot(down, right) - radius) <= 0.75


def test_bins_are_the_58_uniform_patterns_and_the_rest() -> None:
    bins = uniform_bins()
    assert [int(bins[code]) for code in range(256)] == [naive_bin(code) for code in range(256)]
    assert np.bincount(bins).tolist() == [1] * 58 + [256 - 58]


def test_mirroring_twice_changes_nothing() -> None:
    mirrored = mirrored_bins()
    assert (mirrored[mirrored] == np.arange(BINS)).all()


@pytest.mark.parametrize("columns", [3, 4])
def test_with_mirroring_a_crop_and_its_mirror_image_are_the_same(columns: int) -> None:
    config = LocalPatterns(radii=(1, 2), cells=(4, columns))
    frame = Frame(height=23, width=columns * 6 + 4, colour="rgb")  # what is left over on both sides is the same
    module = PatternHistograms(config, frame, mirror=True)
    crops = torch.from_numpy(some_crops(3, frame))
    ours, mirrored = module(crops), module(crops.flip(2))
    torch.testing.assert_close(ours, mirrored)
    assert ours.shape[2] == module.rows * module.columns_left == 4 * 2

    plain = PatternHistograms(config, frame, mirror=False)
    both = (plain(crops) + plain(crops.flip(2))) / 2
    left = both.unflatten(2, (4, columns))[:, :, :, : (columns + 1) // 2].flatten(2, 3)
    torch.testing.assert_close(ours, left)


@given(cells=st.tuples(st.integers(1, 6), st.integers(1, 6)), height=st.integers(13, 20), width=st.integers(13, 20))
def test_the_patterns_of_every_cell_are_shares(cells: tuple[int, int], height: int, width: int) -> None:
    frame = Frame(height=height, width=width)
    module = PatternHistograms(LocalPatterns(radii=(2,), cells=cells), frame, mirror=False)
    found = module(torch.from_numpy(some_crops(1, frame)))
    torch.testing.assert_close(found.square().sum(dim=-1), torch.ones(1, 1, cells[0] * cells[1]))


def test_components_are_those_of_all_cells_together() -> None:
    module = PatternHistograms(CONFIG, FRAME, mirror=True)
    crops = torch.from_numpy(some_crops(40))
    found = module(crops)
    features = fit_features(module, found, CONFIG.components)
    assert features.dim == 2 * 8 * 5
    for j in range(2):
        single = found[:, j].reshape(-1, BINS).double().numpy()
        _, values, rows = np.linalg.svd(single - single.mean(axis=0), full_matrices=False)
        expected = (single - single.mean(axis=0)) @ rows[:5].T
        ours = features(crops).reshape(40, 2, 8, 5)[:, j].reshape(-1, 5).detach().double().numpy()
        np.testing.assert_allclose(np.abs(ours), np.abs(expected), atol=1e-4)
        assert (np.diff(values[:5]) < 0).all()


def test_the_exported_descriptor_counts_the_same_patterns() -> None:
    module = PatternHistograms(CONFIG, FRAME, mirror=True)
    features = fit_features(module, module(torch.from_numpy(some_crops(10))), CONFIG.components)
    encoder = OnnxEncoder(to_onnx(features, FRAME.shape), FRAME.shape, features.dim, threads=1)
    for n in (1, 3):
        crops = some_crops(n, levels=3)
        with torch.inference_mode():
            expected = features(torch.from_numpy(crops)).numpy()
        np.testing.assert_allclose(encoder(crops), expected, atol=1e-5)
