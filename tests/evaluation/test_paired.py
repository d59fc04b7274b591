"""Two models on the same pairs: against naive sums and loops, and how often chance passes for a difference."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm
from scipy.stats import t as student

from tests.evaluation.made import gaussian_scores
from twinlens.errors import EvaluationError
from twinlens.evaluation.intervals import subject_weights
from twinlens.evaluation.metrics import accuracy, auc
from twinlens.evaluation.paired import (
    Judged,
    PairedTest,
    holm,
    mcnemar,
    normal_difference,
    paired_test,
    resample_together,
)
from twinlens.types import Scores

RESAMPLES = 200


def two_models(
    pairs: int = 300, lead: float = 0.0, seed: int = 0, subjects: int = 300, taste: float = 0.0
) -> tuple[Judged, Judged]:
    """Two models that share what is hard about a pair; the first sees it more clearly by ``lead``.

    Args:
        pairs: Genuine ones, and as many impostor ones.
        lead: How much further apart genuine and impostor scores of the first model lie.
        seed: Of everything.
        subjects: Among whom the pairs are drawn.
        taste: How much better or worse each model is at single subjects.
    """
    rng = np.random.default_rng(seed)
    same = rng.integers(subjects, size=pairs)
    first = np.concatenate([same, rng.integers(subjects, size=pairs)])
    other = (first[pairs:] + 1 + rng.integers(subjects - 1, size=pairs)) % subjects
    second = np.concatenate([same, other])
    is_genuine = np.arange(2 * pairs) < pairs
    sign = np.where(is_genuine, 1, -1)
    hard = rng.normal(size=2 * pairs)
    models = []
    for extra in (lead, 0.0):
        better_at = rng.normal(0, taste, subjects)
        values = sign * (0.8 + extra + better_at[first] + better_at[second]) + hard + rng.normal(0, 0.7, 2 * pairs)
        models.append(Judged(Scores(values, is_genuine, first, second), 0.0))
    return models[0], models[1]


def compared(first: Judged, second: Judged, seed: int = 0, resamples: int = RESAMPLES) -> PairedTest:
    return paired_test(*resample_together([first, second], resamples, seed), level=0.95)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_the_sum_over_all_divisions_that_are_no_likelier(rights: list[tuple[bool, bool]]) -> None:
    first, second = (np.array(side) for side in zip(*rights, strict=True))
    found = mcnemar(first, second)
    only_first = sum(a and not b for a, b in rights)
    only_second = sum(b and not a for a, b in rights)
    assert (found.only_first, found.only_second) == (only_first, only_second)
    divided = only_first + only_second
    ways = [comb(divided, k) for k in range(divided + 1)]
    naive = sum(way for way in ways if way <= ways[only_first]) / 2**divided
    assert found.p_value == pytest.approx(naive)
    if divided:
        assert found.p_value == pytest.approx(binomtest(only_first, divided, 0.5).pvalue)


def test_a_known_table_has_its_known_p_value() -> None:
    first = np.array([True] * 3 + [False] * 15 + [True] * 50)
    second = np.array([False] * 3 + [True] * 15 + [True] * 50)
    # 2 · Σₖ₌₀³ C(18, k) / 2¹⁸ = 2 · 988 / 262144
    assert mcnemar(first, second).p_value == pytest.approx(1976 / 262144)


def test_the_bootstrap_is_a_loop_over_resamples_that_both_models_share() -> None:
    models = two_models(pairs=40, subjects=20)
    found = compared(*models)
    differences: dict[str, list[float]] = {"accuracy": [], "auc": []}
    for weights in subject_weights(models[0].scores, RESAMPLES, seed=0):
        repeats = np.repeat(np.arange(len(weights)), weights.astype(int))
        drawn = [(model.scores[repeats], model.threshold) for model in models]
        differences["accuracy"].append(np.subtract(*(accuracy(scores, threshold) for scores, threshold in drawn)))
        differences["auc"].append(np.subtract(*(auc(scores) for scores, _ in drawn)))
    for name, difference in (("accuracy", found.accuracy), ("auc", found.auc)):
        half = norm.ppf(0.975) * np.std(differences[name], ddof=1)
        assert difference.interval.high - difference.interval.value == pytest.approx(half)
        assert difference.interval.value - difference.interval.low == pytest.approx(half)
    assert found.auc.interval.value == pytest.approx(auc(models[0].scores) - auc(models[1].scores))
    assert found.accuracy.interval.value == pytest.approx(models[0].right.mean() - models[1].right.mean())


def test_interval_and_percentiles_nearly_agree() -> None:
    first, second = resample_together(two_models(lead=0.2), 2000, seed=1)
    found = paired_test(first, second, 0.95).auc.interval
    low, high = np.quantile(first.auc.replicates - second.auc.replicates, [0.025, 0.975])
    assert (found.low, found.high) == (pytest.approx(low, abs=0.004), pytest.approx(high, abs=0.004))


def test_swapping_the_models_turns_the_signs_and_nothing_else() -> None:
    first, second = resample_together(two_models(lead=0.1), RESAMPLES, seed=0)
    there, back = paired_test(first, second, 0.95), paired_test(second, first, 0.95)
    assert (there.decisions.only_first, there.decisions.only_second) == (
        back.decisions.only_second,
        back.decisions.only_first,
    )
    for one, other in ((there.accuracy, back.accuracy), (there.auc, back.auc)):
        assert one.interval.value == -other.interval.value
        assert one.interval.low == pytest.approx(-other.interval.high)
        assert one.p_value == pytest.approx(other.p_value)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.decisions.p_value == back.decisions.p_value


def test_other_models_in_the_call_and_the_order_of_pairs_change_nothing() -> None:
    first, second = two_models(lead=0.1)
    third, _ = two_models(seed=0, lead=0.4)
    alone = compared(first, second)
    together = resample_together([third, second, first], RESAMPLES, 0)
    assert paired_test(together[2], together[1], 0.95) == alone
    order = np.random.default_rng(1).permutation(len(first.scores))
    shuffled = compared(*(Judged(model.scores[order], model.threshold) for model in (first, second)))
    assert shuffled.decisions == alone.decisions
    assert shuffled.accuracy.p_value == pytest.approx(alone.accuracy.p_value)
    assert shuffled.auc.interval.low == pytest.approx(alone.auc.interval.low)


def test_a_model_does_not_differ_from_itself() -> None:
    model = Judged(gaussian_scores(60, 1.0, seed=2), 0.1)
    stretched = Judged(Scores(np.exp(model.scores.values), *_rest(model.scores)), float(np.exp(0.1)))
    for other in (model, stretched):
        found = compared(model, other)
        assert found.p_value == found.decisions.p_value == found.accuracy.p_value == found.auc.p_value == 1
        assert found.accuracy.interval.value == found.auc.interval.value == 0
        assert found.auc.interval.low == found.auc.interval.high == 0


def test_a_real_difference_is_found() -> None:
    found = compared(*two_models(pairs=500, subjects=960, lead=0.5))
    assert found.p_value < 0.001
    assert found.auc.interval.low > 0.02
    assert found.accuracy.interval.low > 0.02


def test_accuracy_and_auc_that_disagree_prove_nothing() -> None:
    first, second = two_models(pairs=500, lead=0.5)
    misplaced = Judged(first.scores, 2.5)  # ranks well, decides badly
    found = compared(misplaced, second)
    assert found.auc.interval.low > 0
    assert found.accuracy.interval.high < 0
    assert found.p_value == 1


def share_called_different(level: float, subjects: int, taste: float, runs: int) -> dict[str, float]:
    """How often models that are equally good on average are told apart."""
    called = {"pair": 0, "subject": 0, "all": 0}
    for seed in range(runs):
        found = compared(*two_models(400, seed=seed, subjects=subjects, taste=taste), seed=seed, resamples=100)
        called["pair"] += found.decisions.p_value < level
        called["subject"] += found.accuracy.p_value < level
        called["all"] += found.p_value < level
    return {unit: count / runs for unit, count in called.items()}


def test_pairs_as_the_unit_are_too_sure_where_models_differ_by_person() -> None:
    # Thirty people in 800 pairs: as a list of one's own photos may be.
    found = share_called_different(0.05, subjects=30, taste=0.4, runs=40)
    assert found["pair"] > 0.2
    assert found["all"] <= found["subject"] <= 0.15


def test_where_people_are_in_one_pair_hardly_anything_is_called_different_by_chance() -> None:
    found = share_called_different(0.05, subjects=800, taste=0.0, runs=40)
    assert found["subject"] <= found["pair"] <= 0.12
    assert found["all"] <= 0.03


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_its_procedure_rejects(p_values: list[float]) -> None:
    found = holm(p_values)
    for level in (0.01, 0.05, 0.3):
        rejected = [False] * len(p_values)
        for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if (len(p_values) - rank) * p_values[place] > level:  # α / (m − rank), free of rounding
                break
            rejected[place] = True
        assert [p <= level for p in found] == rejected
    assert all(before <= after <= 1 for before, after in zip(p_values, found, strict=True))


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03, 0.5]) == pytest.approx([0.09, 0.04, 0.09, 0.5])
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_a_difference_with_few_degrees_of_freedom_is_less_sure() -> None:
    sure, unsure = normal_difference(0.03, 0.0001, 0.95), normal_difference(0.03, 0.0001, 0.95, freedom=2)
    assert sure.p_value == pytest.approx(2 * norm.sf(3))
    assert unsure.p_value == pytest.approx(2 * student.sf(3, 2))
    assert unsure.interval.low < sure.interval.low == pytest.approx(0.03 - 1.959964 * 0.01)
    assert normal_difference(0.0, 0.0, 0.95).p_value == 1
    assert normal_difference(0.5, 0.0, 0.95).p_value == 0


def test_other_pairs_are_refused() -> None:
    first, second = two_models(pairs=40)
    with pytest.raises(EvaluationError, match="same pairs"):
        resample_together([first, Judged(second.scores[::-1], 0.0)], 10, 0)
    with pytest.raises(EvaluationError, match="same pairs"):
        resample_together([first, Judged(second.scores[:-1], 0.0)], 10, 0)


def _rest(scores: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return scores.is_genuine, scores.first_subject, scores.second_subject
