"""Small spaces whose scores are added up, against the spaces themselves."""

import numpy as np
import pytest
import torch

from twinlens.comparison import Cosine, Plda
from twinlens.config.refinement import PcaWhitening, TwoCovariance, WithinClassWhitening
from twinlens.learning.refining.apart import SpacesApart, join_spaces
from twinlens.learning.refining.candidates import candidates
from twinlens.learning.refining.ground import through
from twinlens.learning.refining.spaces import Fitting, Space
from twinlens.types import Float32Array, IntArray

DIM = 240
PARTS = [np.arange(0, 140), np.arange(100, DIM), np.arange(0, DIM, 2)]  # overlapping, and not in one piece
PLDA = TwoCovariance(dims=(120,), shrinkage=(0.1,))


def some_features(classes: int = 150, size: int = 4) -> tuple[Float32Array, IntArray]:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), size)
    features = rng.normal(size=(classes, DIM))[labels] + rng.normal(size=(len(labels), DIM))
    return (features * np.geomspace(3, 0.3, DIM)).astype(np.float32), labels


def fit_all(config: PcaWhitening | WithinClassWhitening | TwoCovariance) -> tuple[list[Space], SpacesApart]:
    features, labels = some_features()
    spaces = [Fitting(features[:, part], labels, config, 0)(120, 0.1) for part in PARTS]
    return spaces, join_spaces(spaces, PARTS, features)


@pytest.mark.parametrize(
    ("config", "comparison"),
    [(PLDA, Plda()), (WithinClassWhitening(dims=(50,)), Cosine()), (PcaWhitening(dims=(60,)), Cosine())],
)
def test_scores_are_added_up(
    config: PcaWhitening | WithinClassWhitening | TwoCovariance, comparison: Cosine | Plda
) -> None:
    features, _ = some_features()
    spaces, joined = fit_all(config)
    alone = [
        space.comparison.matrix(*[through(space, features[:40][:, part])] * 2)
        for space, part in zip(spaces, PARTS, strict=True)
    ]
    expected = sum(alone) if comparison == Plda() else np.mean(alone, axis=0)
    ours = through(joined, features[:40])
    assert joined.comparison == comparison
    assert ours.shape == (40, joined.dim)
    unturned = SpacesApart(spaces, [torch.from_numpy(part) for part in PARTS], None)
    np.testing.assert_allclose(comparison.matrix(*[through(unturned, features[:40])] * 2), expected, atol=1e-3)
    # Turned to 256 directions of the 180 to 360 there are, no score changes by much.
    assert np.corrcoef(comparison.matrix(ours, ours).ravel(), np.ravel(expected))[0, 1] > 0.995


def test_long_embeddings_are_turned_to_where_training_photos_are_longest() -> None:
    spaces, joined = fit_all(PLDA)
    width = sum(space.dim - 1 for space in spaces)
    assert width > 256
    assert joined.dim == 256 + 1
    assert joined.turn is not None
    turn = joined.turn.float()
    torch.testing.assert_close(turn.T @ turn, torch.eye(256), atol=2e-3, rtol=0)
    features = torch.from_numpy(some_features()[0])
    products, own = joined.products(features)
    assert own is not None
    torch.testing.assert_close(joined(features)[:, -1:], own)
    kept = (products @ turn).square().sum() / products.square().sum()
    _, _, rows = torch.linalg.svd(products, full_matrices=False)
    assert kept == pytest.approx(float((products @ rows[:256].T).square().sum() / products.square().sum()), abs=1e-3)


def test_short_embeddings_are_left_as_they_are() -> None:
    spaces, joined = fit_all(TwoCovariance(dims=(20,)))
    assert joined.turn is None
    assert joined.dim == sum(space.dim - 1 for space in spaces) + 1


def test_a_part_of_few_features_takes_part_with_as_many_dimensions_as_it_has() -> None:
    features, labels = some_features()
    parts = [np.arange(200), np.arange(200, 208)]
    found = list(candidates(features, labels, TwoCovariance(dims=(5, 30), shrinkage=(0, 0.1)), 0, parts))
    assert [(one.dims, one.shrinkage) for one in found] == [(d, s) for d in (5, 30) for s in (0, 0.1)]
    assert isinstance(found[-1].space, SpacesApart)
    assert [space.steps["spread"].numel() for space in found[-1].space.spaces] == [30, 8]


def test_nothing_has_gradients() -> None:
    _, joined = fit_all(PLDA)
    assert not any(parameter.requires_grad for parameter in joined.parameters())
