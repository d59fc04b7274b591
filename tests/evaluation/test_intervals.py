"""Intervals against exact formulas, naive resampling and, above all, how often they hold the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import beta, norm, sem

from tests.evaluation.made import gaussian_scores, scores_of
from twinlens.errors import EvaluationError
from twinlens.evaluation.intervals import (
    bootstrap_mean,
    clopper_pearson,
    mean_and_standard_error,
    percentile_interval,
    reflected_interval,
    subject_bootstrap,
    subject_weights,
)
from twinlens.evaluation.metrics import accuracy, auc
from twinlens.types import Interval, Scores

STATISTICS = {"auc": auc, "accuracy": lambda s, w: accuracy(s, 0.0, w)}


def simulated(subjects: int, genuine: int, impostor: int, spread: float, seed: int) -> Scores:
    """Scores made of the luck of both photos' subjects and noise; genuine ones higher by 2."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(0, spread, subjects)
    same = rng.integers(subjects, size=genuine)
    first = np.concatenate([same, rng.integers(subjects, size=impostor)])
    other = (first[genuine:] + 1 + rng.integers(subjects - 1, size=impostor)) % subjects
    second = np.concatenate([same, other])
    is_genuine = np.arange(genuine + impostor) < genuine
    noise = rng.normal(size=len(first))
    return Scores(np.where(is_genuine, 1, -1) + luck[first] + luck[second] + noise, is_genuine, first, second)


def weighted_fmr(impostor: Scores, weights: np.ndarray) -> float:
    return float(np.average(impostor.values >= 0, weights=weights))


def truth(spread: float) -> dict[str, float]:
    """The figures of endlessly many pairs of endlessly many subjects, half of them genuine."""
    genuine, impostor = np.sqrt(1 + 4 * spread**2), np.sqrt(1 + 2 * spread**2)
    return {
        "auc": norm.cdf(2 / np.hypot(genuine, impostor)),
        "accuracy": (norm.cdf(1 / genuine) + norm.cdf(1 / impostor)) / 2,
    }


def coverage(make: Callable[[int], Scores], wanted: dict[str, float], runs: int) -> dict[str, float]:
    hits = dict.fromkeys(wanted, 0)
    for seed in range(runs):
        found = subject_bootstrap(make(seed), STATISTICS, resamples=200, level=0.95, seed=seed)
        for name in hits:
            hits[name] += found[name].low <= wanted[name] <= found[name].high
    return {name: count / runs for name, count in hits.items()}


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    found = coverage(lambda seed: simulated(60, 250, 250, 0.8, seed), truth(0.8), runs=150)
    assert 0.88 <= found["auc"] <= 0.99
    assert 0.88 <= found["accuracy"] <= 0.99


def test_pairs_resampled_as_if_they_were_independent_would_not() -> None:
    fmr = norm.sf(1 / np.sqrt(1 + 2 * 0.8**2))
    hits = {"subjects": 0, "pairs": 0}
    for seed in range(100):
        scores = simulated(60, 60, 800, 0.8, seed)
        impostor = scores[~scores.is_genuine]
        matched = (impostor.values >= 0).astype(np.float64)
        by = {
            "pairs": bootstrap_mean(matched, np.arange(len(matched)), 200, 0.95, seed),
            "subjects": subject_bootstrap(impostor, {"fmr": weighted_fmr}, 200, 0.95, seed)["fmr"],
        }
        for kind, found in by.items():
            hits[kind] += found.low <= fmr <= found.high
    assert hits["pairs"] < 75
    assert 88 <= hits["subjects"] <= 99


def test_intervals_of_a_sparse_list_err_on_the_wide_side() -> None:
    # As in LFW's View 1: about as many pairs as people, so that most are in one impostor pair.
    found = coverage(lambda seed: simulated(960, 500, 500, 0.3, seed), truth(0.3), runs=60)
    assert min(found.values()) >= 0.95


def test_a_pair_counts_as_often_as_its_subjects_were_drawn() -> None:
    subjects = 6
    first, second = np.triu_indices(subjects, 0)
    scores = Scores(np.zeros(len(first)), first == second, first + 10, second + 10)
    drawn = list(subject_weights(scores, 50, seed=3))
    assert len(drawn) == 50
    for weights in drawn:
        counts = weights[scores.is_genuine]
        assert counts.sum() == subjects
        naive = [counts[a] if a == b else counts[a] * counts[b] for a, b in zip(first, second, strict=True)]
        assert weights.tolist() == naive
    counts = np.array([weights[scores.is_genuine] for weights in drawn])
    assert counts.mean() == 1
    assert 0.6 < counts.var() < 1.1  # 1 − 1/6 for a multinomial


