"""``twinlens report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="A run's or a sweep's folder, or that of a published result.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The HTML file.", show_default="report.html in the folder")
    ] = None,
) -> None:
    """Write all that is known about a run or a sweep into one HTML file that opens offline and prints well."""
    from twinlens import workflow

    typer.echo(f"Report: {workflow.report(run, output)}")
