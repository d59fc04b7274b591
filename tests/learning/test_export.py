import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import twinlens
from twinlens.config.base import Frame
from twinlens.config.networks import FanInInit, FixedNormalisation, KochNetwork, PerImageNormalisation
from twinlens.errors import BundleError
from twinlens.learning.export import TorchEncoder, refuse_disparity, to_onnx
from twinlens.learning.networks import Twin
from twinlens.serving.encoder import OnnxEncoder
from twinlens.types import Encoder, Float32Array, UInt8Array

FRAME = Frame(height=20, width=24, colour="rgb")
DIM = 8


def random_crops(n: int, seed: int = 0) -> UInt8Array:
    return np.random.default_rng(seed).integers(0, 256, (n, *FRAME.shape), dtype=np.uint8)


def make_twin(normalisation: FixedNormalisation | PerImageNormalisation, batch_norm: bool) -> Twin:
    torch.manual_seed(0)
    network = KochNetwork(
        widths=(4, 4, 6, 6),
        kernels=(3, 2, 2, 1),
        dense=DIM,
        batch_norm=batch_norm,
        conv_dropout=0.3,
        dense_dropout=0.3,
        init=FanInInit(),
    )
    twin = Twin(network, normalisation, FRAME).to(memory_format=torch.channels_last)
    with torch.no_grad():
        twin.train()(torch.from_numpy(random_crops(32)))  # so that the running statistics are of something
    return twin


@pytest.fixture(
    scope="module",
    params=[(FixedNormalisation(mean=0.45, std=0.25), True), (PerImageNormalisation(), False)],
    ids=["fixed, batch norm", "per image"],
)
def exported(request: pytest.FixtureRequest) -> tuple[TorchEncoder, OnnxEncoder]:
    twin = make_twin(*request.param)
    return TorchEncoder(twin), OnnxEncoder(to_onnx(twin, FRAME.shape), FRAME.shape, DIM, threads=1)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_exported_model_embeds_as_the_trained_one(exported: tuple[TorchEncoder, OnnxEncoder], n: int) -> None:
    crops = random_crops(n, seed=n)
    first, second = (encoder(crops) for encoder in exported)
    assert first.shape == second.shape == (n, DIM)
    assert first.dtype == second.dtype == np.float32
    np.testing.assert_allclose(first, second, atol=1e-5)
    assert np.ptp(first, axis=1).min() > 0.01  # or equal embeddings would say nothing


def test_exported_model_agrees_on_flat_and_extreme_crops(exported: tuple[TorchEncoder, OnnxEncoder]) -> None:
    crops = np.stack([np.full(FRAME.shape, value, np.uint8) for value in (0, 1, 128, 255)])
    crops = np.concatenate([crops, (random_crops(2) > 128) * np.uint8(255)])
    assert refuse_disparity(*exported, crops, 1e-5) <= 1e-5


def test_both_encoders_have_the_seam_in_common(exported: tuple[TorchEncoder, OnnxEncoder]) -> None:
    assert all(isinstance(encoder, Encoder) for encoder in exported)


def test_export_leaves_weights_and_statistics() -> None:
    twin = make_twin(FixedNormalisation(), batch_norm=True)
    before = {name: value.clone() for name, value in twin.state_dict().items()}
    expected = TorchEncoder(twin)(random_crops(3))
    to_onnx(twin, FRAME.shape)
    assert all(torch.equal(value, before[name]) for name, value in twin.state_dict().items())
    np.testing.assert_allclose(TorchEncoder(twin)(random_crops(3)), expected, atol=1e-6)


def test_the_file_does_not_say_where_it_was_made() -> None:
    content = to_onnx(make_twin(FixedNormalisation(), batch_norm=False), FRAME.shape)
    for place in (twinlens.__file__, torch.__file__):
        assert str(Path(place).parent).encode() not in content
    assert b".py" not in content


def test_torch_encoder_is_in_evaluation_mode_and_leaves_no_graph() -> None:
    twin = make_twin(FixedNormalisation(), batch_norm=True)
    encoder = TorchEncoder(twin.train())
    first, second = encoder(random_crops(2)), encoder(random_crops(2))
    np.testing.assert_array_equal(first, second)
    assert not twin.training


def test_torch_encoder_takes_crops_of_a_read_only_store() -> None:
    crops = random_crops(2)
    crops.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert TorchEncoder(make_twin(FixedNormalisation(), batch_norm=False))(crops).shape == (2, DIM)


class Shifted:
    """An encoder that differs from another in one number."""

    def __init__(self, encoder: Encoder, shift: float) -> None:
        self.encoder, self.shift = encoder, shift

    def __call__(self, crops: UInt8Array) -> Float32Array:
        embeddings = self.encoder(crops).copy()
        embeddings[-1, -1] += np.float32(self.shift)
        return embeddings


@pytest.mark.parametrize("shift", [0.01, -0.01, np.nan, np.inf])
def test_encoder_that_differs_is_refused(shift: float) -> None:
    encoder = TorchEncoder(make_twin(FixedNormalisation(), batch_norm=False))
    with pytest.raises(BundleError, match=r"differs from the trained one by .* \(at most 0\.001\)"):
        refuse_disparity(encoder, Shifted(encoder, shift), random_crops(3), 1e-3)


def test_difference_within_the_bound_is_told() -> None:
    encoder = TorchEncoder(make_twin(FixedNormalisation(), batch_norm=False))
    assert refuse_disparity(encoder, Shifted(encoder, 0.01), random_crops(3), 0.02) == pytest.approx(0.01, rel=1e-4)
    assert refuse_disparity(encoder, encoder, random_crops(3), 0) == 0
