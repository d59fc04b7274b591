"""Scores, people and encoders whose right figures are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from twinlens.data.dataset import Dataset, Part
from twinlens.types import Float32Array, Pairs, Sample, Scores, UInt8Array


def scores_of(genuine: list[float], impostor: list[float]) -> Scores:
    """Genuine pairs of subjects 0, 1, ..., and impostor pairs of each with the next."""
    a = np.concatenate([np.arange(len(genuine)), np.arange(len(impostor))]).astype(np.int64)
    is_genuine = np.arange(len(a)) < len(genuine)
    return Scores(np.array([*genuine, *impostor], np.float64), is_genuine, a, np.where(is_genuine, a, a + 1))


# Few distinct values, so that ties are common; some far apart, so that arithmetic is tried.
_values = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6).map(lambda value: round(value, 6)))
_some = st.lists(_values, min_size=1, max_size=12)
any_scores = st.builds(scores_of, _some, _some)


@st.composite
def weighted_scores(draw: st.DrawFn) -> tuple[Scores, np.ndarray]:
    """Scores and whole-numbered weights of which both kinds have some."""
    scores = draw(any_scores)
    weights = draw(st.lists(st.integers(0, 3), min_size=len(scores), max_size=len(scores)))
    array = np.array(weights, np.float64)
    array[0] += 1
    array[-1] += 1
    return scores, array


def repeated(scores: Scores, weights: np.ndarray) -> Scores:
    """Each pair as often as its weight says."""
    return scores[np.repeat(np.arange(len(scores)), weights.astype(np.int64))]


def gaussian_scores(pairs: int, separation: float, seed: int, impostor: int | None = None) -> Scores:
    """Independent normal scores, genuine ones higher by ``separation``; their true AUC is Φ(separation / √2)."""
    rng = np.random.default_rng(seed)
    genuine = rng.normal(separation / 2, 1, pairs)
    return scores_of(genuine.tolist(), rng.normal(-separation / 2, 1, impostor or pairs).tolist())


def people(subjects: int = 40, photos: int = 3, pairs: int = 25, seed: int = 0) -> tuple[Dataset, Part]:
    """A dataset without photos on disk, and ``pairs`` genuine and as many impostor pairs of it."""
    samples = tuple(Sample(f"s{s:03d}/{p}.png", f"s{s:03d}") for s in range(subjects) for p in range(photos))
    dataset = Dataset("made", Path("nowhere"), samples)
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(len(samples), 1)
    same = dataset.subject_codes[first] == dataset.subject_codes[second]
    chosen = np.concatenate([rng.choice(np.flatnonzero(kind), pairs, replace=False) for kind in (same, ~same)])
    return dataset, Part(np.arange(len(samples)), Pairs(first[chosen], second[chosen], same[chosen]))


def crops_of(dataset: Dataset) -> UInt8Array:
    """One 8 × 8 crop a sample: a pattern of its subject, with noise of its own."""
    rng = np.random.default_rng(1)
    patterns = rng.integers(0, 256, (len(dataset.subjects), 8, 8, 1))
    noise = rng.normal(0, 60, (len(dataset), 8, 8, 1))
    return np.clip(patterns[dataset.subject_codes] + noise, 0, 255).astype(np.uint8)


def pixel_encoder(crops: UInt8Array) -> Float32Array:
    """The pixels themselves, centred: a fair encoder of :func:`crops_of`."""
    return (crops.reshape(len(crops), -1).astype(np.float32) - 128) / 128


def constant_encoder(crops: UInt8Array) -> Float32Array:
    """The same for every crop, and not a round number."""
    return np.broadcast_to(np.sin(np.arange(37, dtype=np.float32)), (len(crops), 37)).copy()


def random_encoder(crops: UInt8Array) -> Float32Array:
    """Noise that depends on every pixel and tells nothing."""
    seeds = [int.from_bytes(crop.tobytes()[:8], "little") for crop in crops]
    return np.array([np.random.default_rng(seed).normal(size=16) for seed in seeds], np.float32)
