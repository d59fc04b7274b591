"""``twinlens refine``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def refine(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="What to fit, e.g. metric.kind=plda or fusion.kind=lbp."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The new run's folder.", show_default="the run's with -refined")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was fitted and what it brought as JSON.")] = False,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave out images that cannot be read.")] = False,
) -> None:
    """Fit more on top of a trained network, without training it anew; ends in a run of its own.

    A metric is fitted on the training photos' embeddings, and local patterns are joined with the network. What is to be
    chosen is chosen on the validation pairs; the test pairs are not looked at. If the run was trained on View 2, its
    folds are refined as well.
    """
    from twinlens import workflow
    from twinlens.reporting.refinement import print_refinement
    from twinlens.reporting.scores import read_result

    new = workflow.refine(run, overrides=overrides or (), out=out, skip_broken=skip_broken)
    refinement = read_result(new.folder).refinement
    if as_json:
        typer.echo("null" if refinement is None else refinement.model_dump_json(indent=1))
        return
    if refinement is not None:
        print_refinement(refinement)
    typer.echo(f"Bundle: {new.bundle}\nNext:   twinlens evaluate {new.folder}")
