"""What a leaking validation promises, beside what the test then shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from twinlens.evaluation.result import Result
from twinlens.reporting.results.table import markdown_table
from twinlens.reporting.wording import percent_interval, points, points_span
from twinlens.types import Interval

METHOD = "square-and-add"


def leak_table(results: Sequence[Result]) -> str:
    """Markdown: validation and test accuracy of every run, and the gap between them."""
    columns = [
        ("Recipe", "---"),
        ("People of the validation pairs", "---"),
        ("Validation accuracy", "---:"),
        ("Test accuracy", "---:"),
        ("Validation minus test, points", "---:"),
    ]
    return markdown_table(columns, [_row(result) for result in results])


def leak_finding(honest: Result, leaking: Result) -> str:
    """What the two together show, and no more."""
    _, _, gap = _accuracies(leaking)
    _, _, honest_gap = _accuracies(honest)
    effect = subtract(gap, honest_gap)
    said = (
        f"Validation minus test is {points(gap.value)} points ({points_span(gap)}) where people are shared and "
        f"{points(honest_gap.value)} ({points_span(honest_gap)}) where they are not."
    )
    if gap.low > 0 and effect.low > 0:
        return f"{said} The leak flatters, by {points(effect.value)} points ({points_span(effect)})."
    if gap.low > 0:
        return f"{said} The leaking validation flatters; whether the other does, too, these pairs cannot say."
    return f"{said} The former interval holds 0: so few validation pairs do not show in accuracy what the leak does."


def subtract(first: Interval, second: Interval) -> Interval:
    """The difference of two figures of different people, with an interval from theirs.

    References:
        G. Y. Zou and A. Donner (2008), Construction of confidence limits about effect measures: a general approach,
        Statistics in Medicine 27.
    """
    value = first.value - second.value
    low = math.hypot(first.value - first.low, second.high - second.value)
    high = math.hypot(first.high - first.value, second.value - second.low)
    return Interval(value, value - low, value + high, METHOD)


def _row(result: Result) -> list[str]:
    validation, test, gap = _accuracies(result)
    return [
        f"[{result.name}](../../recipes/{result.name}.yaml)",
        "**shared with training**" if result.provenance.leaks else "none of them in training",
        percent_interval(validation),
        percent_interval(test),
        f"{points(gap.value)} ({points_span(gap)})",
    ]


def _accuracies(result: Result) -> tuple[Interval, Interval, Interval]:
    assert result.test is not None
    validation, test = result.validation.accuracy, result.test.accuracy
    return validation, test, subtract(validation, test)
