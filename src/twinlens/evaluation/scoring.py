"""From crops to embeddings and from embeddings to scores, in batches that fit into memory."""

from __future__ import annotations

import numpy as np

from twinlens.comparison import Comparison
from twinlens.data.dataset import Dataset, Part
from twinlens.errors import EvaluationError
from twinlens.progress import track
from twinlens.types import Encoder, Float32Array, Float64Array, IntArray, Scores, UInt8Array

# Numbers in a batch of embeddings on their way to scores: 8 MB as float64, however many pairs there are.
_BLOCK = 1 << 20


def embed(encoder: Encoder, crops: UInt8Array, samples: IntArray, batch: int = 128) -> Float32Array:
    """Embed some samples of a dataset, with a progress bar.

    Args:
        encoder: What embeds.
        crops: uint8 ``(m, height, width, channels)``, one for each sample of the dataset; may be memory-mapped.
        samples: int64 ``(n,)`` indices of those to embed.
        batch: Crops per call of the encoder.

    Returns:
        float32 ``(n, dim)``, in the order of ``samples``.

    Raises:
        EvaluationError: There are no samples, or the encoder gives something else than one embedding of finite
            numbers per crop.
    """
    if len(samples) == 0:
        raise EvaluationError("There are no photos to embed.", "Check the list of pairs or the split.")
    starts = range(0, len(samples), batch)
    found = [
        _embed_batch(encoder, crops, samples[start : start + batch])
        for start in track(starts, "Embedding photos", len(starts))
    ]
    return np.concatenate(found)


def score_part(embeddings: Float32Array, dataset: Dataset, part: Part, comparison: Comparison) -> Scores:
    """Score the listed pairs of a part.

    Args:
        embeddings: float32 ``(n, dim)``, of ``part.samples`` in their order.
        dataset: Where the part points into.
        part: Its samples include those of its pairs.
        comparison: What scores a pair.

    Raises:
        EvaluationError: A score is not finite.
    """
    if len(embeddings) != len(part.samples):
        raise ValueError(f"{len(embeddings)} embeddings do not belong to {len(part.samples)} samples")
    if not np.isin(part.pairs.samples, part.samples).all():
        raise ValueError("a pair shows a sample that the part does not list")
    first, second = (np.searchsorted(part.samples, side) for side in (part.pairs.first, part.pairs.second))
    codes = dataset.subject_codes
    return Scores(
        score_rows(embeddings, first, second, comparison),
        part.pairs.is_genuine,
        codes[part.pairs.first],
        codes[part.pairs.second],
    )


def score_rows(embeddings: Float32Array, first: IntArray, second: IntArray, comparison: Comparison) -> Float64Array:
    """Score row ``first[i]`` of the embeddings ``(m, dim)`` with row ``second[i]``; float64 ``(n,)``.

    Raises:
        EvaluationError: A score is not finite.
    """
    step = max(1, _BLOCK // embeddings.shape[1])
    scores = np.empty(len(first), np.float64)
    for start in range(0, len(first), step):
        chosen = slice(start, start + step)
        scores[chosen] = comparison.pairs(embeddings[first[chosen]], embeddings[second[chosen]])
    if not np.isfinite(scores).all():
        raise EvaluationError(
            "The comparison of two embeddings is not a finite number.",
            "The network has diverged; train it again with a smaller learning rate.",
        )
    return scores


def _embed_batch(encoder: Encoder, crops: UInt8Array, samples: IntArray) -> Float32Array:
    embeddings = encoder(np.ascontiguousarray(crops[samples]))
    if embeddings.ndim != 2 or len(embeddings) != len(samples):
        raise EvaluationError(
            f"The encoder made embeddings of shape {embeddings.shape} from {len(samples)} crops.",
            "It must give one row per crop.",
        )
    broken = samples[~np.isfinite(embeddings).all(axis=1)]
    if len(broken):
        raise EvaluationError(
            f"The embedding of sample {broken[0]} is not made of finite numbers.",
            "The network has diverged; train it again with a smaller learning rate.",
        )
    return embeddings
