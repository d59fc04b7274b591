"""A key that decides is found, and where chance decides none is."""

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from twinlens.learning.sweep.importance import importances

SPACE = {
    "rate": FloatDistribution(1e-5, 1e-1, log=True),
    "dropout": FloatDistribution(0, 0.5),
    "dense": CategoricalDistribution([128, 256, 512]),
}


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def drawn(n: int, seed: int) -> list[dict[str, float]]:
    rng = np.random.default_rng(seed)
    return [
        {"rate": 10 ** rng.uniform(-5, -1), "dropout": rng.uniform(0, 0.5), "dense": int(rng.choice([128, 256, 512]))}
        for _ in range(n)
    ]


def trial(params: dict[str, float], value: float, *, epochs: int = 9, failed: bool = False) -> FrozenTrial:
    """Finished, or pruned if it had fewer than nine epochs."""
    return create_trial(
        state=TrialState.COMPLETE if epochs == 9 else TrialState.PRUNED,
        params=params,
        distributions=SPACE,
        value=value if epochs == 9 else None,
        intermediate_values=dict.fromkeys(range(1, epochs + 1), value),
        user_attrs={"reason": "It diverged."} if failed else {},
    )


def valley(params: dict[str, float]) -> float:
    return float((np.log10(params["rate"]) + 3) ** 2)


@pytest.mark.parametrize("higher_is_better", [False, True])
def test_key_that_decides_is_first_and_beyond_chance(higher_is_better: bool) -> None:
    sign = -1 if higher_is_better else 1
    trials = [trial(params, sign * valley(params)) for params in drawn(20, seed=1)]
    first, *others = importances(trials, higher_is_better=higher_is_better, seed=0)
    assert first.key == "rate"
    assert first.p_value < 0.05
    assert first.share > 0.5
    assert sum(row.share for row in (first, *others)) == pytest.approx(1)
    assert all(row.p_value > 0.05 for row in others)


def test_chance_is_taken_for_more_in_no_more_than_its_share() -> None:
    rng = np.random.default_rng(0)
    least = [
        min(
            row.p_value
            for row in importances([trial(p, rng.normal()) for p in drawn(12, i)], higher_is_better=False, seed=i)
        )
        for i in range(8)
    ]
    assert sum(p_value < 0.05 for p_value in least) <= 2


def test_only_the_order_counts() -> None:
    params = drawn(12, seed=2)
    plain = importances([trial(p, valley(p)) for p in params], higher_is_better=False, seed=0)
    wild = importances([trial(p, float(np.exp(9 * valley(p)))) for p in params], higher_is_better=False, seed=0)
    assert plain == wild


def test_pruned_trials_stand_behind_finished_ones_and_failed_ones_last() -> None:
    """Whatever they had reached: as if all had been finished in that order."""
    params = drawn(12, seed=3)
    finished = [trial(p, float(i)) for i, p in enumerate(params)]
    mixed = [
        *finished[:6],
        trial(params[6], 0.1, epochs=5),
        trial(params[7], -9.0, epochs=3),
        trial(params[8], -8.0, epochs=3),
        trial(params[9], -9.9, epochs=8, failed=True),
        trial(params[10], -9.9, epochs=2, failed=True),
        trial(params[11], 0.0, epochs=0, failed=True),
    ]
    found = [importances(trials, higher_is_better=False, seed=0) for trials in (finished, mixed)]
    assert found[0] == found[1]


def test_too_few_trials_say_nothing() -> None:
    trials = [trial(params, valley(params)) for params in drawn(7, seed=4)]
    waiting = create_trial(state=TrialState.WAITING)
    assert importances([*trials, waiting], higher_is_better=False, seed=0) == ()
