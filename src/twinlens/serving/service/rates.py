"""How often somebody may ask: a bucket of tokens for each, filled at a steady rate."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# Callers that are remembered; whoever was not heard of longest starts afresh, with a full bucket.
_MOST_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether one more request is allowed.

    Attributes:
        granted: Whether it is.
        left: Requests that would be allowed at once after it.
        wait: Seconds until the next one is allowed; 0 if one is left.
        full: Seconds until the bucket is full again.
    """

    granted: bool
    left: int
    wait: float
    full: float


class RateLimiter:
    """A token bucket for each caller. Belongs to one thread, the event loop's.

    Args:
        rate: Requests that each caller may make in a second, for ever.
        burst: Requests that each may make at once.
        clock: Seconds, monotonic.

    References:
        J. Turner (1986), New directions in communications (or which way to the information age?), IEEE
        Communications Magazine 24.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when there were so many

    def take(self, caller: str) -> Allowance:
        """Take a token out of the caller's bucket, if there is one."""
        now = self._clock()
        tokens, then = self._buckets.pop(caller, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - then) * self.rate)
        granted = tokens >= 1
        tokens -= granted
        self._buckets[caller] = (tokens, now)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        wait = max(0.0, 1 - tokens) / self.rate
        return Allowance(granted, math.floor(tokens), wait, (self.burst - tokens) / self.rate)
