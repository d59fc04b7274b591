from pathlib import Path

import numpy as np
import pytest

from twinlens.evaluation.paired import mcnemar
from twinlens.reporting.compare.contenders import read_contender
from twinlens.reporting.compare.recipes import Recipe, group
from twinlens.reporting.results.versus import judge


@pytest.fixture(scope="module")
def recipes(folder: Path) -> tuple[Recipe, ...]:
    names = ("koch2015-lfw", "koch-reduced", "koch-reduced-seed1")
    return group([read_contender(folder / name) for name in names])


def test_seeds_are_one_recipe_and_a_large_difference_is_found(recipes: tuple[Recipe, ...]) -> None:
    outcome = judge(recipes, "koch2015-lfw")
    assert list(outcome.versus) == ["koch-reduced"]
    versus = outcome.versus["koch-reduced"]
    assert versus.beyond_noise
    assert not versus.alone
    means = outcome.accuracy["koch-reduced"].value - outcome.accuracy["koch2015-lfw"].value
    assert versus.accuracy.interval.value == pytest.approx(means)
    assert versus.accuracy.interval.low > 0


def test_single_run_keeps_its_interval_and_several_get_one_of_their_mean(recipes: tuple[Recipe, ...]) -> None:
    accuracy = judge(recipes, "koch2015-lfw").accuracy
    (base,) = recipes[0].runs.values()
    assert base.result.test is not None
    assert accuracy["koch2015-lfw"] == base.result.test.accuracy
    runs = [run.result.test.accuracy.value for run in recipes[1].runs.values() if run.result.test]
    mean = accuracy["koch-reduced"]
    assert mean.value == pytest.approx(np.mean(runs))
    assert mean.low < mean.value < mean.high


def test_without_the_baseline_nothing_is_compared(recipes: tuple[Recipe, ...]) -> None:
    assert judge(recipes[1:], "koch2015-lfw").versus == {}


def test_two_models_have_to_survive_mcnemar_too_and_the_number_of_recipes(folder: Path) -> None:
    runs = [read_contender(folder / name) for name in ("koch2015-lfw", "koch-reduced", "by-names")]
    base, first, second = recipes = group(runs)
    alone = judge([base, first], "koch2015-lfw").versus["koch-reduced"]
    both = judge(recipes, "koch2015-lfw").versus
    assert alone.alone
    assert alone.p_value >= mcnemar(runs[1].judged.right, runs[0].judged.right).p_value
    assert max(versus.p_value for versus in both.values()) >= alone.p_value
    smaller = min(both.values(), key=lambda versus: versus.p_value)
    (pair,) = (judge([base, one], "koch2015-lfw").versus for one in (first, second) if both[one.label] is smaller)
    assert smaller.p_value == pytest.approx(2 * next(iter(pair.values())).p_value)  # Holm: two recipes
