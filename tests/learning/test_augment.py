import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from kornia.geometry.transform import warp_affine
from scipy.stats import binomtest, kstest

from twinlens.config.augmentation import AffineAugmentation, NoAugmentation
from twinlens.learning.augment import _affine_matrices, _warp, augment

SIDE = 25
COUNT = 1500
NEUTRAL = {"rotation": 0, "shear": 0, "scale": (1, 1), "translation": 0}


def only(**keys: object) -> AffineAugmentation:
    """Distortions with all components neutral but ``keys``."""
    return AffineAugmentation.model_validate({**NEUTRAL, **keys})


def estimate_maps(config: AffineAugmentation, height: int = SIDE, width: int = SIDE, count: int = COUNT) -> np.ndarray:
    """The affine maps ``(count, 2, 3)`` that ``augment`` draws, from the picture's middle, x before y, forward.

    The probe's two channels hold the coordinates, so a distorted probe says of every pixel where it came from; a
    least-squares fit over pixels that came from within the picture gives the map.
    """
    y, x = np.mgrid[:height, :width].astype(np.float64)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    probe = torch.from_numpy(np.stack([x, y])).float().expand(count, 2, height, width)
    torch.manual_seed(0)
    sources = augment(probe, config).double().numpy()
    maps = []
    for came_x, came_y in sources:
        inside = (abs(came_x) < (width - 1) / 2 - 0.01) & (abs(came_y) < (height - 1) / 2 - 0.01)
        target = np.stack([x[inside], y[inside], np.ones(inside.sum())], 1)
        backward = np.linalg.lstsq(target, np.stack([came_x[inside], came_y[inside]], 1), rcond=None)[0].T
        linear = np.linalg.inv(backward[:, :2])
        maps.append(np.column_stack([linear, -linear @ backward[:, 2]]))
    return np.array(maps)


def assert_share(chosen: np.ndarray, probability: float) -> None:
    assert binomtest(int(chosen.sum()), chosen.size, probability).pvalue > 1e-6


def assert_uniform(values: np.ndarray, low: float, high: float) -> None:
    assert values.min() > low - 1e-3
    assert values.max() < high + 1e-3
    assert kstest(values, "uniform", (low, high - low)).pvalue > 1e-6


@given(
    images=arrays(np.float32, (2, 1, 9, 12), elements=st.floats(0, 1, width=32)),
    probability=st.sampled_from([0.0, 1.0]),
)
def test_neutral_distortions_leave_the_picture(images: np.ndarray, probability: float) -> None:
    config = AffineAugmentation(probability=0) if probability == 0 else only(probability=1)
    after = augment(torch.from_numpy(images), config)
    np.testing.assert_allclose(after.numpy(), images, atol=1e-4)


def test_no_augmentation_is_no_augmentation() -> None:
    images = torch.rand(2, 1, 9, 9)
    assert augment(images, NoAugmentation()) is images


def test_rotation_is_drawn_in_degrees() -> None:
    maps = estimate_maps(only(rotation=10))
    angles = np.degrees(np.arctan2(maps[:, 0, 1], maps[:, 0, 0]))
    turned = abs(angles) > 0.01
    assert_share(turned, 0.5)
    assert_uniform(angles[turned], -10, 10)
    cos, sin = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    rotations = np.stack([np.stack([cos, sin], 1), np.stack([-sin, cos], 1)], 1)
    np.testing.assert_allclose(maps[:, :, :2], rotations, atol=1e-3)
    np.testing.assert_allclose(maps[:, :, 2], 0, atol=1e-2)


def test_shears_are_factors_of_each_axis_drawn_by_themselves() -> None:
    maps = estimate_maps(only(shear=0.3))
    for along, across in ((0, 1), (1, 0)):
        alone = abs(maps[:, across, along]) < 1e-4
        factors = maps[alone, along, across]
        sheared = abs(factors) > 1e-4
        assert_share(sheared, 0.5)
        assert_uniform(factors[sheared], -0.3, 0.3)
        np.testing.assert_allclose(np.linalg.det(maps[alone, :, :2]), 1, atol=1e-3)


def test_scales_of_both_axes_are_drawn_by_themselves() -> None:
    maps = estimate_maps(only(scale=(0.8, 1.2)))
    scales = np.stack([maps[:, 0, 0], maps[:, 1, 1]], 1)
    scaled = abs(scales - 1) > 1e-4
    assert_share(scaled, 0.5)
    assert_share(scaled.all(axis=1), 0.25)
    assert_uniform(scales[scaled], 0.8, 1.2)
    np.testing.assert_allclose(maps[:, [0, 1], [1, 0]], 0, atol=1e-3)
    np.testing.assert_allclose(maps[:, :, 2], 0, atol=1e-2)


def test_shifts_scale_with_the_crop() -> None:
    maps = estimate_maps(only(translation=10), height=42, width=21)
    shifts = maps[:, :, 2] * np.array([105 / 21, 105 / 42])
    shifted = abs(shifts) > 0.01
    assert_share(shifted, 0.5)
    assert_share(shifted.all(axis=1), 0.25)
    for axis in (0, 1):
        assert_uniform(shifts[shifted[:, axis], axis], -10, 10)
    np.testing.assert_allclose(maps[:, :, :2], np.broadcast_to(np.eye(2), (COUNT, 2, 2)), atol=1e-3)


def test_shifts_of_the_paper_are_in_pixels_of_its_crops() -> None:
    maps = estimate_maps(only(translation=2, probability=1), height=105, width=105, count=200)
    assert_uniform(maps[:, :, 2].ravel(), -2, 2)


