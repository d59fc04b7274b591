"""``twinlens explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_PICTURE = Path("explain.png")


def explain(
    first: Annotated[Path, typer.Argument(metavar="A", help="A photo, framed as those the model learned from.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    model: Annotated[Path, typer.Option(metavar="RUN|BUNDLE", help="A run's folder or a bundle's.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The picture, a PNG.", show_default="explain.png, and none with --json"),
    ] = None,
    prior: Annotated[float, typer.Option(help="Probability of a match before looking, between 0 and 1.")] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="Print decision and explanation as JSON.")] = False,
) -> None:
    """Decide on two photos, and show which spots spoke for a match and which against it.

    One spot of a photo after another is covered with its surroundings; where the score falls, the spot spoke for a
    match. Unless the model aligns faces itself, both photos must be framed as those that it learned from: for LFW 250
    by 250 pixels, with the face where deep-funnelled LFW has it.
    """
    from time import monotonic

    from twinlens import workflow
    from twinlens.reporting.explained import figures, findings, headline

    start, picture = monotonic(), out or (None if as_json else _PICTURE)
    decision = workflow.explain(first, second, model=model, out=picture, prior=prior)
    if as_json:
        typer.echo(decision.model_dump_json(indent=1))
        return
    typer.echo(f"{headline(decision)}: {figures(decision)}")
    for line in findings(decision):
        typer.echo(line)
    typer.echo(f"{decision.encodings} encodings in {monotonic() - start:.1f} s. Picture: {picture}")
