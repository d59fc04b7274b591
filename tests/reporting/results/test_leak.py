import numpy as np
import pytest

from tests.reporting.results.made import named
from twinlens.evaluation.result import Result
from twinlens.reporting.results.leak import leak_finding, leak_table, subtract
from twinlens.types import Interval


def with_accuracies(result: Result, validation: float, test: float, spread: float) -> Result:
    def interval(value: float) -> Interval:
        return Interval(value, value - spread, value + spread, "x")

    assert result.test is not None
    return result.model_copy(
        update={
            "validation": result.validation.model_copy(update={"accuracy": interval(validation)}),
            "test": result.test.model_copy(update={"accuracy": interval(test)}),
        }
    )


def test_interval_of_a_difference_holds_it_as_often_as_it_says() -> None:
    """Two shares of independent trials with their exact intervals, many times over."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(2000):
        first, second = rng.normal(0.7, 0.02), rng.normal(0.65, 0.03)
        gap = subtract(
            Interval(first, first - 1.96 * 0.02, first + 1.96 * 0.02, ""),
            Interval(second, second - 1.96 * 0.03, second + 1.96 * 0.03, ""),
        )
        held.append(gap.low <= 0.05 <= gap.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_uneven_intervals_are_not_mixed_up() -> None:
    gap = subtract(Interval(0.8, 0.77, 0.88, ""), Interval(0.7, 0.58, 0.74, ""))
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.1, 0.1 - 0.05, 0.1 + np.hypot(0.08, 0.12)))


@pytest.mark.parametrize(
    ("validation", "spread", "words"),
    [
        (0.80, 0.01, "The leak flatters, by 10.0 points"),
        (0.75, 0.03, "whether the other does, too, these pairs cannot say"),
        (0.72, 0.03, "The former interval holds 0"),
        (0.60, 0.03, "The former interval holds 0"),
    ],
)
def test_no_more_is_claimed_than_the_intervals_allow(
    result: Result, validation: float, spread: float, words: str
) -> None:
    honest = with_accuracies(result, 0.70, 0.70, spread)
    assert words in leak_finding(honest, with_accuracies(result, validation, 0.70, spread))


def test_table_says_who_shares_people(result: Result) -> None:
    leaks = result.provenance.model_copy(update={"leaks": True})
    leaking = named(result, "koch2015-lfw-leaky", 0).model_copy(update={"provenance": leaks})
    *_, honest, bad = leak_table([named(result, "koch2015-lfw", 0), leaking]).splitlines()
    assert "**shared with training**" in bad
    assert "shared" not in honest
