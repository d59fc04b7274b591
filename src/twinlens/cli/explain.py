"""``twinlens explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinlens.cli.photos import Aligned, Faces, Model, Prior, Rate, chosen_faces

_PICTURE = Path("explain.png")


def explain(
    first: Annotated[Path, typer.Argument(metavar="A", help="A photo.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    model: Model = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The picture, a PNG.", show_default="explain.png, and none with --json"),
    ] = None,
    fmr: Rate = None,
    prior: Prior = 0.5,
    face: Faces = (0, 0),
    aligned: Aligned = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print decision and explanation as JSON.")] = False,
) -> None:
    """Decide on two photos, and show which spots spoke for a match and which against it.

    One spot of a photo after another is covered with its surroundings; where the score falls, the spot spoke for a
    match. Photos are read as by verify.
    """
    from time import monotonic

    from twinlens import workflow
    from twinlens.reporting.explained import figures, findings, headline
    from twinlens.serving.models import DEFAULT

    start, picture = monotonic(), out or (None if as_json else _PICTURE)
    decision = workflow.explain(
        first,
        second,
        model=model or DEFAULT,
        out=picture,
        fmr=fmr,
        prior=prior,
        faces=chosen_faces(face),
        aligned=aligned,
    )
    if as_json:
        typer.echo(decision.model_dump_json(indent=1))
        return
    typer.echo(f"{headline(decision)}: {figures(decision)}")
    for line in findings(decision):
        typer.echo(line)
    typer.echo(f"{decision.encodings} encodings in {monotonic() - start:.1f} s. Picture: {picture}")
