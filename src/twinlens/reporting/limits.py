"""What the figures of a run do not say; for the report and the model card."""

from __future__ import annotations

from twinlens.evaluation.result import Result
from twinlens.reporting.highlights import decisive
from twinlens.reporting.verdict import caveats
from twinlens.reporting.wording import count, listing, percent, rate, subject_names


def limits(result: Result) -> list[str]:
    """The limits of a run's figures, the gravest first, one or two sentences each."""
    shown = decisive(result)
    accuracy = shown.accuracy
    _, many = subject_names(result.data.dataset)
    return [
        *caveats(result),
        f"Noise: with {count(shown.genuine_pairs + shown.impostor_pairs)} pairs of {count(shown.subjects)} {many} "
        f"the accuracy is known to ±{100 * (accuracy.high - accuracy.low) / 2:.1f} points. Runs that differ by less "
        "may be equally good.",
        *_unsupported(result),
        f"One training (seed {result.provenance.seed}): the intervals say what other test {many} would change, not "
        "what another seed would.",
        f"The threshold was fixed on {count(result.calibration.genuine_pairs)} genuine and "
        f"{count(result.calibration.impostor_pairs)} impostor validation pairs. Other validation {many} "
        "would have put it elsewhere; the intervals do not include that.",
        f"The match probability holds for a prior of {percent(shown.calibration.prior, 0)} and for photos like "
        "those it was calibrated on. Where genuine pairs are rarer, give the true prior.",
        *_uncovered(many),
        "Known labelling errors of a dataset are flagged and stay in the scoring, as its protocol has it.",
    ]


def _uncovered(many: str) -> list[str]:
    if many != "people":
        return [f"{many.capitalize()} and conditions that the data lacks are not covered by any figure here."]
    return [
        "People, cameras, poses and lighting that the data lacks are not covered by any figure here, and "
        "nothing here says that the error rates are the same for every group of people."
    ]


def _unsupported(result: Result) -> list[str]:
    shown = decisive(result)
    weak = [rate(point.fmr) for point in shown.tar_at_fmr if not point.supported]
    if not weak:
        return []
    return [
        f"False match rates of {listing(weak)} rest on fewer than 30 expected errors among "
        f"{count(shown.impostor_pairs)} impostor pairs: treat them as hints."
    ]
