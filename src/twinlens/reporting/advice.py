"""What so much data can say and what it cannot, in words, and what more of it would buy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from twinlens.config.sizing_rule import Sized
from twinlens.data.description import PartName, Prospects, Size
from twinlens.evaluation.thresholds import SUPPORT
from twinlens.reporting.wording import count, counted, listing, percent, points, rate

# Half the interval of a good model's accuracy; about what LFW's View 1 gives. Wider ones cannot rank much.
_WANTED = 0.03
# The strictest false match rate that a verifier is of little use without.
_WANTED_RATE = 0.01
# From fewer subjects a network mostly learns who these are.
_FEW_SUBJECTS = 100


@dataclass(frozen=True)
class Advice:
    """One thing that follows from the amount of data.

    Attributes:
        topic: What it is about.
        text: In words.
        too_little: Whether there is too little data for something that is asked.
    """

    topic: str
    text: str
    too_little: bool


def sizing_lines(sized: Sequence[Sized]) -> list[str]:
    """What automatic sizing has filled in, a line for each key: what it is now, and why."""
    written = [f"{one.key} = {_value(one.value)}" for one in sized]
    width = max(map(len, written), default=0)
    return [f"{text:{width}}  {one.because}" for text, one in zip(written, sized, strict=True)]


def advise(prospects: Prospects, sizes: Mapping[PartName, Size]) -> list[Advice]:
    """What the parts of a recipe bear: its training, its test, its thresholds and its one-shot tasks.

    Args:
        prospects: Of these parts.
        sizes: Of ``train``, ``validation`` and ``test``.
    """
    return [
        _training(sizes["train"]),
        _accuracy(prospects, sizes["test"]),
        _thresholds(prospects, sizes["validation"]),
        _error_rates(prospects),
        *_tasks(prospects),
    ]


def _training(train: Size) -> Advice:
    text = f"{counted(train.images, 'photo')} of {counted(train.subjects, 'subject')} train."
    if train.subjects >= _FEW_SUBJECTS:
        return Advice("Training", text, too_little=False)
    return Advice(
        "Training",
        f"{text} From fewer than {_FEW_SUBJECTS} a network mostly learns who these are, and less what tells strangers "
        "apart. More subjects help more than more photos of each, and a model that has learned elsewhere may do better "
        "(twinlens bundle import).",
        too_little=True,
    )


def _accuracy(prospects: Prospects, test: Size) -> Advice:
    """How wide its interval will be."""
    subjects, best = test.subjects, min(one.half_width for one in prospects.intervals)
    expected = [f"±{points(one.half_width)} points at {percent(one.accuracy, 0)}" for one in prospects.intervals]
    text = (
        f"{counted(test.pairs, 'pair')} of {counted(subjects, 'subject')} test it. Its "
        f"{percent(prospects.level, 0)} interval will be about {listing(expected)}."
    )
    if best <= _WANTED:
        return Advice("Accuracy", f"{text} Half as wide takes four times as many test subjects.", too_little=False)
    enough = math.ceil(subjects * (best / _WANTED) ** 2)
    return Advice(
        "Accuracy",
        f"{text} That can rank hardly any two models. ±{points(_WANTED, 0)} points take about {count(enough)} test "
        "subjects with as many photos each; more pairs of the same ones hardly help.",
        too_little=True,
    )


def _thresholds(prospects: Prospects, validation: Size) -> Advice:
    """Which false match rates one may ask a threshold for."""
    behind = prospects.threshold_impostor_pairs
    text = (
        f"They rest on {counted(behind, 'pair')} of different validation subjects, which by the rule of {SUPPORT} bear "
        f"false match rates from {_least(behind)} on"
    )
    missing = [one for one in prospects.rates if not one.threshold]
    if not missing:
        return Advice("Thresholds", f"{text}.", too_little=False)
    needs = [
        f"{count(_enough(validation.subjects, one.impostor_pairs / max(behind, 1)))} for {rate(one.fmr)}"
        for one in missing
    ]
    return Advice(
        "Thresholds",
        f"{text}. {listing([rate(one.fmr) for one in missing])} cannot be promised. With as many photos each, it "
        f"takes about so many validation subjects: {listing(needs)}.",
        too_little=missing[0].fmr >= _WANTED_RATE,
    )


def _enough(subjects: int, times: float) -> int:
    """How many make so many times as many pairs."""
    return math.ceil(subjects * math.sqrt(times))


def _error_rates(prospects: Prospects) -> Advice:
    """Which false match rates the test can show."""
    shown = [rate(one.fmr) for one in prospects.rates if one.test]
    found = f"of the usual ones {listing(shown)}" if shown else "none of the usual ones"
    return Advice(
        "Error rates",
        f"{counted(prospects.test_impostor_pairs, 'impostor pair')} of the test can show false match rates from "
        f"{_least(prospects.test_impostor_pairs)} on, {found}.",
        too_little=not shown,
    )


def _tasks(prospects: Prospects) -> Iterator[Advice]:
    left_out = [str(ways) for ways in prospects.n_way if ways > prospects.largest_n_way]
    if left_out:
        most = prospects.largest_n_way
        why = f"has {counted(most, 'subject')}" if most else "has no subject with two photos"
        yield Advice(
            "One-shot", f"Tasks of {listing(left_out)} subjects are left out, as the test {why}.", too_little=True
        )


def _least(impostor_pairs: int) -> str:
    return rate(float(f"{min(1.0, SUPPORT / max(impostor_pairs, 1)):.2g}"))


def _value(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple | list) else f"{value}"
