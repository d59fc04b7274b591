"""Measure what several templates of a subject do to decisions: python tools/measure_templates.py MODEL

Of the development people of LFW, those that the model has neither learned from nor been calibrated on are taken, as in
tools/measure_tails.py. Of everybody with more than ten photos so many are drawn as templates. The others of the same
person must match the best of them, and one photo of everybody else must not. Everything is done with the odds shared
among the templates, as ``twinlens.serving.decision.decide`` does, and without.

Writes docs/results/templates.json and prints the table of docs/gallery.md, which a test holds against that file.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tools.measure_tails import held_out

from twinlens.bundle import Manifest
from twinlens.data.lfw import people_samples, read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.data.store import open_store
from twinlens.evaluation.scoring import embed
from twinlens.files import write_json
from twinlens.serving.decision import decide
from twinlens.serving.encoder import load_encoder
from twinlens.serving.models import find_model
from twinlens.types import Float64Array, IntArray

TEMPLATES, DRAWS, MOST = (1, 2, 5, 10), 10, 10
BINS = 10
RESULT = Path(__file__).parents[1] / "docs" / "results" / "templates.json"


def draw(scores: Float64Array, codes: IntArray, count: int, seed: int) -> tuple[Float64Array, Float64Array]:
    """The best score of each genuine and of each impostor probe, with so many templates of a subject."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(codes))
    people, one_each, sizes = np.unique(codes[order], return_index=True, return_counts=True)
    others = order[one_each]
    genuine, impostor = [], []
    for person in people[sizes > MOST]:
        photos = order[codes[order] == person]
        best = scores[:, photos[:count]].max(axis=1)
        genuine.append(best[photos[count:]])
        impostor.append(best[others[people != person]])
    return np.concatenate(genuine), np.concatenate(impostor)


def figures(manifest: Manifest, best: tuple[Float64Array, Float64Array], count: int) -> dict[str, float]:
    """Error rates at even odds and the calibration error, genuine and impostor probes weighing the same."""
    decisions = [[decide(manifest, score, templates=count) for score in scores.tolist()] for scores in best]
    genuine, impostor = (np.array([one.is_match for one in some]) for some in decisions)
    probability = np.array([one.probability.value for some in decisions for one in some])
    is_genuine = np.repeat([True, False], [len(genuine), len(impostor)])
    weights = np.where(is_genuine, 0.5 / len(genuine), 0.5 / len(impostor))
    which = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(which, weights * (probability - is_genuine), BINS)
    return {
        "fmr": float(impostor.mean()),
        "fnmr": float(1 - genuine.mean()),
        "calibration_error": float(np.abs(gaps).sum()),
    }


def measure(model: str) -> dict[str, Any]:
    bundle, files = find_model(model), locate_lfw()
    dataset = read_lfw(files)
    (listed,) = people_samples(files.lists / "peopleDevTrain.txt", dataset)
    samples = held_out(bundle, dataset, listed)
    embeddings = embed(load_encoder(bundle), open_store(dataset, bundle.manifest.frame).crops, samples)
    scores, codes = bundle.manifest.comparison.matrix(embeddings, embeddings), dataset.subject_codes[samples]
    rows = []
    for count in TEMPLATES:
        drawn = [draw(scores, codes, count, seed) for seed in range(DRAWS)]
        shared, not_shared = ([figures(bundle.manifest, best, divisor) for best in drawn] for divisor in (count, 1))
        rows.append({"templates": count, "shared": means(shared), "not_shared": means(not_shared)})
    sizes = np.unique(codes, return_counts=True)[1]
    return {
        "model": bundle.manifest.name,
        "fingerprint": bundle.manifest.fingerprint,
        "enrolled": int((sizes > MOST).sum()),
        "people": len(sizes),
        "rows": rows,
    }


def means(draws: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in draws])) for name in draws[0]}


def table(result: Mapping[str, Any]) -> str:
    """The table of docs/gallery.md: with the odds shared, and without."""
    titles = ("impostors matched at even odds", "enrolled people not matched", "calibration error")
    lines = [f"| templates | {' | '.join(titles)} |", "|---:|---:|---:|---:|"]
    for row in result["rows"]:
        cells = [f"{100 * row['shared'][name]:.1f} % ({100 * row['not_shared'][name]:.1f} %)" for name in row["shared"]]
        lines.append(f"| {row['templates']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    (model,) = sys.argv[1:]
    result = measure(model)
    write_json(RESULT, result)
    print(table(result), result["enrolled"], result["people"])


if __name__ == "__main__":
    main()
