import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.serving.service.rates import RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_and_then_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(rate=2, burst=3, clock=clock)
    assert [limiter.take("a").granted for _ in range(5)] == [True, True, True, False, False]
    assert limiter.take("a").wait == pytest.approx(0.5)
    clock.now += 0.5
    assert limiter.take("a").granted
    assert not limiter.take("a").granted


def test_callers_do_not_share() -> None:
    limiter = RateLimiter(rate=1, burst=1, clock=Clock())
    assert limiter.take("a").granted
    assert limiter.take("b").granted
    assert not limiter.take("a").granted


def test_what_is_left_and_when_it_is_full() -> None:
    clock = Clock()
    limiter = RateLimiter(rate=2, burst=4, clock=clock)
    taken = limiter.take("a")
    assert (taken.left, taken.wait) == (3, 0)
    assert taken.full == pytest.approx(0.5)


@given(
    rate=st.floats(0.1, 50),
    burst=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 5), min_size=1, max_size=200),
)
def test_no_more_than_burst_and_rate_allow_and_no_less(rate: float, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    limiter = RateLimiter(rate, burst, clock)
    granted, tokens = 0, float(burst)
    for i, pause in enumerate(pauses):
        clock.now += pause
        tokens = min(burst, tokens + (pause * rate if i else 0))
        allowance = limiter.take("a")
        if abs(tokens - 1) > 1e-6:  # where rounding does not decide
            assert allowance.granted == (tokens >= 1)
        tokens -= allowance.granted
        granted += allowance.granted
    assert granted <= burst + rate * sum(pauses[1:]) + 1e-6


def test_who_was_not_heard_of_for_long_is_forgotten() -> None:
    limiter = RateLimiter(rate=1e-9, burst=1, clock=Clock())
    for i in range(20_000):
        limiter.take(str(i))
    assert len(limiter._buckets) == 10_000
    assert not limiter.take("19999").granted
