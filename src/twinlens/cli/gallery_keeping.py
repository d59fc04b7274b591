"""``twinlens gallery``: keys, copies, the log, retention."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli.gallery_options import (
    Address,
    AsJson,
    KeyFile,
    given_key,
    open_importing,
    open_keeping,
    say,
    say_count,
)

if TYPE_CHECKING:
    from twinlens.serving.gallery.archive import Secret

SealedFile = Annotated[Path, typer.Argument(metavar="FILE", help="The sealed file.")]
WithKey = Annotated[Path | None, typer.Option(metavar="FILE", help="Seal it under the key in this file.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Seal it under the passphrase in this file's first line.", show_default="asked for"
    ),
]


def stats(gallery: Address, key_file: KeyFile = None, as_json: AsJson = False) -> None:
    """Say how many people and templates there are, and of which model."""
    from twinlens.cli.gallery_words import stats_lines

    with open_keeping(gallery, key_file) as opened:
        found = opened.stats()
    say([found.model_dump_json(indent=1)] if as_json else stats_lines(found))


def expire(gallery: Address, key_file: KeyFile = None, as_json: AsJson = False) -> None:
    """Remove the templates whose time is over; they match nobody in any case."""
    from twinlens.reporting.wording import counted

    with open_keeping(gallery, key_file) as opened:
        removed = opened.expire()
    say_count("templates", removed, f"Removed {counted(removed, 'template')}.", as_json=as_json)


def audit(
    gallery: Address,
    key_file: KeyFile = None,
    verify: Annotated[bool, typer.Option("--verify", help="Verify every entry, and count the templates.")] = False,
    noted: Annotated[
        str | None, typer.Option(metavar="NUMBER:DIGEST", help="An entry that was noted before must still be there.")
    ] = None,
    since: Annotated[int, typer.Option(min=0, help="Leave out the entries up to this number.")] = 0,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest entries to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show who did what, and verify that nobody has changed the log.

    Ends with status 1 if an entry, or a template that it tells of, is not what was written.
    """
    from twinlens.cli.gallery_words import audit_lines

    with open_keeping(gallery, key_file) as opened:
        report = opened.audit(verify=verify, since=since, last=last, noted=_noted(noted))
    say([report.model_dump_json(indent=1)] if as_json else audit_lines(report))
    if report.check is not None and not report.check.intact:
        raise typer.Exit(1)


def rekey(
    gallery: Address,
    key_file: KeyFile = None,
    new_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The new key.", show_default="made, and put beside the gallery")
    ] = None,
) -> None:
    """Give the gallery another key and another rotation, without a photo.

    What somebody has copied of it before opens under the old key alone, and matches nothing any more.
    """
    with open_keeping(gallery, key_file) as opened:
        opened.rekey(given_key(new_key_file))
    where = f"in {new_key_file}; open it with that one from now on" if new_key_file else "beside it"
    typer.echo(f"The gallery has a new key, {where}.")


def export(
    file: SealedFile,
    gallery: Address,
    key_file: KeyFile = None,
    with_key: WithKey = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Write all templates to one sealed file, to be kept or imported elsewhere."""
    from twinlens.reporting.wording import counted

    secret = _secret(with_key, passphrase_file, twice=True)
    with open_keeping(gallery, key_file) as opened:
        written = opened.export(file, secret)
    say_count("templates", written, f"{counted(written, 'template')} in {file}.", as_json=as_json)


def import_(
    file: SealedFile,
    gallery: Address,
    key_file: KeyFile = None,
    with_key: WithKey = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Add the templates of a sealed file; a gallery that is not there is made.

    Whoever was removed after the file was written is back then.
    """
    from twinlens.reporting.wording import counted

    secret = _secret(with_key, passphrase_file, twice=False)
    with open_importing(file, secret, gallery, key_file) as opened:
        added = opened.import_(file, secret)
    say_count("templates", added, f"{counted(added, 'template')} added.", as_json=as_json)


def copy(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A gallery: a file, or postgresql://...")],
    target: Annotated[str, typer.Argument(metavar="DST", help="Where there is none yet.")],
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy a gallery to another place, log and all, without loss, under the same key.

    The key is not copied.
    """
    from twinlens.reporting.wording import counted
    from twinlens.serving.gallery.access import shown_address

    with open_keeping(source, key_file) as opened:
        copied = opened.copy_to(target)
    sentence = f"{counted(copied, 'template')} in {shown_address(target)}, under the same key, which is not copied."
    say_count("templates", copied, sentence, as_json=as_json)


def reenrol(
    gallery: Address,
    model: Annotated[str, typer.Option(metavar="NAME|BUNDLE|RUN", help="The new model.")],
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Move the gallery to another model, by the photos that were kept: all templates or none."""
    from twinlens.reporting.wording import counted
    from twinlens.serving.verifier import Verifier

    verifier = Verifier.load(model)
    with open_keeping(gallery, key_file) as opened:
        moved = opened.reenrol(verifier)
    sentence = f"{counted(moved, 'template')} made anew with {verifier.manifest.name}."
    say_count("templates", moved, sentence, as_json=as_json)


# Characters; more than anybody remembers.
_LONGEST_PASSPHRASE = 1024


def _noted(text: str | None) -> tuple[int, str] | None:
    from twinlens.errors import ConfigError

    if text is None:
        return None
    number, _, digest = text.partition(":")
    if not number.isdecimal() or int(number) < 1 or len(digest) != 64:
        raise ConfigError(f"{text!r} is no entry that was noted.", "Give NUMBER:DIGEST, as audit has printed it.")
    return int(number), digest


def _secret(with_key: Path | None, passphrase_file: Path | None, *, twice: bool) -> Secret:
    """The key or the passphrase that a file is sealed under.

    Raises:
        ConfigError: Both are given, or nobody is there to be asked.
    """
    import sys

    from twinlens.errors import ConfigError

    if with_key is not None and passphrase_file is not None:
        raise ConfigError("A file is sealed under a key or a passphrase, not both.", "Leave one of them out.")
    if key := given_key(with_key):
        return key
    if passphrase_file is not None:
        return _first_line(passphrase_file)
    if not sys.stdin.isatty():
        raise ConfigError("Nobody can be asked for a passphrase.", "Give --passphrase-file or --with-key.")
    asked: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True)
    return asked


def _first_line(path: Path) -> str:
    from twinlens.errors import ConfigError

    try:
        with path.open(encoding="utf-8") as file:
            return file.readline(_LONGEST_PASSPHRASE).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} holds no passphrase that can be read: {error}.", "Check the file.") from error
