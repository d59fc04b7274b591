"""What is said of a network from elsewhere: how good it is, and what that does not say."""

from __future__ import annotations

from rich.table import Table

from twinlens.bundle import Manifest
from twinlens.evaluation.figures import Evaluation
from twinlens.reporting.highlights import evaluation_highlights
from twinlens.reporting.verdict import OUTSIDE_DATA, figures_table, unaligned
from twinlens.reporting.wording import count, percent, percent_span

# The file by which a published network from elsewhere is known.
ORIGIN = "imported.json"


def calibration_pairs(manifest: Manifest) -> str:
    """Which pairs calibration and thresholds rest on, e.g. ``the training pairs of lfw-view1``."""
    training = manifest.training
    return f"the training pairs of {training.protocol}" if training.dataset == "lfw" else training.protocol


def imported_claim(manifest: Manifest, validation: Evaluation) -> str:
    """One plain sentence on how often it is right, and on which pairs."""
    pairs = count(validation.genuine_pairs + validation.impostor_pairs)
    return (
        f"{manifest.name} is right on {percent(validation.accuracy.value)} of the {pairs} pairs that it was "
        f"calibrated on ({percent(validation.level, 0)} interval {percent_span(validation.accuracy)}): "
        f"{calibration_pairs(manifest)}. Training: imported, {OUTSIDE_DATA[manifest.training.outside_data]}."
    )


def imported_caveats(manifest: Manifest, validation: Evaluation) -> list[str]:
    """What must be said beside every figure of it."""
    found = ["No test: these figures are from the pairs that the threshold and the calibration were fixed on."]
    if manifest.training.leaks:
        found.append(
            "Leaking: the network has learned from people on these pairs, so every figure flatters, and the "
            "threshold and the calibration are too good."
        )
    return found + unaligned(validation)


def imported_table(manifest: Manifest, validation: Evaluation) -> Table:
    """Its figures for the terminal, as those of pairs that decided about it."""
    claim, caveats = imported_claim(manifest, validation), imported_caveats(manifest, validation)
    return figures_table("Calibration pairs", validation, evaluation_highlights(validation), claim, caveats)


def imported_limits(manifest: Manifest, validation: Evaluation) -> list[str]:
    """The limits of its figures, the gravest first."""
    calibration = manifest.calibration
    return [
        "What it learned from is what its importer declares. People of the calibration pairs, or of those that it is "
        "tested on, may be among it; then every figure flatters.",
        f"The threshold was fixed on {count(calibration.genuine_pairs)} genuine and "
        f"{count(calibration.impostor_pairs)} impostor pairs. Other people would have put it elsewhere; the "
        "intervals of the figures do not include that.",
        f"The match probability holds for a prior of {percent(validation.calibration.prior, 0)} and for photos like "
        "those it was calibrated on. Where genuine pairs are rarer, give the true prior.",
        "People, cameras, poses and lighting that these pairs lack are not covered by any figure here, and "
        "nothing here says that the error rates are the same for every group of people.",
    ]