@pytest.mark.parametrize("probability", [0.1, 0.9])
def test_probability_is_that_of_each_component(probability: float) -> None:
    maps = estimate_maps(only(rotation=10, translation=10, probability=probability))
    turned = abs(maps[:, 0, 1]) > 1e-3
    assert_share(turned, probability)
    assert_share(abs(maps[:, 0, 2]) > 1e-2, probability)
    assert_share(turned & (abs(maps[:, 0, 2]) > 1e-2), probability**2)


def test_defaults_are_those_of_the_paper() -> None:
    config = AffineAugmentation()
    assert (config.probability, config.rotation, config.shear) == (0.5, 10, 0.3)
    assert (config.scale, config.translation, config.flip) == ((0.8, 1.2), 2, 0)


def test_all_components_together_stay_within_what_each_may_do() -> None:
    maps = estimate_maps(AffineAugmentation(probability=1), count=300)
    areas = np.linalg.det(maps[:, :, :2])
    assert ((areas > 0.8**2) & (areas < 1.2**2)).all()
    assert np.abs(maps[:, :, 2]).max() < 2 * SIDE / 105 + 1e-2
    stretch = np.linalg.svd(maps[:, :, :2], compute_uv=False)
    shear = np.array([[1, 0.3], [0.3, 1 + 0.3**2]])
    assert stretch.max() < 1.2 * np.linalg.norm(shear, 2) + 1e-3


def test_every_image_is_distorted_by_itself_and_every_batch_anew() -> None:
    images = torch.rand(1, 1, SIDE, SIDE).expand(8, 1, SIDE, SIDE)
    first, second = (augment(images, AffineAugmentation(probability=1)) for _ in range(2))
    distinct = torch.cat([first, second]).reshape(16, -1).unique(dim=0)
    assert len(distinct) == 16


def test_channels_of_an_image_are_distorted_alike() -> None:
    grey = torch.rand(4, 1, SIDE, SIDE)
    after = augment(grey.expand(4, 3, SIDE, SIDE), AffineAugmentation(probability=1, flip=0.5))
    assert torch.equal(after[:, 0], after[:, 1])
    assert torch.equal(after[:, 0], after[:, 2])


def test_seed_decides() -> None:
    images = torch.rand(4, 1, SIDE, SIDE)
    config = AffineAugmentation(flip=0.5)
    results = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        results.append(augment(images, config))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@given(
    images=arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.sampled_from([1, 3]), st.integers(8, 16), st.integers(8, 16)),
        elements=st.floats(0, 1, width=32),
    ),
    probability=st.floats(0, 1),
    rotation=st.floats(0, 180),
    shear=st.floats(0, 2),
    flip=st.floats(0, 1),
)
def test_shape_type_and_range_stay(
    images: np.ndarray, probability: float, rotation: float, shear: float, flip: float
) -> None:
    config = AffineAugmentation(probability=probability, rotation=rotation, shear=shear, flip=flip)
    after = augment(torch.from_numpy(images), config).numpy()
    assert after.shape == images.shape
    assert after.dtype == np.float32
    low, high = images.min((2, 3), keepdims=True), images.max((2, 3), keepdims=True)
    assert ((after >= low - 1e-5) & (after <= high + 1e-5)).all()


def test_what_comes_in_from_outside_repeats_the_border() -> None:
    white = torch.ones(50, 1, SIDE, SIDE)
    after = augment(white, AffineAugmentation(probability=1, scale=(0.3, 0.5)))
    torch.testing.assert_close(after, white)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format], ids=str)
def test_pixels_move_as_kornia_moves_them(layout: torch.memory_format) -> None:
    images = torch.rand(20, 3, 14, 19).to(memory_format=layout)
    maps = _affine_matrices(images, AffineAugmentation(probability=1, rotation=90))
    expected = warp_affine(images, maps[:, :2], (14, 19), padding_mode="border", align_corners=True)
    torch.testing.assert_close(_warp(images, maps), expected, atol=1e-4, rtol=0)


def test_flip_is_left_to_right_with_its_chance() -> None:
    images = torch.rand(COUNT, 1, 8, 9)
    torch.manual_seed(0)
    after = augment(images, only(flip=0.3))
    flipped = (after - images.flip(-1)).abs().amax((1, 2, 3)) < 1e-4
    straight = (after - images).abs().amax((1, 2, 3)) < 1e-4
    assert (flipped ^ straight).all()
    assert_share(flipped.numpy(), 0.3)


@pytest.mark.parametrize("config", [AffineAugmentation(probability=0), AffineAugmentation(probability=1)])
def test_coordinates_are_exact_in_a_bfloat16_training(config: AffineAugmentation) -> None:
    images = torch.rand(4, 1, 105, 105)
    torch.manual_seed(0)
    expected = augment(images, config)
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        after = augment(images, config)
    assert after.dtype == torch.float32
    assert torch.equal(after, expected)


def test_a_known_rotation_moves_a_known_point() -> None:
    """A guard of the probe itself: the point that is lit must be where the estimated map says."""
    config = only(rotation=30, probability=1)
    (forward,) = estimate_maps(config, 41, 41, count=1)
    torch.manual_seed(0)
    lit = torch.zeros(1, 2, 41, 41)
    lit[0, :, 20 - 12, 20 + 5] = 1
    after = augment(lit, config)[0, 0]
    row, column = divmod(int(after.argmax()), 41)
    expected = forward[:, :2] @ [5, -12] + forward[:, 2]
    assert math.dist((column - 20, row - 20), expected) < 1
