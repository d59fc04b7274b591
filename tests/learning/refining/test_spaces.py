"""Spaces against scikit-learn and against densities of Gaussians."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA

from twinlens.comparison import Cosine, Plda
from twinlens.config.refinement import PcaWhitening, TwoCovariance, WithinClassWhitening
from twinlens.errors import TrainingError
from twinlens.learning.refining.candidates import Candidate, candidates
from twinlens.learning.refining.covariances import covariances
from twinlens.learning.refining.ground import through


def some_features(classes: int = 60, size: int = 5, dim: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features whose first half tells classes apart, of very different scales."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), size)
    means = rng.normal(size=(classes, dim)) * (np.arange(dim) < dim // 2)
    features = (means[labels] + rng.normal(size=(len(labels), dim))) * np.geomspace(10, 0.1, dim) + 3
    return features.astype(np.float32), labels


def fitted(config: PcaWhitening | WithinClassWhitening | TwoCovariance, **made: int) -> list[Candidate]:
    return list(candidates(*some_features(**made), config, seed=0))


def test_pca_is_that_of_scikit_learn_whitened() -> None:
    features, _ = some_features()
    (one,) = fitted(PcaWhitening(dims=(7,)))
    expected = PCA(7, whiten=True).fit_transform(features)
    np.testing.assert_allclose(np.abs(through(one.space, features)), np.abs(expected), atol=1e-3)
    assert (one.dims, one.shrinkage, one.space.dim, one.space.comparison) == (7, None, 7, Cosine())


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_photos_of_a_class_differ_by_as_much_in_every_direction() -> None:
    features, labels = some_features()
    (one,) = fitted(WithinClassWhitening(dims=(8,), shrinkage=(0,)))
    ours = through(one.space, features).astype(np.float64)
    np.testing.assert_allclose(covariances(ours, labels).within, np.eye(8), atol=1e-3)
    np.testing.assert_allclose(ours.mean(axis=0), 0, atol=1e-3)
    assert one.space.comparison == Cosine()


def test_wholly_shrunk_nothing_is_whitened_within() -> None:
    features, _ = some_features()
    (one,) = fitted(WithinClassWhitening(dims=(6,), shrinkage=(1,)))
    vectors = unit(PCA(6, whiten=True).fit_transform(features))
    centred = unit(vectors - vectors.mean(axis=0))
    ours = through(one.space, features)
    np.testing.assert_allclose(Cosine().matrix(ours, ours), centred @ centred.T, atol=1e-3)  # 11 bits of a basis


def test_plda_scores_are_ratios_of_the_two_covariances() -> None:
    """By the densities of a pair, in the space of the whitening, where vectors have been brought to one length."""
    features, labels = some_features()
    (one,) = fitted(TwoCovariance(dims=(6,), shrinkage=(0.2,)))
    vectors = unit(PCA(6, whiten=True).fit_transform(features))
    within, between = covariances(vectors, labels)
    within = 0.8 * within + 0.2 * np.trace(within) / 6 * np.eye(6)
    values, turn = np.linalg.eigh(within)
    whiten = turn / np.sqrt(values)
    psi, axes = np.linalg.eigh(whiten.T @ between @ whiten)
    between = axes @ np.diag(psi.clip(0)) @ axes.T
    photos = unit((vectors - vectors.mean(axis=0)) @ whiten)[:9] * np.sqrt(6)
    pairs = np.concatenate([np.repeat(photos, 9, axis=0), np.tile(photos, (9, 1))], axis=1)
    total = np.eye(6) + between
    same = np.block([[total, between], [between, total]])
    other = np.block([[total, 0 * between], [0 * between, total]])
    ratios = multivariate_normal(cov=same).logpdf(pairs) - multivariate_normal(cov=other).logpdf(pairs)

    ours = through(one.space, features[:9])
    assert ours.shape == (9, one.space.dim)
    scores = Plda().matrix(ours, ours).ravel()
    np.testing.assert_allclose(scores, ratios, atol=2e-3)
    assert one.space.comparison == Plda()


def test_plda_tells_strangers_apart_better_than_what_it_was_made_of() -> None:
    (one,) = fitted(TwoCovariance(dims=(12,), shrinkage=(0,)))
    features, labels = some_features(classes=40, size=4, seed=7)
    before, after = Cosine().matrix(features, features), Plda().matrix(*[through(one.space, features)] * 2)
    first, second = np.triu_indices(len(labels), 1)
    genuine = labels[first] == labels[second]

    def auc(scores: np.ndarray) -> float:
        values = scores[first, second]
        return float((values[genuine][:, None] > values[~genuine]).mean())

    assert auc(after) > auc(before) + 0.05


def test_every_number_of_dimensions_and_shrinkage_is_tried_once() -> None:
    found = fitted(TwoCovariance(dims=(3, 6, 500, 900), shrinkage=(0, 0.5)))
    assert [(one.dims, one.shrinkage) for one in found] == [(d, s) for d in (3, 6, 12) for s in (0, 0.5)]


def test_few_classes_allow_few_dimensions() -> None:
    found = fitted(WithinClassWhitening(dims=(10,), shrinkage=(0,)), classes=4, size=3)
    assert [one.dims for one in found] == [4]  # half of the eight differences within classes
    assert [one.dims for one in fitted(PcaWhitening(dims=(10,)), classes=4, size=3)] == [10]


def test_equal_photos_do_no_harm() -> None:
    features, labels = some_features(classes=20, size=2)
    features[1:36:2] = features[:36:2]  # leaves two differences for five dimensions
    for config in (WithinClassWhitening(dims=(5,), shrinkage=(0,)), TwoCovariance(dims=(5,), shrinkage=(0,))):
        (one,) = candidates(features, labels, config, 0)
        assert np.isfinite(through(one.space, features)).all()
    features[1::2] = features[::2]
    with pytest.raises(TrainingError, match="All training photos of a class are equal"):
        list(candidates(features, labels, TwoCovariance(dims=(5,)), 0))


def test_features_that_say_nothing_are_refused() -> None:
    with pytest.raises(TrainingError, match="All training photos have the same features"):
        list(candidates(np.ones((20, 4), np.float32), np.arange(20) // 2, PcaWhitening(dims=(2,)), 0))
    features, labels = some_features()
    apart = features - np.stack([features[labels == label].mean(axis=0) for label in labels])
    with pytest.raises(TrainingError, match="differ no more than photos of one"):
        list(candidates(apart.astype(np.float32), labels, TwoCovariance(dims=(5,)), 0))


def test_a_space_is_a_module_without_gradients() -> None:
    for config in (PcaWhitening(dims=(4,)), WithinClassWhitening(dims=(4,)), TwoCovariance(dims=(4,))):
        space = fitted(config)[0].space
        assert not any(parameter.requires_grad for parameter in space.parameters())
        assert space(torch.zeros(0, 12)).shape == (0, space.dim)


def test_directions_of_next_to_no_variance_are_left_out_as_rounding_would_fill_them() -> None:
    features, labels = some_features()
    features = (features - 3) * np.geomspace(1, 1e-2, 12, dtype=np.float32)
    (one,) = candidates(features, labels, TwoCovariance(dims=(12,), shrinkage=(0,)), seed=0)
    assert one.dims < 12
    rounded = features + np.random.default_rng(0).normal(scale=1e-6, size=features.shape).astype(np.float32)
    np.testing.assert_allclose(through(one.space, rounded), through(one.space, features), atol=1e-2)