def test_a_resample_without_one_kind_of_pair_is_drawn_again() -> None:
    scores = scores_of([1.0], [0.0])  # one genuine pair of subject 0, one impostor pair of 0 and 1
    for weights in subject_weights(scores, 200, seed=0):
        assert (weights > 0).all()
    impostor = scores[~scores.is_genuine]
    assert len(list(subject_weights(impostor, 10, seed=0))) == 10


def test_the_bootstrap_gives_the_plain_figure_and_is_repeatable() -> None:
    scores = gaussian_scores(80, 1.0, seed=5)
    found = subject_bootstrap(scores, STATISTICS, 300, 0.95, seed=1)
    assert found["auc"].value == auc(scores)
    assert found["accuracy"].value == accuracy(scores, 0.0)
    assert found == subject_bootstrap(scores, STATISTICS, 300, 0.95, seed=1)
    assert found != subject_bootstrap(scores, STATISTICS, 300, 0.95, seed=2)
    shuffled = scores[np.random.default_rng(0).permutation(len(scores))]
    assert found["accuracy"] == subject_bootstrap(shuffled, STATISTICS, 300, 0.95, seed=1)["accuracy"]
    assert found["auc"].method == "subject bootstrap"


def test_a_higher_level_is_wider() -> None:
    scores = gaussian_scores(80, 1.0, seed=5)
    narrow, wide = (subject_bootstrap(scores, STATISTICS, 300, level, seed=1)["auc"] for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_many_independent_subjects_give_the_textbook_interval() -> None:
    rng = np.random.default_rng(2)
    values = (rng.random(400) < 0.7).astype(np.float64)
    found = bootstrap_mean(values, np.arange(400), 4000, 0.95, seed=0)
    assert found.value == values.mean()
    half = 1.96 * np.sqrt(values.var() / 400)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)
    assert found.low + found.high == pytest.approx(2 * values.mean(), abs=0.01)


def test_copies_of_a_subject_add_no_certainty() -> None:
    values = np.random.default_rng(2).random(30)
    one = bootstrap_mean(values, np.arange(30), 500, 0.95, seed=0)
    ten = bootstrap_mean(np.repeat(values, 10), np.repeat(np.arange(30), 10), 500, 0.95, seed=0)
    assert (ten.low, ten.high) == (pytest.approx(one.low), pytest.approx(one.high))


def test_a_percentile_interval_holds_its_value() -> None:
    replicates = np.linspace(0.2, 0.4, 101).tolist()
    assert percentile_interval(0.3, replicates, 0.9) == Interval(
        0.3, pytest.approx(0.21), pytest.approx(0.39), "subject bootstrap"
    )
    assert percentile_interval(0.1, replicates, 0.9).low == 0.1
    assert percentile_interval(0.5, replicates, 0.9).high == 0.5


def test_a_reflected_interval_turns_an_upward_bias_down_and_stops_at_zero() -> None:
    found = reflected_interval(0.03, np.linspace(0.03, 0.07, 101).tolist(), 0.9)
    assert found.low == 0
    assert found.high == pytest.approx(0.03)
    balanced = reflected_interval(0.3, np.linspace(0.2, 0.5, 101).tolist(), 1.0)
    assert (balanced.low, balanced.high) == (pytest.approx(0.1), pytest.approx(0.4))


@pytest.mark.parametrize(("errors", "trials"), [(0, 30), (1, 30), (7, 500), (29, 30), (30, 30)])
def test_clopper_pearson_is_the_quantiles_of_two_beta_distributions(errors: int, trials: int) -> None:
    found = clopper_pearson(errors, trials, 0.95)
    low = beta.ppf(0.025, errors, trials - errors + 1) if errors else 0
    high = beta.ppf(0.975, errors + 1, trials - errors) if errors < trials else 1
    assert found.value == errors / trials
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.method == "Clopper-Pearson"
    mirrored = clopper_pearson(trials - errors, trials, 0.95)
    assert (1 - mirrored.high, 1 - mirrored.low) == (pytest.approx(low), pytest.approx(high))


def test_no_error_in_thirty_trials_still_allows_for_a_tenth() -> None:
    assert clopper_pearson(0, 30, 0.95).high == pytest.approx(1 - 0.025 ** (1 / 30))


def test_a_rate_needs_trials() -> None:
    with pytest.raises(EvaluationError, match="at least one pair"):
        clopper_pearson(0, 0, 0.95)


def test_the_standard_error_is_the_sample_deviation_over_root_n() -> None:
    values = [0.81, 0.84, 0.79, 0.88, 0.86]
    mean, error = mean_and_standard_error(values)
    assert mean == pytest.approx(np.mean(values))
    assert error == pytest.approx(sem(values))
    with pytest.raises(EvaluationError, match="at least two"):
        mean_and_standard_error([0.8])
