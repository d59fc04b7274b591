"""``twinlens gallery``: what somebody needs to begin: a key, and a database for a trial."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from twinlens.cli.gallery_options import AsJson


def new_key(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it here, for its owner's eyes alone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key for a gallery: print it, or write it to a new file."""
    import json

    from twinlens.serving.gallery.keys import KEY, KEY_FILE, Key, write_key

    key = Key.new()
    if out is None:
        typer.echo(json.dumps({"key": key.text()}) if as_json else key.text())
        typer.echo(f"For ${KEY}. Keep it now: it is stored nowhere.", err=True)
        return
    write_key(out, key)
    typer.echo(json.dumps({"file": str(out)}) if as_json else f"The key is in {out}, for ${KEY_FILE} or --key-file.")


def serve_postgres(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the database lies; made if it is missing.")],
) -> None:
    """Run a PostgreSQL server for a trial, until Ctrl-C or a signal to stop.

    It listens at a socket in the folder and not at the network, and asks for no password: whoever may enter the folder
    may connect, and that is its owner. What is in it stays in the folder for the next time.
    """
    from twinlens.serving.gallery.trial_postgres import trial_server

    with trial_server(folder) as server:
        try:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            typer.echo(f"export TWINLENS_GALLERY='{server.get_uri()}'")
            typer.echo("Running until Ctrl-C. The gallery needs a key: twinlens gallery new-key.", err=True)
            while True:
                signal.pause()
        except KeyboardInterrupt:
            typer.echo("Stopped.", err=True)
