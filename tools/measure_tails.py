"""Measure how well thresholds keep rates that calibration has not seen: python tools/measure_tails.py MODEL...

Of the development people of LFW, those that a model has neither learned from nor been calibrated on are taken: for one
that learned the pairs of View 1, about 1,900. So many times 240 of them are drawn, who fix thresholds as validation
people do; the false match rate of the others at these thresholds is held against the promised one. Rates lie 5 and 50
times below the smallest that 240 people support. Test people of View 1 are not looked at.

Two forms of the tail are compared, both fitted to the highest hundredth of the scores: the exponential one of
``twinlens.evaluation.thresholds.impostor_tail``, and a generalised Pareto distribution, whose shape is fitted too. What
the former costs is told by the share of the others' genuine pairs that still match, beside that at the threshold that
in truth keeps the rate.

Writes docs/results/tails.json and prints the table of docs/concepts.md, which a test holds against that file.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import genpareto

from twinlens.bundle import Bundle
from twinlens.data.dataset import Dataset
from twinlens.data.leaks import subject_digests
from twinlens.data.lfw import people_samples, read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.data.store import open_store
from twinlens.evaluation.scoring import embed
from twinlens.evaluation.thresholds import impostor_tail, is_supported, operating_points, tabulated_fmrs
from twinlens.files import write_json
from twinlens.serving.encoder import load_encoder
from twinlens.serving.models import find_model
from twinlens.types import BoolArray, Float64Array, IntArray

PEOPLE, DRAWS = 240, 12
BELOW = (5, 50)
FORMS = ("exponential", "Pareto")
RESULT = Path(__file__).parents[1] / "docs" / "results" / "tails.json"


def held_out(bundle: Bundle, dataset: Dataset, listed: IntArray) -> IntArray:
    """The listed samples of people that the model knows nothing of."""
    known = {*bundle.manifest.training.seen, *bundle.manifest.training.calibrated}
    is_known = np.array([subject_digests(dataset.name, [subject]) <= known for subject in dataset.subjects])
    return listed[~is_known[dataset.subject_codes[listed]]]


def pareto_threshold(impostor: Float64Array, fmr: float) -> float:
    ranked = np.sort(impostor)[::-1]
    highest = len(ranked) // 100
    shape, _, scale = genpareto.fit(ranked[:highest] - ranked[highest], floc=0)
    return float(ranked[highest] + genpareto.isf(fmr * len(ranked) / highest, shape, 0, scale))


class Scored:
    """Every pair of some photos."""

    def __init__(self, scores: Float64Array, codes: IntArray) -> None:
        self.first, self.second = np.triu_indices(len(codes), 1)
        self.values, self.codes = scores[self.first, self.second], codes
        self.is_genuine = codes[self.first] == codes[self.second]

    def among(self, photos: BoolArray) -> BoolArray:
        """Which pairs show two of these photos."""
        found: BoolArray = photos[self.first] & photos[self.second]
        return found


def draw(scored: Scored, seed: int) -> dict[str, list[float]]:
    """For each of ``BELOW``, the rate of other people over the promised one, by form, and what genuine pairs match."""
    people = np.random.default_rng(seed).permutation(np.unique(scored.codes))[:PEOPLE]
    fixing = np.isin(scored.codes, people)
    inside, outside = scored.among(fixing) & ~scored.is_genuine, scored.among(~fixing)
    others = np.sort(scored.values[outside & ~scored.is_genuine])
    genuine = scored.values[outside & scored.is_genuine]
    values = scored.values[inside]
    subjects = (scored.codes[scored.first[inside]], scored.codes[scored.second[inside]])
    start = min(fmr for fmr in tabulated_fmrs(len(values)) if is_supported(fmr, len(values)))
    points = operating_points(values, *subjects, 0.95, 200, seed, (start,))
    tail = impostor_tail(values, points)
    assert tail is not None
    found: dict[str, list[float]] = {name: [] for name in (*FORMS, "matched", "matched_at_best")}
    for below in BELOW:
        fmr = start / below
        for form, threshold in zip(FORMS, (tail.threshold_for(fmr), pareto_threshold(values, fmr)), strict=True):
            found[form].append(float((len(others) - np.searchsorted(others, threshold)) / len(others) / fmr))
        found["matched"].append(float((genuine >= tail.threshold_for(fmr)).mean()))
        found["matched_at_best"].append(float((genuine >= others[-int(fmr * len(others))]).mean()))
    return found


def measure(model: str) -> dict[str, Any]:
    bundle, files = find_model(model), locate_lfw()
    dataset = read_lfw(files)
    (listed,) = people_samples(files.lists / "peopleDevTrain.txt", dataset)
    samples = held_out(bundle, dataset, listed)
    store = open_store(dataset, bundle.manifest.frame)
    embeddings = embed(load_encoder(bundle), store.crops, samples)
    rows = [bundle.manifest.comparison.matrix(embeddings[i : i + 100], embeddings) for i in range(0, len(samples), 100)]
    scored = Scored(np.concatenate(rows), dataset.subject_codes[samples])
    draws = [draw(scored, seed) for seed in range(DRAWS)]
    return {
        "fingerprint": bundle.manifest.fingerprint,
        "people": len(np.unique(scored.codes)),
        "photos": len(samples),
        "forms": {form: summary(np.array([each[form] for each in draws])) for form in FORMS},
        **{name: np.mean([each[name] for each in draws], axis=0).tolist() for name in ("matched", "matched_at_best")},
    }


def summary(ratios: Float64Array) -> dict[str, list[float]]:
    return {"mean": ratios.mean(axis=0).tolist(), "exceeded": (ratios > 1).mean(axis=0).tolist()}


def table(result: Mapping[str, Any]) -> str:
    """The table of docs/concepts.md."""
    titles = [f"{form}, {below} times rarer" for form in ("exponential", "generalised Pareto") for below in BELOW]
    lines = [f"| model | {' | '.join(titles)} |", f"|---|{'---:|' * len(titles)}"]
    for name, found in result["models"].items():
        cells = [
            f"{mean:.2f} ({exceeded * DRAWS:.0f} of {DRAWS})"
            for form in FORMS
            for mean, exceeded in zip(*found["forms"][form].values(), strict=True)
        ]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    result = {"models": {find_model(model).manifest.name: measure(model) for model in sys.argv[1:]}}
    write_json(RESULT, result)
    print(table(result))


if __name__ == "__main__":
    main()
