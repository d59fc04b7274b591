from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twinlens.config import Frame
from twinlens.reporting.errors_by import asymmetry, errors_by, finding, measure_looks
from twinlens.reporting.scores import ScoredPairs
from twinlens.types import UInt8Array


def scored(truth: list[bool], decided: list[bool], score: list[float]) -> ScoredPairs:
    n = len(score)
    names = tuple(f"s/{i}.jpg" for i in range(n))
    values = np.array(score)
    return ScoredPairs(
        first=names,
        second=names,
        first_subject=("s",) * n,
        second_subject=("s",) * n,
        is_genuine=np.array(truth),
        score=values,
        log_likelihood_ratio=values,
        probability=values,
        is_match=np.array(decided),
    )


@given(arrays(np.uint8, (12, 10, 1)))
def test_asymmetry_stays_in_its_range_and_knows_no_side(crop: UInt8Array) -> None:
    found = asymmetry(crop)
    assert -1e-9 <= found <= 2 + 1e-9
    assert asymmetry(crop[:, ::-1]) == pytest.approx(found, abs=1e-9)


def test_asymmetry_is_one_minus_the_correlation_with_the_mirror_image() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (9, 8, 1), np.uint8)
    wanted = 1 - np.corrcoef(crop.ravel(), crop[:, ::-1].ravel())[0, 1]
    assert asymmetry(crop) == pytest.approx(wanted)
    symmetric = np.concatenate([crop, crop[:, ::-1]], axis=1)
    assert asymmetry(symmetric) == pytest.approx(0, abs=1e-9)
    assert asymmetry(np.full((8, 8, 1), 7, np.uint8)) == 0


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(-5, 5)), min_size=1, max_size=60))
def test_quarters_hold_every_pair_once(rows: list[tuple[bool, bool, float]]) -> None:
    pairs = scored(*map(list, zip(*rows, strict=True)))
    [margin] = errors_by(pairs, 0.3, 0.95, None)
    assert sum(quarter.pairs for quarter in margin.quarters) == len(rows)
    wrong = sum(round(q.error_rate.value * q.pairs) for q in margin.quarters)
    assert wrong == sum(truth != decided for truth, decided, _ in rows)
    lows = [quarter.low for quarter in margin.quarters]
    assert lows == sorted(lows)
    for before, after in zip(margin.quarters, margin.quarters[1:], strict=False):
        assert before.high < after.low


def test_rates_against_a_naive_loop(scores: ScoredPairs) -> None:
    [margin] = errors_by(scores, 0.19, 0.95, None)
    for quarter in margin.quarters:
        genuine = impostor = missed = confused = 0
        for i in range(len(scores)):
            if quarter.low <= abs(scores.score[i] - 0.19) <= quarter.high:
                genuine += bool(scores.is_genuine[i])
                impostor += not scores.is_genuine[i]
                missed += bool(scores.is_genuine[i] and not scores.is_match[i])
                confused += bool(scores.is_match[i] and not scores.is_genuine[i])
        assert quarter.pairs == genuine + impostor
        assert quarter.fnmr is not None
        assert quarter.fmr is not None
        assert quarter.fnmr.value == pytest.approx(missed / genuine)
        assert quarter.fmr.value == pytest.approx(confused / impostor)
        assert quarter.error_rate.value == pytest.approx((missed + confused) / quarter.pairs)


def test_the_sharpness_that_was_simulated_is_found(
    scores: ScoredPairs, photos: Callable[[str], UInt8Array], capsys: pytest.CaptureFixture[str]
) -> None:
    looks = measure_looks(scores.photos, photos, Frame())
    capsys.readouterr()
    factors = {factor.name: factor for factor in errors_by(scores, 0.19, 0.95, looks)}
    assert set(factors) >= {"Score margin", "Brightness", "Sharpness", "Asymmetry"}
    blurred, sharp = factors["Sharpness"].quarters[0], factors["Sharpness"].quarters[-1]
    assert blurred.error_rate.value > sharp.error_rate.value
    assert factors["Score margin"].matters
    assert "score margin" in finding(tuple(factors.values()))


def test_a_rate_of_no_pairs_is_left_out() -> None:
    pairs = scored([True] * 8, [True] * 8, [float(i) for i in range(8)])
    [margin] = errors_by(pairs, 0.0, 0.95, None)
    assert all(quarter.fmr is None for quarter in margin.quarters)
    assert not margin.matters
