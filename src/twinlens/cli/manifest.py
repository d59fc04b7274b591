"""A bundle's manifest in the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from twinlens.bundle import Manifest, Training
from twinlens.config import Frame
from twinlens.reporting.verdict import OUTSIDE_DATA
from twinlens.reporting.wording import count, decimal, decimal_span, percent, percent_span, rate


def print_manifest(manifest: Manifest) -> None:
    """Print what a bundle sees, what it has learned from and what it decides by."""
    console = Console()
    facts = Table(title=manifest.name, box=None, show_header=False, title_justify="left", title_style="bold")
    facts.add_column(no_wrap=True)
    facts.add_column()
    for label, value in _facts(manifest).items():
        facts.add_row(label, value)
    console.print(facts)
    console.print(_thresholds(manifest))


def _facts(manifest: Manifest) -> dict[str, str]:
    calibration = manifest.calibration
    return {
        "Sees": _sight(manifest.frame),
        "Embedding": f"{manifest.dim} numbers; comparison: {manifest.comparison.kind}",
        "Training": _training(manifest.training),
        "Match": f"if the score is at least {decimal(manifest.threshold, 4)}",
        "Log-likelihood ratio": f"{decimal(calibration.slope, 4)} × score + {decimal(calibration.intercept, 4)}, from "
        f"{count(calibration.genuine_pairs)} genuine and {count(calibration.impostor_pairs)} impostor pairs",
        **_certainty(manifest),
        "Fingerprint": manifest.fingerprint,
    }


def _certainty(manifest: Manifest) -> dict[str, str]:
    """How sure the calibration is, and what is known beyond the thresholds; nothing in older bundles."""
    found = {}
    interval = manifest.calibration.probability_interval(manifest.threshold, 0.5)
    if interval is not None:
        found["How sure"] = f"match probability at the threshold, at a prior of 50 %: {percent_span(interval)}"
    tail = manifest.tail
    if tail is not None:
        found["Rarer false matches"] = (
            f"below {rate(tail.fmr)}: threshold {decimal(tail.threshold, 4)} + {decimal(tail.scale, 4)} × "
            f"ln({rate(tail.fmr)} / rate), extrapolated"
        )
    return found


def _sight(frame: Frame) -> str:
    """What part of a photo it sees, and how large."""
    part = f"{percent(frame.crop_height, 0)} of the height and {percent(frame.crop_width, 0)} of the width"
    photo = "the photo, its face aligned to LFW's frame" if frame.align else "the photo as it is"
    return f"{frame.height} × {frame.width} pixels, {frame.colour}: {part} of {photo}"


def _training(training: Training) -> str:
    origin = f"{training.recipe}, seed {training.seed}" if training.setting != "imported" else training.recipe
    leaks = "; leaking" if training.leaks else ""
    return f"{origin}: {training.protocol}, {training.setting}, {OUTSIDE_DATA[training.outside_data]}{leaks}"


def _thresholds(manifest: Manifest) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for label in ("False match rate", "Threshold", "Interval", "Impostor pairs"):
        table.add_column(label, justify="right")
    table.add_column("Evidence")
    for point in manifest.operating_points:
        table.add_row(
            rate(point.fmr),
            decimal(point.threshold.value, 4),
            decimal_span(point.threshold, 4),
            count(point.impostor_pairs),
            "enough" if point.supported else "too little",
        )
    return table
