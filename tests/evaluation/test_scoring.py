"""Embedding in batches, and scoring by rows and parts."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.made import crops_of, people, pixel_encoder
from twinlens.comparison import Cosine
from twinlens.data.dataset import Part
from twinlens.errors import EvaluationError
from twinlens.evaluation import scoring
from twinlens.evaluation.scoring import embed, score_part, score_rows
from twinlens.types import Encoder, Float32Array, UInt8Array


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_embeddings_come_in_the_order_asked_for(batch: int) -> None:
    dataset, _ = people(subjects=10)
    crops = crops_of(dataset)
    sizes = []

    def encoder(some: UInt8Array) -> Float32Array:
        sizes.append(len(some))
        return pixel_encoder(some)

    samples = np.random.default_rng(0).permutation(len(dataset))[:20]
    found = embed(encoder, crops, samples, batch)
    assert isinstance(pixel_encoder, Encoder)
    assert found.dtype == np.float32
    assert found.tolist() == pixel_encoder(crops[samples]).tolist()
    assert max(sizes) <= batch
    assert sum(sizes) == 20


def nan_from(index: int) -> Encoder:
    seen = 0

    def encoder(crops: UInt8Array) -> Float32Array:
        nonlocal seen
        embeddings = pixel_encoder(crops)
        if seen <= index < seen + len(crops):
            embeddings[index - seen, 3] = np.nan
        seen += len(crops)
        return embeddings

    return encoder


def test_an_embedding_that_is_no_number_names_its_sample() -> None:
    dataset, _ = people(subjects=10)
    with pytest.raises(EvaluationError, match=r"sample 25 is not made of finite numbers.*learning rate"):
        embed(nan_from(5), crops_of(dataset), np.arange(20, 30), batch=4)


@pytest.mark.parametrize("shape", [(3,), (2, 5), (3, 5, 1)])
def test_an_encoder_must_give_a_row_per_crop(shape: tuple[int, ...]) -> None:
    dataset, _ = people(subjects=10)
    with pytest.raises(EvaluationError, match="one row per crop"):
        embed(lambda _: np.zeros(shape, np.float32), crops_of(dataset), np.arange(3))


def test_nothing_to_embed_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="no photos"):
        embed(pixel_encoder, np.zeros((4, 8, 8, 1), np.uint8), np.arange(0))


def test_a_part_is_scored_pair_by_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "_BLOCK", 300)  # four pairs at a time
    dataset, whole = people(subjects=20)
    kept = np.arange(0, len(dataset), 2)
    inside = np.isin(whole.pairs.first, kept) & np.isin(whole.pairs.second, kept)
    part = Part(kept, whole.pairs[inside])
    crops = crops_of(dataset)
    found = score_part(pixel_encoder(crops[kept]), dataset, part, Cosine())
    assert len(found) == len(part.pairs) > 10
    for i in range(len(found)):
        first, second = int(part.pairs.first[i]), int(part.pairs.second[i])
        one, two = (pixel_encoder(crops[[k]])[0].astype(float) for k in (first, second))
        assert found.values[i] == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two))
        assert found.first_subject[i] == dataset.subject_codes[first]
        assert found.second_subject[i] == dataset.subject_codes[second]
        assert found.is_genuine[i] == (dataset.subject_codes[first] == dataset.subject_codes[second])


def test_embeddings_must_belong_to_the_part() -> None:
    dataset, part = people(subjects=20)
    embeddings = pixel_encoder(crops_of(dataset))
    with pytest.raises(ValueError, match="59 embeddings do not belong to 60 samples"):
        score_part(embeddings[1:], dataset, part, Cosine())
    with pytest.raises(ValueError, match="does not list"):
        score_part(embeddings[1:], dataset, Part(part.samples[1:], part.pairs), Cosine())


def test_a_score_that_is_no_number_is_refused() -> None:
    embeddings = np.array([[1, np.inf], [1, 2]], np.float32)
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(EvaluationError, match="not a finite number"),
    ):
        score_rows(embeddings, np.array([0]), np.array([1]), Cosine())
