"""``twinlens quickstart``: from nothing to a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def quickstart(
    out: Annotated[
        Path | None, typer.Option(help="The run's folder [default: runs/quick, or runs/quick-synthetic without LFW].")
    ] = None,
) -> None:
    """Get LFW, train the quick recipe, judge it on its test pairs and write the report.

    LFW is taken from where it lies already, else downloaded; without either, synthetic faces show how it works.
    Started again after an interruption, it goes on.
    """
    from rich.console import Console

    from twinlens import workflow
    from twinlens.reporting.verdict import verdict_table

    recipe = "quick" if _lfw_is_there() else "quick-synthetic"
    run = workflow.train(recipe, out=out, resume=True)
    result = workflow.evaluate_run(run.folder)
    report = workflow.report(run.folder)
    Console().print(verdict_table(result))
    typer.echo(f"Report: {report}\nBundle: {run.bundle}")


def _lfw_is_there() -> bool:
    from rich.console import Console

    from twinlens.data.install import fetch
    from twinlens.data.sources import locate_lfw
    from twinlens.errors import DataError

    try:
        locate_lfw()
    except DataError:
        try:
            fetch("lfw")
        except DataError as error:
            Console(stderr=True).print(
                f"[bold red]LFW is not here and cannot be fetched: {error}\n"
                "Going on with SYNTHETIC FACES. What follows shows how twinlens works; it is not a result."
            )
            return False
    return True
