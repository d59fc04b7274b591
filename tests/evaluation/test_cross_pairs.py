"""Thresholds rest on pairs that are known to be of different people, and on no others."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlens.comparison import Cosine
from twinlens.config.sections import EvaluationConfig
from twinlens.data.components import told_apart
from twinlens.data.dataset import Dataset, Part
from twinlens.evaluation.cross_pairs import told_apart_pairs
from twinlens.evaluation.judge import calibrate
from twinlens.types import Pairs, Sample


def listed(rows: list[tuple[int, int, bool]], subjects: list[int]) -> tuple[Dataset, Part]:
    """A list of pairs, of samples whose subjects it tells."""
    samples = tuple(Sample(f"{i:04}.jpg", f"{subject:04}") for i, subject in enumerate(subjects))
    dataset = Dataset("pairs:mine", Path(), samples, inferred=True)
    return dataset, Part(np.arange(len(samples)), Pairs.from_rows(rows))


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda pair: pair[0] != pair[1]), max_size=8),
)
@settings(deadline=None)
def test_every_two_samples_of_different_subjects_come_once(codes: list[int], apart: list[tuple[int, int]]) -> None:
    first, second = (np.array([pair[side] for pair in apart], np.int64) for side in (0, 1))
    found = list(zip(*(side.tolist() for side in told_apart(np.array(codes), first, second)), strict=True))
    said = {frozenset(pair) for pair in apart}
    every = [(i, j) for j in range(len(codes)) for i in range(j) if frozenset((codes[i], codes[j])) in said]
    assert found == sorted(every)


def test_photos_that_no_pair_joins_are_not_taken_for_different_people() -> None:
    rng = np.random.default_rng(0)
    people, rows, subjects = rng.normal(size=(60, 16)), [], []
    for person in range(60):  # two genuine pairs of each person that nothing joins, and an impostor pair with the next
        photo, after = 4 * person, 4 * ((person + 1) % 60)
        rows += [(photo, photo + 1, True), (photo + 2, photo + 3, True), (photo, after, False)]
        subjects += [2 * person, 2 * person, 2 * person + 1, 2 * person + 1]
    dataset, part = listed(rows, subjects)
    embeddings = (np.repeat(people, 4, axis=0) + 0.1 * rng.normal(size=(240, 16))).astype(np.float32)
    _, points, _ = calibrate(embeddings, dataset, part, Cosine(), "pairs-only", EvaluationConfig(), seed=0)
    assert points[0].impostor_pairs == 60 * 2 * 2
    strictest = min((point for point in points if point.supported), key=lambda point: point.fmr)
    assert strictest.threshold.value < 0.9  # photos of one person are more alike


def test_nobody_has_more_than_ten_samples_in_these_pairs() -> None:
    dataset, part = listed([(0, 40, False)], [0] * 40 + [1] * 40)
    first, second = told_apart_pairs(dataset, part, seed=1)
    assert len(first) == 100
    assert len(set(first.tolist())) == len(set(second.tolist())) == 10
