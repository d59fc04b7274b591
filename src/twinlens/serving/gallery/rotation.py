"""A secret change of embeddings that keeps every score, so that templates of two galleries cannot be linked.

It is drawn from a gallery's own secret. A leaked template can be revoked: a new secret makes others of the same
embeddings, without a photo.

An orthogonal matrix keeps angles and lengths, so it serves the cosine and the Euclidean distance. The paper's weighted
L1 distance has far fewer symmetries: what keeps it is to reorder the dimensions, weights and all, and to flip their
signs. That hides less, as the magnitudes of a template's numbers stay. PLDA's embeddings end in a number of its own,
which stays; the others are rotated.

What stays would link templates, so what a store may see of one is its direction alone: neither its length, which no
rotation changes, nor PLDA's last number.

References:
    F. Mezzadri (2007), How to generate random matrices from the classical compact groups, Notices of the AMS 54.
    A. T. B. Jin, D. N. C. Ling and A. Goh (2004), BioHashing: two factor authentication featuring fingerprint data and
    tokenised random number, Pattern Recognition 37.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from scipy.linalg import block_diag
from scipy.special import ndtri

from twinlens.comparison import Comparison, Plda, WeightedL1
from twinlens.types import Float32Array, Float64Array, IntArray

Kind = Literal["orthogonal", "orthogonal-but-last", "signed-permutation"]


@dataclass(frozen=True, slots=True, eq=False)
class Orthogonal:
    """Multiplies with an orthogonal matrix, float64 ``(dim, dim)``.

    Scores stay to the rounding of float32, in which embeddings are kept: about 1e-7 of a cosine.
    """

    matrix: Float64Array

    def apply(self, embeddings: Float32Array) -> Float32Array:
        """Rotate embeddings, float32 ``(n, dim)``."""
        return (embeddings @ self.matrix).astype(np.float32)

    def undo(self, rotated: Float32Array) -> Float32Array:
        """What was rotated, float32 ``(n, dim)``."""
        return (rotated @ self.matrix.T).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class SignedPermutation:
    """Reorders dimensions by ``order`` ``(dim,)`` and then flips those where ``signs`` ``(dim,)`` is −1; exact."""

    order: IntArray
    signs: Float32Array

    def apply(self, embeddings: Float32Array) -> Float32Array:
        """Change embeddings, float32 ``(n, dim)``."""
        return embeddings[:, self.order] * self.signs

    def undo(self, rotated: Float32Array) -> Float32Array:
        """What was changed, float32 ``(n, dim)``."""
        restored = np.empty_like(rotated)
        restored[:, self.order] = rotated * self.signs
        return restored


Rotation = Orthogonal | SignedPermutation


def kind_for(comparison: Comparison) -> Kind:
    """What keeps the scores of a comparison."""
    if isinstance(comparison, WeightedL1):
        return "signed-permutation"
    return "orthogonal-but-last" if isinstance(comparison, Plda) else "orthogonal"


def draw_rotation(kind: Kind, dim: int, secret: bytes) -> Rotation:
    """The rotation that a secret stands for: the same today and in ten years.

    Args:
        kind: Of :func:`kind_for`.
        dim: Dimension of embeddings.
        secret: 32 bytes.

    Returns:
        Evenly distributed over all orthogonal matrices, those that leave the last dimension, or all signed
        permutations.
    """
    if kind == "signed-permutation":
        keys, coins = np.split(_uniform(secret, 2 * dim), 2)
        return SignedPermutation(np.argsort(keys, kind="stable"), np.where(coins < 0.5, -1, 1).astype(np.float32))
    if kind == "orthogonal-but-last":
        return Orthogonal(block_diag(_orthogonal(dim - 1, secret), np.eye(1)))
    return Orthogonal(_orthogonal(dim, secret))


def rotated_comparison(comparison: Comparison, rotation: Rotation) -> Comparison:
    """What gives rotated embeddings the scores that ``comparison`` gives those from before."""
    if isinstance(comparison, WeightedL1) and isinstance(rotation, SignedPermutation):
        weights = tuple(np.array(comparison.weights)[rotation.order].tolist())
        return comparison.model_copy(update={"weights": weights})
    return comparison


def direction(rotated: Float32Array, kind: Kind) -> Float32Array:
    """What lies in the open of rotated embeddings, float32 ``(n, dim)``: near ones are found by its cosine.

    Rows have length 1, and 0 in place of PLDA's last number; a row of zeros stays one.
    """
    body = rotated.astype(np.float64)
    if kind == "orthogonal-but-last":
        body[:, -1] = 0
    length = np.linalg.norm(body, axis=1, keepdims=True)
    return np.asarray(body / np.where(length > 0, length, 1), np.float32)


def _orthogonal(dim: int, secret: bytes) -> Float64Array:
    q, r = np.linalg.qr(ndtri(_uniform(secret, dim * dim)).reshape(dim, dim))
    # Without the signs, what comes out would depend on the library's algorithm, and not be evenly distributed.
    return np.asarray(q * np.sign(np.diag(r)), np.float64)


def _uniform(secret: bytes, count: int) -> Float64Array:
    """Numbers in (0, 1), float64 ``(count,)``, from a stream cipher: NumPy's generators may change with its version."""
    stream = Cipher(ChaCha20(secret, bytes(16)), mode=None).encryptor().update(bytes(8 * count))
    return ((np.frombuffer(stream, "<u8") >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
