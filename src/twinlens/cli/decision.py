"""A decision on two photos in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from twinlens.evaluation.result import NOTHING_MATCHES
from twinlens.reporting.wording import decimal, duration, percent, rate
from twinlens.serving.decision import Decision, Verification


def verification_lines(found: Verification, names: Sequence[str]) -> list[str]:
    """A verification in words: the decision, how sure it is, what is wrong with the photos, and who said so.

    Args:
        found: What was decided.
        names: Of the two photos.
    """
    remarks = [f"{name}: {remark}." for name, remarks in zip(names, found.remarks, strict=True) for remark in remarks]
    seconds = found.seconds
    took = duration(seconds) if seconds >= 1 else f"{1000 * seconds:.0f} ms"
    return [*decision_lines(found), *remarks, f"By {found.model} in {took}."]


def decision_lines(found: Decision) -> list[str]:
    """A decision in words, and how sure it is."""
    at = "even odds" if found.fmr is None else f"a false match rate of {rate(found.fmr)}"
    limit = "beyond every score" if found.threshold == NOTHING_MATCHES else f"{decimal(found.threshold)} ({at})"
    probability = found.probability
    sure = f"{_bounded(probability.value)} at a prior of {rate(found.prior)}"
    if probability.low is not None and probability.high is not None:
        sure += f", between {_bounded(probability.low)} and {_bounded(probability.high)}"
    return [
        f"{'Match' if found.is_match else 'No match'}: score {decimal(found.score)}, threshold {limit}",
        f"Match probability: {sure}; likelihood ratio {found.likelihood_ratio:.3g}",
    ]


def _bounded(probability: float) -> str:
    """A probability, which is never 0 and never 1."""
    text = percent(probability)
    if text == percent(1):
        return f"over {percent(0.999)}"
    return f"under {percent(0.001)}" if text == percent(0) else text
