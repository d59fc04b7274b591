"""``twinlens verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinlens.cli.photos import Aligned, Faces, Model, Prior, Rate, chosen_faces


def verify(
    first: Annotated[Path, typer.Argument(metavar="A", help="A photo.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    model: Model = None,
    fmr: Rate = None,
    prior: Prior = 0.5,
    face: Faces = (0, 0),
    aligned: Aligned = False,
    explain: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw what drove the decision, as twinlens explain does.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the decision as JSON.")] = False,
) -> None:
    """Decide whether two photos show the same person, and say how sure that is.

    A face is looked for in each photo and brought into the frame that the model has learned from; models of other
    things take the photo as it is. Ends with status 0 for a match, 1 for no match, and 2 if there is no decision.
    """
    from twinlens.cli.decision import verification_lines
    from twinlens.serving.models import DEFAULT
    from twinlens.serving.verifier import Verifier

    faces = chosen_faces(face)
    verifier = Verifier.load(model or DEFAULT)
    if explain is not None:
        from twinlens.workflow.explaining import refuse_other_pictures

        refuse_other_pictures(explain)
    found = verifier.verify(first, second, fmr=fmr, prior=prior, faces=faces, aligned=aligned)
    if explain is not None:
        from twinlens import workflow

        workflow.explain(first, second, model=verifier, out=explain, fmr=fmr, prior=prior, faces=faces, aligned=aligned)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        for line in verification_lines(found, (str(first), str(second))):
            typer.echo(line)
        if explain is not None:
            typer.echo(f"Picture: {explain}")
    raise typer.Exit(0 if found.is_match else 1)
