"""``twinlens gallery``: enrol people, and find them again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinlens.cli import gallery_enrol, gallery_keeping, gallery_trial
from twinlens.cli.gallery_options import (
    Address,
    AsJson,
    Face,
    KeyFile,
    Model,
    Search,
    json_list,
    open_keeping,
    open_recognising,
    say,
    say_count,
)
from twinlens.cli.photos import Aligned, Prior, Rate

app = typer.Typer(help="Enrol people, find them again, and keep what is known of them safe.", no_args_is_help=True)

app.command("enrol")(gallery_enrol.enrol)

Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="Who; 1 to 128 characters.")]
Photo = Annotated[Path, typer.Argument(metavar="PHOTO", help="A photo.")]


@app.command()
def identify(
    photo: Photo,
    gallery: Address,
    key_file: KeyFile = None,
    model: Model = None,
    fpir: Annotated[
        float, typer.Option(help="Chance that somebody who is not enrolled is named all the same, at most.")
    ] = 0.01,
    most: Annotated[int, typer.Option(min=1, help="How many candidates to list.")] = 5,
    search: Search = "auto",
    face: Face = None,
    aligned: Aligned = False,
    as_json: AsJson = False,
) -> None:
    """Say who of those enrolled is on a photo, or that it is nobody.

    The threshold rises with the number of templates, so that strangers are named as rarely as was asked for. Ends with
    status 0 for somebody, 1 for nobody, and 2 if there is no answer.
    """
    from twinlens.cli.gallery_words import identification_lines

    with open_recognising(gallery, key_file, model, search=search) as opened:
        found = opened.identify(photo, fpir=fpir, most=most, face=face, aligned=aligned)
    say([found.model_dump_json(indent=1)] if as_json else identification_lines(found, str(photo)))
    raise typer.Exit(1 if found.subject_id is None else 0)


@app.command()
def verify(
    subject: Subject,
    photo: Photo,
    gallery: Address,
    key_file: KeyFile = None,
    model: Model = None,
    fmr: Rate = None,
    prior: Prior = 0.5,
    face: Face = None,
    aligned: Aligned = False,
    as_json: AsJson = False,
) -> None:
    """Decide whether a photo shows a certain subject, by the most similar of its templates.

    Ends with status 0 for a match, 1 for no match, and 2 if there is no decision.
    """
    from twinlens.cli.decision import verification_lines

    with open_recognising(gallery, key_file, model) as opened:
        found = opened.verify(subject, photo, fmr=fmr, prior=prior, face=face, aligned=aligned)
    names = (f"The photo that {subject} was enrolled with", str(photo))
    say([found.model_dump_json(indent=1)] if as_json else verification_lines(found, names))
    raise typer.Exit(0 if found.is_match else 1)


@app.command("list")
def list_(
    gallery: Address,
    subject: Annotated[str | None, typer.Argument(metavar="SUBJECT", help="List the templates of this one.")] = None,
    key_file: KeyFile = None,
    after: Annotated[str, typer.Option(metavar="NAME", help="Begin after this one.")] = "",
    most: Annotated[int | None, typer.Option(min=1, help="How many, at most.", show_default="all")] = None,
    as_json: AsJson = False,
) -> None:
    """List who is enrolled, sorted by name, or the templates of one subject."""
    from twinlens.cli.gallery_words import subject_lines, template_lines

    with open_keeping(gallery, key_file) as opened:
        if subject is not None:
            templates = opened.templates(subject)
            say(json_list(templates) if as_json else template_lines(templates))
            return
        found = opened.subjects(after=after, most=most)
    say(json_list(found) if as_json else subject_lines(found))


@app.command()
def remove(subject: Subject, gallery: Address, key_file: KeyFile = None, as_json: AsJson = False) -> None:
    """Remove a subject, so that nothing of it is left in any file of the gallery.

    Copies and backups that somebody made are not within reach; see docs/gallery.md.
    """
    from twinlens.reporting.wording import counted

    with open_keeping(gallery, key_file) as opened:
        removed = opened.remove(subject)
    say_count("templates", removed, f"Removed {subject} with {counted(removed, 'template')}.", as_json=as_json)


app.command("stats")(gallery_keeping.stats)
app.command("expire")(gallery_keeping.expire)
app.command("audit")(gallery_keeping.audit)
app.command("rekey")(gallery_keeping.rekey)
app.command("export")(gallery_keeping.export)
app.command("import")(gallery_keeping.import_)
app.command("copy")(gallery_keeping.copy)
app.command("reenrol")(gallery_keeping.reenrol)
app.command("new-key")(gallery_trial.new_key)
app.command("serve-postgres")(gallery_trial.serve_postgres)
