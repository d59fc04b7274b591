"""The whole path against naive loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.made import gaussian_scores, scores_of
from twinlens.config.sections import EvaluationConfig
from twinlens.evaluation.acquisition import Failure, WholePath, judge_whole_path
from twinlens.types import Scores


def judged(framed: Scores, found: np.ndarray, decided: np.ndarray, failures: int = 0) -> WholePath:
    other = Scores(found, framed.is_genuine, framed.first_subject, framed.second_subject)
    broken = tuple(Failure(photo=f"{i}.jpg", several_faces=False, reason="none") for i in range(failures))
    return judge_whole_path(
        framed, other, decided, 0.0, broken, 50, EvaluationConfig(resamples=100), protocol="made", seed=0
    )


@given(st.data())
def test_every_share_is_that_of_a_loop(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    values = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=2 * size, max_size=2 * size)
    before, after = data.draw(values), np.array(data.draw(values))
    decided = np.array(data.draw(st.lists(st.booleans(), min_size=2 * size, max_size=2 * size)))
    framed = scores_of(before[:size], before[size:])
    found = judged(framed, after, decided, failures=3)
    right = accepted = rejected = 0
    for i in range(2 * size):
        match = bool(decided[i]) and after[i] >= 0
        right += bool(decided[i]) and match == framed.is_genuine[i]
        accepted += match and not framed.is_genuine[i]
        rejected += not match and bool(framed.is_genuine[i])
    assert found.accuracy.value == pytest.approx(right / (2 * size))
    assert found.false_accept_rate == pytest.approx(accepted / size)
    assert found.false_reject_rate == pytest.approx(rejected / size)
    assert found.undecided_genuine + found.undecided_impostor == int((~decided).sum())
    assert found.framed_accuracy.value == pytest.approx(np.mean((framed.values >= 0) == framed.is_genuine))
    assert found.difference.value == pytest.approx(found.accuracy.value - found.framed_accuracy.value)
    assert found.failure_to_acquire.value == 3 / 50
    assert (found.decided_difference is None) == (not decided.any())
    assert (found.fmr is None) == (not decided[~framed.is_genuine].any())
    assert (found.fnmr is None) == (not decided[framed.is_genuine].any())


def test_where_nothing_fails_and_nothing_changes_both_are_the_same() -> None:
    framed = gaussian_scores(80, 2.0, seed=0)
    found = judged(framed, framed.values, np.ones(160, np.bool_))
    assert found.accuracy == found.framed_accuracy
    assert (found.difference.low, found.difference.value, found.difference.high) == (0, 0, 0)
    assert found.fmr is not None
    assert found.false_accept_rate == found.fmr.value
    assert found.failures == ()
    assert found.failure_to_acquire.value == 0 < found.failure_to_acquire.high


def test_a_way_that_acquires_nothing_is_right_about_nothing() -> None:
    framed = gaussian_scores(30, 2.0, seed=1)
    found = judged(framed, framed.values, np.zeros(60, np.bool_), failures=50)
    assert found.accuracy.value == 0
    assert (found.false_accept_rate, found.false_reject_rate) == (0, 1)
    assert found.decided_difference is found.fmr is found.fnmr is None


def test_failures_cost_what_they_cost_and_no_more() -> None:
    framed = gaussian_scores(200, 3.0, seed=2)
    decided = np.arange(400) % 10 != 0
    found = judged(framed, framed.values, decided, failures=9)
    assert found.decided_difference is not None
    assert found.decided_difference.value == 0
    assert found.difference.low < found.difference.value < found.difference.high < 0
    assert WholePath.model_validate_json(found.model_dump_json()) == found
