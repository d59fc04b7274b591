"""How figures are written in words: one place, so that reports, cards and tables read alike."""

from __future__ import annotations

from collections.abc import Sequence

from twinlens.types import Interval

_SUBJECTS = {
    "lfw": ("person", "people"),
    "synthetic": ("person", "people"),
    "omniglot": ("character", "characters"),
}
_SPACE = "\N{NO-BREAK SPACE}"


def percent(value: float, digits: int = 1) -> str:
    """``0.7012`` as ``70.1 %``."""
    return f"{100 * value:.{digits}f}{_SPACE}%"


def probability(value: float) -> str:
    """A probability, which is never 0 and never 1: ``0.7012`` as ``70.1 %``, ``0.99999`` as ``over 99.9 %``."""
    text = percent(value)
    if text == percent(1):
        return f"over {percent(0.999)}"
    return f"under {percent(0.001)}" if text == percent(0) else text


def percent_span(interval: Interval, digits: int = 1) -> str:
    """The ends of an interval of shares, as ``67.2 % to 72.9 %``."""
    return f"{percent(interval.low, digits)} to {percent(interval.high, digits)}"


def percent_interval(interval: Interval, digits: int = 1) -> str:
    """A share and its interval, as ``70.1 % (67.2 % to 72.9 %)``."""
    return f"{percent(interval.value, digits)} ({percent_span(interval, digits)})"


def decimal(value: float, digits: int = 3) -> str:
    """A figure with a fixed number of decimals and a true minus sign."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:  # never "−0.000"
        text = text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")


def decimal_span(interval: Interval, digits: int = 3) -> str:
    """The ends of an interval, as ``0.672 to 0.729``."""
    return f"{decimal(interval.low, digits)} to {decimal(interval.high, digits)}"


def decimal_interval(interval: Interval, digits: int = 3) -> str:
    """A figure and its interval, as ``0.701 (0.672 to 0.729)``."""
    return f"{decimal(interval.value, digits)} ({decimal_span(interval, digits)})"


def points(value: float, digits: int = 1) -> str:
    """A difference of shares: ``0.012`` as ``1.2``, in percentage points."""
    return decimal(100 * value, digits)


def points_span(interval: Interval, digits: int = 1) -> str:
    """The ends of an interval of such differences, as ``−0.8 to 3.2``."""
    return f"{points(interval.low, digits)} to {points(interval.high, digits)}"


def p_value(value: float) -> str:
    """``0.0321`` as ``0.032``; what is so small that its digits mean nothing as ``< 0.001``."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def listing(words: Sequence[str]) -> str:
    """``a``, ``a and b``, or ``a, b and c``."""
    *all_but_last, last = words
    return f"{', '.join(all_but_last)} and {last}" if all_but_last else last


def subject_names(dataset: str) -> tuple[str, str]:
    """What one subject of a dataset and several are called; of photos of one's own nobody knows what they show."""
    return _SUBJECTS.get(dataset, ("subject", "subjects"))


def rate(value: float) -> str:
    """A wanted error rate, as short as it can be said: ``0.001`` as ``0.1 %``."""
    return f"{100 * value:.4g}{_SPACE}%"


def count(value: int) -> str:
    """A count with its thousands set apart."""
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    """A count and what is counted, as ``1 image`` or ``2,200 images``."""
    return f"{count(value)} {noun}" if value == 1 else f"{count(value)} {noun}s"


def duration(seconds: float) -> str:
    """A length of time in its two largest units, as ``1 h 03 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f}{_SPACE}s" if seconds < 10 else f"{whole}{_SPACE}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}{_SPACE}min {rest:02d}{_SPACE}s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours}{_SPACE}h {minutes:02d}{_SPACE}min"


# What templates may use.
FILTERS = {
    function.__name__: function
    for function in (
        count,
        counted,
        decimal,
        decimal_interval,
        decimal_span,
        duration,
        listing,
        p_value,
        percent,
        percent_interval,
        percent_span,
        points,
        points_span,
        probability,
        rate,
    )
}
