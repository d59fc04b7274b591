"""Spaces in which features compare well, as torch modules that go into the exported model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import nn
from torch.nn.functional import normalize

from twinlens.comparison import Cosine, Plda
from twinlens.config.refinement import FittedMetric, PcaWhitening, TwoCovariance, WithinClassWhitening
from twinlens.errors import TrainingError
from twinlens.learning.refining.covariances import covariances, freedom, shrunk
from twinlens.types import Float32Array, Float64Array, IntArray

# Components whose variance is a smaller share of the first one's drown in what half precision rounds off the basis.
_LEAST_VARIANCE = 1e-5
# Even where nothing is to be shrunk: equal photos differ in no direction, and what they span has to be inverted.
_LEAST_SHRINKAGE = 1e-6


class Space(nn.Module):
    """Principal components of variance 1; within classes, if fitted, whitened; and there, if fitted, PLDA's terms.

    Every step is linear but for two normalisations of length, which make heavy tails Gaussian.

    Args:
        tensors: ``centre`` ``(D,)``, ``basis`` ``(D, d)`` and ``spread`` ``(d,)``; then ``middle`` ``(d,)`` and
            ``turn`` ``(d, d)``; then ``scale`` and ``own``, ``(m,)`` each with m ≤ d, and ``constant`` ``(1,)``. The
            basis, which is nearly all of a model's size where features are many, comes in half precision.
    """

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.steps = nn.ParameterDict({name: nn.Parameter(value, False) for name, value in tensors.items()})

    @property
    def comparison(self) -> Cosine | Plda:
        """How what comes out is compared."""
        return Plda() if "scale" in self.steps else Cosine()

    @property
    def dim(self) -> int:
        """Dimension of what comes out."""
        if "scale" in self.steps:
            return len(self._step("scale")) + 1
        return self._step("basis").shape[1]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Take features float ``(n, D)`` to ``(n, dim)``."""
        vectors = (features.float() - self._step("centre")) @ self._step("basis").float() / self._step("spread")
        if "turn" not in self.steps:
            return vectors
        vectors = (normalize(vectors) - self._step("middle")) @ self._step("turn")
        if "scale" not in self.steps:
            return vectors
        scale, own = self._step("scale"), self._step("own")
        kept = (normalize(vectors) * vectors.shape[1] ** 0.5)[:, : len(scale)]
        return torch.cat([kept * scale, kept.square() @ own[:, None] - self._step("constant") / 2], dim=1)

    def _step(self, name: str) -> torch.Tensor:
        tensor: torch.Tensor = self.steps[name]
        return tensor


class Fitting:
    """Fits spaces for features: their principal components once, the rest for every choice.

    Args:
        features: float32 ``(n, D)``, of training photos.
        labels: int64 ``(n,)``, the class of each as far as the setting lets one know, from 0 without gaps.
        config: What is fitted. Numbers of dimensions that the photos do not allow are lowered to what they do.
        seed: Equal seeds give equal spaces.

    Attributes:
        most: The most dimensions that a space can have.

    Raises:
        TrainingError: The photos are too few, or all alike.
    """

    def __init__(self, features: Float32Array, labels: IntArray, config: FittedMetric, seed: int) -> None:
        self._labels, self._config = labels, config
        most = min(features.shape[1], len(features) - 1)
        if not isinstance(config, PcaWhitening):
            most = min(most, max(1, freedom(labels) // 2))  # as many again keep their variance from being luck
        self._found = found = _principal(features, min(most, max(config.dims)), seed)
        self._vectors = (features - found["centre"]) @ found["basis"].astype(np.float64) / found["spread"]
        self.most = self._vectors.shape[1]

    def __call__(self, dims: int, shrinkage: float | None) -> Space:
        """The space of the first principal components, ``dims`` of them, or as many as there are."""
        dims = min(dims, self.most)
        first = self._found | {"basis": self._found["basis"][:, :dims], "spread": self._found["spread"][:dims]}
        if isinstance(self._config, PcaWhitening):
            return _space(first)
        vectors = self._vectors[:, :dims]
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
        return _space(first | _fitted(unit, self._labels, self._config, shrinkage or 0.0))


def choices(config: FittedMetric, most: int) -> Iterator[tuple[int, float | None]]:
    """Every number of dimensions up to ``most`` with every shrinkage that ``config`` has."""
    shrinkages = (None,) if isinstance(config, PcaWhitening) else config.shrinkage
    return product(sorted({min(dims, most) for dims in config.dims}), shrinkages)


def _principal(features: Float32Array, dims: int, seed: int) -> dict[str, NDArray[np.floating]]:
    """Mean ``(D,)``, principal directions ``(D, d)`` of length 1, and how far components spread along each ``(d,)``."""
    if not np.ptp(features, axis=0).any():
        raise TrainingError("All training photos have the same features.", "Look at the photos, or train a network.")
    found = PCA(dims, random_state=seed).fit(features)
    variance = np.asarray(found.explained_variance_, np.float64)
    kept = variance > _LEAST_VARIANCE * variance[0]
    basis = np.asarray(found.components_)[kept].T.astype(np.float16)
    return {"centre": np.asarray(found.mean_, np.float64), "basis": basis, "spread": np.sqrt(variance[kept])}


def _fitted(
    vectors: Float64Array, labels: IntArray, config: WithinClassWhitening | TwoCovariance, share: float
) -> dict[str, Float64Array]:
    within, between = covariances(vectors, labels)
    if not within.any():
        raise TrainingError(
            "All training photos of a class are equal.",
            "Look at the photos, or take metric kind pca, or none: --set fusion.kind=none --set metric.kind=none.",
        )
    within = shrunk(within, max(share, _LEAST_SHRINKAGE))
    middle = vectors.mean(axis=0)
    if isinstance(config, WithinClassWhitening):
        variance, turn = scipy.linalg.eigh(within)
        return {"middle": middle, "turn": turn / np.sqrt(variance)}
    return {"middle": middle, **_plda(within, between)}


def _plda(within: Float64Array, between: Float64Array) -> dict[str, Float64Array]:
    """Where the covariance within is 1 and that between diagonal, ψ: what a dimension gives to the log-ratio.

    Of two photos x and y that is ``ψ/(1 + 2ψ) · (xy − ½ ψ/(1 + ψ) · (x² + y²)) + log(1 + ψ) − ½ log(1 + 2ψ)``.
    """
    scatter, turn = scipy.linalg.eigh(between, within)
    scatter, turn = scatter[::-1], turn[:, ::-1]
    psi = scatter[scatter > 0]
    if len(psi) == 0:
        raise TrainingError(
            "Photos of two classes differ no more than photos of one: the network or the descriptors tell nothing.",
            "Add photos, or let the network decide alone: --set fusion.kind=none --set metric.kind=none.",
        )
    weight = psi / (1 + 2 * psi)
    constant = np.array([np.sum(np.log1p(psi) - np.log1p(2 * psi) / 2)])
    return {"turn": turn, "scale": np.sqrt(weight), "own": weight * psi / (1 + psi) / 2, "constant": constant}


def _space(arrays: Mapping[str, NDArray[np.floating]]) -> Space:
    half = {name for name, array in arrays.items() if array.dtype == np.float16}
    kept = {name: array.astype(np.float16 if name in half else np.float32, order="C") for name, array in arrays.items()}
    return Space({name: torch.from_numpy(array) for name, array in kept.items()}).eval()
