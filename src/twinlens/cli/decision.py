"""A decision on two photos in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from twinlens.evaluation.figures import NOTHING_MATCHES
from twinlens.reporting.wording import decimal, duration, probability, rate
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
    chance = found.probability
    sure = f"{probability(chance.value)} at a prior of {rate(found.prior)}"
    if chance.low is not None and chance.high is not None:
        low, high = probability(chance.low), probability(chance.high)
        if low != high:  # else both ends are as near to certain as is ever said
            sure += f", between {low} and {high}"
    return [
        f"{'Match' if found.is_match else 'No match'}: score {decimal(found.score)}, threshold {limit}",
        f"Match probability: {sure}; likelihood ratio {found.likelihood_ratio:.3g}",
    ]
