"""Two recipes over their seeds: against textbook formulas, and how often luck passes for a better recipe."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind

from tests.evaluation.made import gaussian_scores
from twinlens.evaluation.paired import Judged, Replicated, Resampled, paired_test, resample_together
from twinlens.evaluation.seeds import recipe_test, spread
from twinlens.types import Scores

RESAMPLES = 100


def run_with(value: float, replicates: np.ndarray) -> Resampled:
    return Resampled(
        Judged(gaussian_scores(5, 1.0, 0), 0.0), Replicated(value, replicates), Replicated(value, replicates)
    )


def seeds_of_a_recipe(count: int, seed: int, lead: float = 0.0, luck: float = 0.25, pairs: int = 250) -> list[Judged]:
    """Runs whose quality varies by ``luck`` from seed to seed, on pairs that are the same for every call."""
    fixed = np.random.default_rng(77)
    subjects = fixed.integers(400, size=(2, 2 * pairs))
    is_genuine = np.arange(2 * pairs) < pairs
    subjects[1] = np.where(is_genuine, subjects[0], (subjects[0] + 1 + subjects[1] % 399) % 400)
    hard = fixed.normal(size=2 * pairs)
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(count):
        quality = 0.8 + lead + rng.normal(0, luck)
        values = np.where(is_genuine, 1, -1) * quality + hard + rng.normal(0, 0.6, 2 * pairs)
        runs.append(Judged(Scores(values, is_genuine, subjects[0], subjects[1]), 0.0))
    return runs


def test_spread_by_hand() -> None:
    found = spread([0.70, 0.74, 0.75])
    assert (found.runs, found.lowest, found.highest) == (3, 0.70, 0.75)
    assert found.mean == pytest.approx(0.73)
    assert found.deviation == pytest.approx(np.sqrt((0.03**2 + 0.01**2 + 0.02**2) / 2))
    assert spread([0.7]).deviation is None


def test_without_noise_of_people_it_is_the_t_test() -> None:
    still = np.zeros(10)
    first, second = [0.81, 0.79, 0.84], [0.75, 0.78]
    found = recipe_test([run_with(v, still) for v in first], [run_with(v, still) for v in second], 0.95)
    known = ttest_ind(first, second)
    assert found.accuracy.p_value == pytest.approx(known.pvalue)
    interval = known.confidence_interval(0.95)
    assert (found.auc.interval.low, found.auc.interval.high) == (
        pytest.approx(interval.low),
        pytest.approx(interval.high),
    )


def test_without_luck_of_seeds_it_is_the_bootstrap_of_the_means() -> None:
    draws = np.random.default_rng(0).normal(0, 0.01, (3, 500))
    found = recipe_test([run_with(0.8, draws[0]), run_with(0.8, draws[1])], [run_with(0.7, draws[2])], 0.95)
    error = np.std((draws[0] + draws[1]) / 2 - draws[2], ddof=1)
    assert found.accuracy.interval.high - 0.1 == pytest.approx(1.959964 * error)


def test_swapping_the_recipes_turns_the_signs_and_nothing_else() -> None:
    runs = resample_together([*seeds_of_a_recipe(2, 0), *seeds_of_a_recipe(1, 1, lead=0.2)], RESAMPLES, 0)
    there, back = recipe_test(runs[:2], runs[2:], 0.95), recipe_test(runs[2:], runs[:2], 0.95)
    assert there.auc.interval.value == pytest.approx(-back.auc.interval.value)
    assert there.auc.interval.low == pytest.approx(-back.auc.interval.high)
    assert there.p_value == pytest.approx(back.p_value)


def test_luck_of_seeds_passes_for_a_better_model_but_not_for_a_better_recipe() -> None:
    called = {"models": 0, "recipes": 0}
    for seed in range(30):
        runs = resample_together([*seeds_of_a_recipe(3, seed), *seeds_of_a_recipe(3, 1000 + seed)], RESAMPLES, seed)
        called["models"] += paired_test(runs[0], runs[3], 0.95).p_value < 0.05
        called["recipes"] += recipe_test(runs[:3], runs[3:], 0.95).p_value < 0.05
    assert called["models"] > 6
    assert called["recipes"] <= 3


def test_a_better_recipe_is_found_beyond_the_luck_of_its_seeds() -> None:
    runs = resample_together(
        [*seeds_of_a_recipe(3, 0, lead=1.0, luck=0.1), *seeds_of_a_recipe(3, 1, luck=0.1)], RESAMPLES, 0
    )
    assert recipe_test(runs[:3], runs[3:], 0.95).p_value < 0.01


def test_recipes_whose_accuracy_and_auc_disagree_are_not_told_apart() -> None:
    still = np.zeros(10)
    accurate = [Resampled(run.judged, run.accuracy, Replicated(0.6, still)) for run in (run_with(0.9, still),) * 2]
    found = recipe_test(accurate, [run_with(0.8, still)], 0.95)
    assert found.accuracy.p_value == found.auc.p_value == 0
    assert found.p_value == 1


def test_one_seed_each_says_nothing_about_seeds() -> None:
    one = run_with(0.8, np.zeros(5))
    with pytest.raises(ValueError, match="one run each"):
        recipe_test([one], [one], 0.95)
