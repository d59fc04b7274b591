"""``twinlens compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_PAGE = Path("compare.html")


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs or of published results, two or more.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The HTML file.", show_default="compare.html, and none with --json"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Say in what runs differ, and whether that is more than noise.

    Runs are tested against each other on the test pairs that they share. Those that only differ in the seed are taken
    together and never ranked, and what lies between them counts as noise. Nothing is trained or scored.
    """
    from twinlens import workflow

    page = out or (None if as_json else _PAGE)
    comparison = workflow.compare(runs, page)
    if as_json:
        typer.echo(comparison.model_dump_json(indent=1))
        return
    from twinlens.reporting.compare.terminal import print_comparison

    print_comparison(comparison)
    typer.echo(f"Page: {page}")
