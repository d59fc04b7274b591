"""Photos that are there twice: the same file, or the same picture recompressed, recoloured or cropped anew."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from twinlens.looks import luma
from twinlens.progress import track
from twinlens.types import Float32Array, IntArray, UInt8Array

# Lowest frequencies per axis that a picture is recognised by; without the constant one these are 255 numbers.
_FREQUENCIES = 16
# Set by eye on all 87 million pairs of deep-funnelled LFW: the duplicates that LFW's errata name differ in up to
# 30 of the 255 bits and correlate with at least 0.95, and the first two strangers differ in 42 and correlate with
# 0.78. Correlation is there for pictures that are more alike by nature, such as drawings.
_MAX_BIT_SHARE = 40 / 255
_MIN_CORRELATION = 0.93
_ROWS = 512  # compared with all others at a time, so that memory stays bounded
_MANY = 16_000  # from here on it takes seconds

PairStream = Iterator[tuple[IntArray, IntArray]]


def exact_duplicates(codes: IntArray, samples: IntArray) -> PairStream:
    """Pairs of samples with equal content.

    Args:
        codes: int64 ``(n,)``, equal where the content of two of the dataset's photos is.
        samples: int64 ``(m,)``, those to compare with each other.

    Yields:
        Vectors of samples, ``first`` before ``second`` in the order given.
    """
    order = np.argsort(codes[samples], kind="stable")
    groups = np.split(samples[order], np.flatnonzero(np.diff(codes[samples][order])) + 1)
    for members in groups:
        for i, first in enumerate(members[:-1]):
            others = members[i + 1 :]
            yield np.full(len(others), first), others


def near_duplicates(crops: UInt8Array, samples: IntArray) -> PairStream:
    """Pairs of samples whose crops show the same picture, equal ones among them.

    A perceptual hash finds candidates: the signs of the lowest frequencies of the cosine transform about their
    median, compared by Hamming distance. A correlation of those frequencies, weighted by frequency so that broad
    light and shade does not decide, confirms them.

    Args:
        crops: uint8 ``(n, height, width, channels)``. A blank crop is like no other.
        samples: int64 ``(m,)``, those to compare with each other.

    Yields:
        Vectors of samples, ``first`` before ``second`` in the order given.

    References:
        C. Zauner (2010), Implementation and benchmarking of perceptual image hash functions.
    """
    spectra = _spectra(crops, samples)
    signs = np.where(spectra > np.median(spectra, axis=1, keepdims=True), np.float32(1), np.float32(-1))
    outlines = _outlines(spectra)
    # The product of two sign vectors is their length less twice their Hamming distance.
    least_agreement = signs.shape[1] * (1 - 2 * _MAX_BIT_SHARE)
    starts = range(0, len(samples), _ROWS)
    for start in track(starts, "Looking for duplicates", len(starts)) if len(samples) > _MANY else starts:
        agreement = signs[start : start + _ROWS] @ signs[start:].T
        rows, columns = np.nonzero(agreement >= least_agreement)
        rows, columns = rows[columns > rows] + start, columns[columns > rows] + start
        alike = np.einsum("nd,nd->n", outlines[rows], outlines[columns]) >= _MIN_CORRELATION
        yield samples[rows[alike]], samples[columns[alike]]


def _spectra(crops: UInt8Array, samples: IntArray) -> Float32Array:
    """Low frequencies of each crop's discrete cosine transform, without the constant; float32 ``(m, k² − 1)``."""
    k = min(_FREQUENCIES, *crops.shape[1:3])
    down, across = (_cosines(length, k) for length in crops.shape[1:3])
    batches = (luma(crops[samples[start : start + _ROWS]]) for start in range(0, len(samples), _ROWS))
    spectra = [(down @ batch @ across.T).reshape(len(batch), -1)[:, 1:] for batch in batches]
    return np.concatenate(spectra) if spectra else np.empty((0, k**2 - 1), np.float32)


def _cosines(length: int, k: int) -> Float32Array:
    place = (np.arange(length) + 0.5) * np.pi / length
    basis: Float32Array = (np.cos(np.arange(k)[:, None] * place) / length).astype(np.float32)
    return basis


def _outlines(spectra: Float32Array) -> Float32Array:
    """The spectra as of the pictures' gradients, of length 1; zero where a crop is blank."""
    k = math.isqrt(spectra.shape[1] + 1)
    frequency = np.hypot(*np.indices((k, k))).ravel()[1:].astype(np.float32)
    weighted = spectra * frequency
    norm = np.linalg.norm(weighted, axis=1, keepdims=True)
    # What rounding leaves of a blank crop is far below a hundredth of a grey level.
    unit: Float32Array = np.divide(weighted, norm, out=np.zeros_like(weighted), where=norm > 0.01)
    return unit
