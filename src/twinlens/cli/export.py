"""``twinlens export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twinlens.workflow.exporting import Export


def export(
    run: Annotated[Path, typer.Argument(help="A trained run's folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The bundle's folder.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="In 8-bit integers, if accuracy and AUC on the validation pairs hold.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was compared as JSON.")] = False,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave out images that cannot be read.")] = False,
) -> None:
    """Write a run's model as a bundle, a folder of its own that needs nothing else.

    It is compared with the trained network on real validation photos. In 8-bit integers it gets a threshold and a
    calibration of its own, and may lose one point of accuracy and half a point of AUC on the validation pairs.
    """
    from twinlens import workflow

    found = workflow.export(run, out, int8=int8, skip_broken=skip_broken)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    for line in _lines(found):
        typer.echo(line)


def _lines(found: Export) -> list[str]:
    from twinlens.reporting.wording import count, decimal, percent
    from twinlens.workflow.exporting import PARITY_BOUND

    lines = [
        f"ONNX and the trained network differ by at most {found.difference:.1e} on {count(found.crops)} validation "
        f"crops (allowed is {PARITY_BOUND:g})."
    ]
    if found.quantisation is not None:
        before, after = found.quantisation.before, found.quantisation.after
        lines += [
            f"In 8 bits, on {count(found.quantisation.pairs)} validation pairs: accuracy {percent(before.accuracy)} "
            f"becomes {percent(after.accuracy)}, AUC {decimal(before.auc)} becomes {decimal(after.auc)}.",
            f"It takes {after.size / 1e6:.1f} MB in place of {before.size / 1e6:.1f} "
            f"({before.size / after.size:.1f} times smaller), and {after.milliseconds:.2f} ms for a photo in place of "
            f"{before.milliseconds:.2f} ({before.milliseconds / after.milliseconds:.1f} times as fast).",
        ]
    return [*lines, f"Bundle: {found.folder}"]
