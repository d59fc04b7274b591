"""Parts that are joined: the sum of their scores, in torch and exported."""

import numpy as np
import pytest
import torch

from twinlens.comparison import Cosine, Plda
from twinlens.config.base import Frame
from twinlens.config.networks import CompactNetwork, FixedNormalisation, Inference
from twinlens.config.refinement import LocalPatterns, PcaWhitening, TwoCovariance
from twinlens.learning.descriptors.lbp import PatternFeatures, PatternHistograms, fit_features
from twinlens.learning.export import TorchEncoder, to_onnx
from twinlens.learning.networks import Twin
from twinlens.learning.refining.candidates import candidates
from twinlens.learning.refining.model import Joined, Part
from twinlens.serving.encoder import OnnxEncoder
from twinlens.types import UInt8Array

FRAME = Frame(height=24, width=20, colour="rgb")
LABELS = np.arange(60) // 3


def crops_of_classes() -> UInt8Array:
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (20, *FRAME.shape))
    return np.clip(patterns[LABELS] + rng.normal(0, 40, (60, *FRAME.shape)), 0, 255).astype(np.uint8)


def make_twin() -> Twin:
    torch.manual_seed(0)
    network = CompactNetwork(widths=(4, 8), blocks=1, dim=8, input=(16, 16))
    twin = Twin(network, FixedNormalisation(mean=0.5, std=0.25), FRAME, Inference(shift=0.1))
    with torch.no_grad():
        twin.train()(torch.from_numpy(crops_of_classes()))  # so that the running statistics are of something
    return twin.eval()


def make_patterns() -> PatternFeatures:
    histograms = PatternHistograms(LocalPatterns(radii=(1, 2), cells=(3, 4)), FRAME, mirror=True)
    return fit_features(histograms, histograms(torch.from_numpy(crops_of_classes())), 6)


def in_space(features: Twin | PatternFeatures, config: PcaWhitening | TwoCovariance) -> Part:
    (one,) = candidates(TorchEncoder(features)(crops_of_classes()), LABELS, config, 0)
    return Part(features, one.space, one.space.comparison)


PLDA = TwoCovariance(dims=(5,), shrinkage=(0.1,))
PCA = PcaWhitening(dims=(5,))


@pytest.mark.parametrize(
    ("network", "patterns", "comparison", "dim"),
    [(None, PCA, Cosine(), 13), (None, PLDA, Plda(), None), (PLDA, PCA, Plda(), None), (PLDA, PLDA, Plda(), None)],
)
def test_scores_are_the_weighted_sum(
    network: TwoCovariance | None, patterns: PcaWhitening | TwoCovariance, comparison: Cosine | Plda, dim: int | None
) -> None:
    twin = make_twin()
    parts = [
        Part(twin, None, Cosine()) if network is None else in_space(twin, network),
        in_space(make_patterns(), patterns),
    ]
    weights = (0.3, 1.2)
    joined = Joined(parts, weights, constant=-0.7).eval()
    assert joined.comparison == comparison
    crops = crops_of_classes()[::4]
    embeddings = TorchEncoder(joined)(crops)
    assert embeddings.shape == (15, joined.dim)
    assert dim in (None, joined.dim)

    alone = [part.comparison.matrix(*[TorchEncoder(part)(crops)] * 2) for part in parts]
    total = sum(weights) if comparison == Cosine() else 1
    expected = (weights[0] * alone[0] + weights[1] * alone[1]) / total + (0 if comparison == Cosine() else -0.7)
    np.testing.assert_allclose(comparison.matrix(embeddings, embeddings), expected, atol=1e-4)


def test_the_exported_model_is_the_same() -> None:
    """Scaled down and shifted crops, patterns, both spaces and their sum."""
    joined = Joined([in_space(make_twin(), PLDA), in_space(make_patterns(), PLDA)], (0.3, 1.2), 2.0).eval()
    exported = OnnxEncoder(to_onnx(joined, FRAME.shape), FRAME.shape, joined.dim, threads=1)
    crops = crops_of_classes()[::4]
    for some in (crops[:1], crops):
        np.testing.assert_allclose(exported(some), TorchEncoder(joined)(some), atol=1e-4)


def test_small_spaces_are_exported_too() -> None:
    patterns = make_patterns()
    (one,) = candidates(TorchEncoder(patterns)(crops_of_classes()), LABELS, PLDA, 0, patterns.parts())
    part = Part(patterns, one.space, one.space.comparison)
    exported = OnnxEncoder(to_onnx(part, FRAME.shape), FRAME.shape, part.dim, threads=1)
    crops = crops_of_classes()[::4]
    np.testing.assert_allclose(exported(crops), TorchEncoder(part)(crops), atol=1e-4)


def test_a_part_without_a_space_is_its_network() -> None:
    twin = make_twin()
    part = Part(twin, None, Cosine())
    crops = crops_of_classes()[:5]
    np.testing.assert_array_equal(TorchEncoder(part)(crops), TorchEncoder(twin)(crops))
    assert part.dim == twin.dim
