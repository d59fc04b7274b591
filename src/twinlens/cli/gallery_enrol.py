"""``twinlens gallery enrol``: one subject, or a folder of them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli.gallery_options import Address, AsJson, Face, KeyFile, Model, Search, json_list, open_recognising, say
from twinlens.cli.photos import Aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from twinlens.serving.gallery.values import Enrolment

    Enrol = Callable[[str, list[Path]], Enrolment]


def enrol(
    gallery: Address,
    subject: Annotated[str | None, typer.Argument(metavar="SUBJECT", help="Who; 1 to 128 characters.")] = None,
    photos: Annotated[list[Path] | None, typer.Argument(metavar="PHOTO...", help="Photos of the subject.")] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="PHOTOS", help="Enrol everybody in here: a folder of photos for each.")
    ] = None,
    key_file: KeyFile = None,
    model: Model = None,
    consent: Annotated[str, typer.Option(help="What the subject has agreed to, and when; kept sealed.")] = "",
    source: Annotated[
        str, typer.Option(help="Where the photos are from; kept sealed.", show_default="the name of each file")
    ] = "",
    days: Annotated[float | None, typer.Option(min=0, help="Until the templates expire.", show_default="never")] = None,
    keep_photos: Annotated[
        bool, typer.Option("--keep-photos", help="Keep the photos, sealed, for another model one day.")
    ] = False,
    allow_poor: Annotated[
        bool, typer.Option("--allow-poor", help="Take photos that are worse than nearly all that models are tried on.")
    ] = False,
    allow_duplicate: Annotated[
        bool, typer.Option("--allow-duplicate", help="Take photos that would be identified as somebody else.")
    ] = False,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out photos that are refused, and list them.")
    ] = False,
    search: Search = "auto",
    face: Face = None,
    aligned: Aligned = False,
    as_json: AsJson = False,
) -> None:
    """Remember photos of a subject; a gallery that is not there is made.

    When the command has ended the templates are durable. What was enrolled before is left out, so an interrupted
    command may be given again.
    """
    from twinlens.cli.gallery_words import enrolment_lines

    wanted, expires_at = _wanted(subject, photos, folder), _expiry(days)
    with open_recognising(gallery, key_file, model, create=True, search=search) as opened:

        def one(name: str, paths: list[Path]) -> Enrolment:
            with _options_named():
                return opened.enrol(
                    name,
                    paths,
                    consent=consent,
                    source=source,
                    expires_at=expires_at,
                    keep_photos=keep_photos,
                    allow_poor=allow_poor,
                    allow_duplicate=allow_duplicate,
                    face=face,
                    aligned=aligned,
                )

        enrolled = _enrolled(wanted, one, skip_broken=skip_broken)
        if as_json:
            say(json_list(enrolled))
        else:
            say(line for enrolment in enrolled for line in enrolment_lines(enrolment))


@contextmanager
def _options_named() -> Iterator[None]:
    """Let remedies name the option, where that of the library is a parameter."""
    from twinlens.errors import ConfigError, DuplicateError

    try:
        yield
    except (ConfigError, DuplicateError) as error:
        remedy = error.remedy.replace("allow_duplicate", "--allow-duplicate")
        raise type(error)(error.message, remedy) from error


def _wanted(subject: str | None, photos: list[Path] | None, folder: Path | None) -> dict[str, list[Path]]:
    """The photos of each subject.

    Raises:
        ConfigError: Neither a subject with photos nor a folder is given, or both.
        DataError: There is nobody in the folder.
    """
    from twinlens.data.folders import photos_by_subject
    from twinlens.errors import ConfigError, DataError

    if (folder is None) == (subject is None):
        raise ConfigError("It is not clear who is to be enrolled.", "Give SUBJECT PHOTO..., or --folder PHOTOS.")
    if folder is None:
        return {subject or "": photos or []}
    found = {name: [folder / name / photo for photo in files] for name, files in photos_by_subject(folder) if files}
    if not found:
        raise DataError(
            f"{folder} holds no folder with photos.", "Put the photos of each subject in a folder of its own."
        )
    return found


def _enrolled(wanted: dict[str, list[Path]], enrol: Enrol, *, skip_broken: bool) -> Iterator[Enrolment]:
    """Enrol one subject after another; photos that are refused stop it, or are listed at the end."""
    from twinlens.progress import track

    refused: list[str] = []
    for subject, photos in track(wanted.items(), "Enrolling", len(wanted)):
        if not skip_broken:
            yield enrol(subject, photos)
        elif made := list(_one_by_one(subject, photos, enrol, refused)):
            yield _together(made)
    if refused:
        typer.echo("1 photo was refused:" if len(refused) == 1 else f"{len(refused)} photos were refused:", err=True)
        for sentence in refused:
            typer.echo(f"  {sentence}", err=True)


def _one_by_one(subject: str, photos: list[Path], enrol: Enrol, refused: list[str]) -> Iterator[Enrolment]:
    from twinlens.errors import DuplicateError, ImageError

    for photo in photos:
        try:
            yield enrol(subject, [photo])
        except (ImageError, DuplicateError) as error:
            refused.append(str(error))


def _together(made: list[Enrolment]) -> Enrolment:
    """What became of all photos of one subject."""
    changes = {
        "templates": tuple(template for one in made for template in one.templates),
        "duplicates": tuple({other.subject_id: other for one in made for other in one.duplicates}.values()),
        "remarks": tuple(remark for one in made for remark in one.remarks),
        "seconds": sum(one.seconds for one in made),
    }
    return made[-1].model_copy(update=changes)


def _expiry(days: float | None) -> datetime | None:
    from datetime import UTC, datetime, timedelta

    from twinlens.errors import ConfigError

    try:
        return None if days is None else datetime.now(UTC) + timedelta(days=days)
    except OverflowError as error:
        raise ConfigError(f"{days:g} days are too many.", "Leave --days out for what never expires.") from error
