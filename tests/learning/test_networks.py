import typing

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from twinlens.config import load_config, recipe_names
from twinlens.config.base import Frame
from twinlens.config.networks import (
    CompactNetwork,
    FanInInit,
    FixedNormalisation,
    KochNetwork,
    Network,
    PerImageNormalisation,
)
from twinlens.learning.networks import Twin, build_network, normalise, to_images

CROPS = arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3])))


@pytest.mark.parametrize("network", [KochNetwork(), CompactNetwork()], ids=lambda network: network.kind)
def test_every_kind_of_network_in_the_configuration_can_be_built(network: Network) -> None:
    built = build_network(network, Frame())
    assert built.dim == built(torch.zeros(2, 1, 105, 105)).shape[1]


def test_both_kinds_are_all_that_the_configuration_knows() -> None:
    assert typing.get_args(typing.get_args(Network)[0]) == (KochNetwork, CompactNetwork)


@given(CROPS)
def test_images_are_the_crops_as_shares_of_255_with_channels_first(crops: np.ndarray) -> None:
    images = to_images(torch.from_numpy(crops))
    assert images.dtype == torch.float32
    expected = np.moveaxis(crops, 3, 1).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(images.numpy(), expected)


def test_memory_of_images_stays_channels_last() -> None:
    images = to_images(torch.zeros(2, 5, 4, 3, dtype=torch.uint8))
    assert images.is_contiguous(memory_format=torch.channels_last)


@given(CROPS, st.floats(-1, 1), st.floats(0.1, 2))
def test_fixed_normalisation_is_the_same_for_every_pixel(crops: np.ndarray, mean: float, std: float) -> None:
    normal = normalise(to_images(torch.from_numpy(crops)), FixedNormalisation(mean=mean, std=std))
    expected = (np.moveaxis(crops, 3, 1) / 255 - mean) / std
    np.testing.assert_allclose(normal.numpy(), expected, atol=1e-5)


def test_values_lie_between_0_and_1_by_default() -> None:
    normal = normalise(to_images(torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 2, 1, 1)), FixedNormalisation())
    assert normal.ravel().tolist() == [0, 1]


@given(arrays(np.uint8, array_shapes(min_dims=4, max_dims=4, min_side=2, max_side=5)))
def test_per_image_normalisation_takes_out_brightness_and_contrast(crops: np.ndarray) -> None:
    normal = normalise(to_images(torch.from_numpy(crops)), PerImageNormalisation()).double().numpy()
    for image, crop in zip(normal, crops / 255, strict=True):
        assert abs(image.mean()) < 1e-3
        if crop.std() > 0.01:
            expected = np.moveaxis((crop - crop.mean()) / crop.std(), 2, 0)
            np.testing.assert_allclose(image, expected, rtol=0.006, atol=1e-4)
        assert np.isfinite(image).all()


@pytest.mark.parametrize("normalisation", [FixedNormalisation(mean=0.4, std=0.3), PerImageNormalisation()])
def test_twin_embeds_each_crop_by_itself(normalisation: FixedNormalisation | PerImageNormalisation) -> None:
    frame = Frame(height=16, width=18, colour="rgb")
    network = KochNetwork(widths=(2, 3, 3, 4), kernels=(3, 2, 1, 1), dense=5, batch_norm=True, init=FanInInit())
    twin = Twin(network, normalisation, frame).eval()
    crops = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, *frame.shape), dtype=np.uint8))
    with torch.no_grad():
        together = twin(crops)
        alone = torch.cat([twin(crop[None]) for crop in crops])
        by_hand = twin.network(normalise(to_images(crops), normalisation))
    assert together.shape == (6, twin.dim) == (6, 5)
    torch.testing.assert_close(together, alone)
    assert torch.equal(together, by_hand)


@pytest.mark.parametrize("recipe", recipe_names())
def test_network_of_every_recipe_fits_its_frame(recipe: str) -> None:
    config = load_config(recipe)
    twin = Twin(config.network, config.normalisation, config.frame, config.inference).eval()
    crops = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, *config.frame.shape), dtype=np.uint8))
    with torch.no_grad():
        embeddings = twin(crops)
    assert embeddings.shape == (2, twin.dim)
    assert embeddings.isfinite().all()
