import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.serving.made import POINTS, TAIL, small_manifest
from twinlens.errors import ConfigError
from twinlens.evaluation.thresholds import impostor_tail, operating_points
from twinlens.serving.thresholds import identification_threshold, threshold_for

MANIFEST = small_manifest()
rates = st.floats(1e-12, 1, exclude_max=True)
sizes = st.integers(1, 10**9)


@pytest.mark.parametrize(
    ("asked", "given"), [(0.1, 0.1), (0.5, 0.1), (0.05, 0.02), (0.02, 0.02), (0.0199, 0.01), (0.001, 0.001)]
)
def test_the_largest_rate_that_is_not_above_the_wanted_one_is_taken(asked: float, given: float) -> None:
    assert threshold_for(MANIFEST, asked).fmr == given


def test_what_the_pairs_cannot_support_is_refused_with_the_smallest_rate_that_they_can() -> None:
    for fmr in (1e-4, 9.99e-4, 1e-9):
        with pytest.raises(ConfigError, match=rf"rate of {fmr:g}: .* 40,000 impostor pairs.*smallest .* is 0\.001"):
            threshold_for(MANIFEST, fmr)
    with pytest.raises(ConfigError, match="has no threshold for any false match rate"):
        threshold_for(small_manifest(operating_points=()), 0.1)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, math.nan, math.inf])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match="is no rate"):
        threshold_for(MANIFEST, rate)
    with pytest.raises(ConfigError, match="is no rate"):
        identification_threshold(MANIFEST, rate, 10)


@given(fpir=rates, subjects=sizes)
def test_so_many_comparisons_match_a_stranger_as_rarely_as_was_asked_for(fpir: float, subjects: int) -> None:
    assume(-math.log1p(-fpir) / subjects > 1e-300)
    found = identification_threshold(MANIFEST, fpir, subjects)
    assert (found.fpir, found.subjects) == (fpir, subjects)
    assert -math.expm1(subjects * math.log1p(-found.fmr)) <= fpir * (1 + 1e-9)
    assert found.extrapolated == (found.fmr < TAIL.fmr)


@given(fpir=rates, fewer=sizes, more=sizes)
def test_a_larger_gallery_never_lowers_the_threshold(fpir: float, fewer: int, more: int) -> None:
    fewer, more = sorted((fewer, more))
    small, large = (identification_threshold(MANIFEST, fpir, subjects) for subjects in (fewer, more))
    assert small.threshold <= large.threshold


def test_a_search_among_one_is_a_verification() -> None:
    found = identification_threshold(MANIFEST, 0.01, 1)
    assert (found.threshold, found.fmr, found.extrapolated) == (0.6, pytest.approx(0.01), False)
    assert identification_threshold(MANIFEST, 0.01, 0) == identification_threshold(MANIFEST, 0.01, 1).__class__(
        found.threshold, found.fmr, 0.01, 0, extrapolated=False
    )


def test_beyond_what_is_supported_the_tail_goes_on_and_says_so() -> None:
    found = identification_threshold(MANIFEST, 0.01, 1000)
    assert found.extrapolated
    assert found.fmr == pytest.approx(1e-5, rel=0.01)
    assert found.threshold == pytest.approx(0.82 + 0.05 * math.log(0.001 / found.fmr))
    assert found.threshold > max(point.threshold.value for point in POINTS if point.supported)


def test_without_a_tail_a_large_gallery_is_refused() -> None:
    old = small_manifest(tail=None)
    assert identification_threshold(old, 0.1, 50).fmr == 0.001
    with pytest.raises(ConfigError, match=r"among 1,000 at 0\.01: that takes a false match rate of 1e-05 for each"):
        identification_threshold(old, 0.01, 1000)


@pytest.mark.parametrize("kind", ["exponential", "normal", "beta"])
def test_strangers_are_identified_no_more_often_than_was_asked_for(kind: str) -> None:
    rng = np.random.default_rng(5)
    draw = {
        "exponential": lambda size: rng.exponential(0.1, size),
        "normal": lambda size: rng.normal(0, 0.2, size),
        "beta": lambda size: rng.beta(3, 6, size),
    }[kind]
    scores = draw(60_000)
    codes = np.arange(len(scores))
    points = operating_points(scores, codes, codes + 1, 0.95, 60, 0)
    manifest = small_manifest(operating_points=points, tail=impostor_tail(scores, points))
    for subjects in (10, 2000):
        found = identification_threshold(manifest, 0.05, subjects)
        assert found.extrapolated == (subjects == 2000)
        strangers = 4000 if subjects == 10 else 1500
        false = np.mean([draw(subjects).max() >= found.threshold for _ in range(strangers)])
        assert false < 0.06
