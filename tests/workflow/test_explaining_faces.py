"""Verification by deletion on real pairs: what an explanation calls important matters more than anything else."""

from dataclasses import dataclass

import numpy as np
import pytest

from twinlens import workflow
from twinlens.bundle import read_bundle
from twinlens.comparison import Comparison
from twinlens.explaining.deletion import delete, highest
from twinlens.explaining.face_region import face_regions
from twinlens.explaining.occlusion import Saliency, explain_pair
from twinlens.explaining.patches import spread
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder
from twinlens.types import Encoder, Float64Array, UInt8Array

PAIRS = 30


@dataclass(frozen=True)
class Explained:
    """Test pairs of LFW View 1 with what drove their scores."""

    encoder: Encoder
    comparison: Comparison
    threshold: float
    face: Float64Array
    crops: list[tuple[UInt8Array, UInt8Array]]
    saliencies: list[Saliency]


@pytest.fixture(scope="module")
def explained(lfw_run: Run) -> Explained:
    prepared, bundle = workflow.prepare(lfw_run.config()), read_bundle(lfw_run.bundle)
    encoder, model = load_encoder(bundle), bundle.manifest
    pairs = prepared.partition.test.pairs
    drawn = pairs[np.random.default_rng(0).permutation(len(pairs))[:PAIRS]]
    crops = [(prepared.store.crops[i], prepared.store.crops[j]) for i, j in zip(drawn.first, drawn.second, strict=True)]
    saliencies = [explain_pair(encoder, model.comparison, *sides) for sides in crops]
    face = face_regions(model.frame).face
    assert face is not None
    return Explained(encoder, model.comparison, model.threshold, face, crops, saliencies)


@pytest.mark.lfw
def test_salient_tenth_matters_more_than_a_random_tenth(explained: Explained) -> None:
    found = [
        delete(
            explained.encoder,
            explained.comparison,
            *sides,
            saliency,
            is_match=saliency.score >= explained.threshold,
            seed=i,
        )
        for i, (sides, saliency) in enumerate(zip(explained.crops, explained.saliencies, strict=True))
    ]
    salient, random = (np.array([getattr(each, name) for each in found]) for name in ("salient", "random"))
    assert salient.mean() > 4 * abs(random.mean())
    assert (salient > random).mean() > 0.9


@pytest.mark.lfw
def test_that_holds_within_the_face_and_when_covered_in_another_way(explained: Explained) -> None:
    """Against a random tenth of the face, and against what matters in another pair; filled with the crop's mean."""
    rng = np.random.default_rng(1)
    moved = []
    for i in range(PAIRS):
        own, stranger = explained.saliencies[i], explained.saliencies[i - 1]
        grids = [(own.first, own.second), (stranger.first, stranger.second), rng.normal(size=(2, *own.first.shape))]
        moved.append([score_lost(explained, i, first, second) for first, second in grids])
    own_tenth, strangers_tenth, random_tenth = np.mean(moved, axis=0)
    assert own_tenth > 3 * abs(random_tenth)
    assert own_tenth > 2 * abs(strangers_tenth)


def score_lost(explained: Explained, pair: int, first: Float64Array, second: Float64Array) -> float:
    """By how much the score falls without the tenth of both faces that two maps call highest."""
    sides = [
        explained.encoder(without_tenth(crop, changes, explained.face)[None])
        for crop, changes in zip(explained.crops[pair], (first, second), strict=True)
    ]
    return explained.saliencies[pair].score - float(explained.comparison.pairs(*sides)[0])


def without_tenth(crop: UInt8Array, changes: Float64Array, face: Float64Array) -> UInt8Array:
    inside = np.where(face > 0.5, spread(changes, *face.shape), -np.inf)
    mask = highest(inside, 0.1 * face.mean())[..., None]
    return np.rint((1 - mask) * crop + mask * crop.mean((0, 1))).astype(np.uint8)
