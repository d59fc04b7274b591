import pytest

from twinlens.reporting.wording import (
    counted,
    decimal,
    duration,
    listing,
    p_value,
    percent,
    percent_interval,
    points,
    points_span,
    probability,
    rate,
    subject_names,
)
from twinlens.types import Interval


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (38.4, "38 s"),
        (59.6, "1 min 00 s"),
        (252, "4 min 12 s"),
        (3599.6, "1 h 00 min"),
        (3780, "1 h 03 min"),
        (7199, "2 h 00 min"),
    ],
)
def test_durations_are_told_in_two_units_that_never_overflow(seconds: float, text: str) -> None:
    assert duration(seconds).replace("\u00a0", " ") == text


def test_a_minus_is_a_minus_and_zero_has_none() -> None:
    assert decimal(-0.25, 2) == "\u22120.25"
    assert decimal(-0.0001, 3) == "0.000"


def test_a_share_carries_its_interval() -> None:
    interval = Interval(0.7012, 0.672, 0.729, "subject bootstrap")
    assert percent_interval(interval).replace("\u00a0", " ") == "70.1 % (67.2 % to 72.9 %)"


def test_numbers_and_units_are_never_torn_apart() -> None:
    assert " " not in percent(0.5) + rate(0.001) + duration(38)


def test_one_is_not_many() -> None:
    assert [counted(n, "image") for n in (0, 1, 2200)] == ["0 images", "1 image", "2,200 images"]


def test_rates_are_as_short_as_they_can_be() -> None:
    assert [rate(fmr).replace("\u00a0", " ") for fmr in (0.1, 0.01, 1e-4)] == ["10 %", "1 %", "0.01 %"]


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "< 0.001"), (0.00099, "< 0.001"), (0.0024, "0.002"), (0.02, "0.020"), (0.5, "0.50")]
)
def test_p_values_have_as_many_digits_as_mean_something(value: float, text: str) -> None:
    assert p_value(value) == text


def test_differences_of_shares_are_points() -> None:
    assert points(0.0314) == "3.1"
    assert points_span(Interval(0.0, -0.012, 0.0449, "")) == "\u22121.2 to 4.5"


@pytest.mark.parametrize(("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_lists_end_with_and(words: list[str], text: str) -> None:
    assert listing(words) == text


def test_a_probability_is_never_0_and_never_1() -> None:
    assert probability(0.7012) == "70.1\u00a0%"
    assert probability(0.9994) == "99.9\u00a0%"
    assert probability(0.9996) == probability(1 - 1e-12) == "over 99.9\u00a0%"
    assert probability(0.0004) == probability(1e-12) == "under 0.1\u00a0%"
    assert probability(0.0006) == "0.1\u00a0%"


def test_subjects_are_called_what_they_are() -> None:
    assert subject_names("lfw") == ("person", "people")
    assert subject_names("omniglot") == ("character", "characters")
    assert subject_names("folders") == ("subject", "subjects")
