"""``twinlens evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    target: Annotated[Path, typer.Argument(help="A run's folder or a bundle's.")],
    protocol: Annotated[
        str | None,
        typer.Option(help="lfw-view1, lfw-view2, omniglot-20way or a pairs CSV.", show_default="the run's test part"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the figures and scored pairs of another protocol or of a bundle.",
            show_default="evaluation-PROTOCOL in the run's folder; of a bundle NAME-PROTOCOL",
        ),
    ] = None,
    detect: Annotated[
        bool,
        typer.Option("--detect", help="Find the face in every photo first, as verify does, and count what fails."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave out images that cannot be read.")] = False,
) -> None:
    """Say how good a model is, on people it has never seen.

    A run is judged on its own test part and its result.json is written. With --protocol lfw-view2 a run's recipe is
    trained ten times, once per fold, and goes on where it was interrupted.
    """
    from twinlens import workflow
    from twinlens.reporting.verdict import print_verdict

    outcome = workflow.evaluate(target, protocol=protocol, detect=detect, out=out, skip_broken=skip_broken)
    if as_json:
        typer.echo(outcome.model_dump_json(indent=1))
    else:
        print_verdict(outcome)
